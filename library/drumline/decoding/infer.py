"""A network's view of a whole recording, computed in chunks so that memory does not grow with its length."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from drumline.core.grid import Grid
from drumline.decoding.activations import Activations
from drumline.features.logmel_torch import LogMel
from drumline.model.branches import PREDICTED
from drumline.model.network import HierarchicalDrumCRNN, activations

CHUNK_S: Final = 20.0
"""Length of a chunk [s]."""
MARGIN_S: Final = 2.0
"""What is computed on either side of a chunk and thrown away [s]: a recurrent network forgets within about a second."""


def infer(network: HierarchicalDrumCRNN, features: LogMel, samples: NDArray[np.float32]) -> Activations:
    """The activations of mono samples [N] at 22,050 Hz. The network must be in evaluation mode."""
    grid = Grid(features.config.hop)
    device = next(network.parameters()).device
    with torch.no_grad():
        spectra_BTF = features(torch.from_numpy(samples)[None].to(device))
        frames = [round(length_s * grid.frame_rate_hz) for length_s in (CHUNK_S, MARGIN_S)]
        found = activations(network, spectra_BTF, chunk_frames=frames[0], margin_frames=frames[1])
    return Activations(
        grid,
        PREDICTED,
        probability=found.classes_BTC[0].cpu().numpy(),
        onset=found.onset_BT[0].cpu().numpy(),
        offset=found.offset_BT[0].cpu().numpy(),
        velocity=found.velocity_BTC[0].cpu().numpy(),
    )
