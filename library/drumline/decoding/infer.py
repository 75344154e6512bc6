"""Inference with PyTorch on any device: a whole recording in chunks, or chunks of many recordings in batches."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from drumline.core.errors import DrumlineError
from drumline.core.grid import Grid
from drumline.decoding.activations import Activations
from drumline.decoding.chunked_inference import CHUNK_S, Network, Values
from drumline.features.logmel import LogMelConfig
from drumline.features.logmel_torch import LogMel
from drumline.model.branches import PREDICTED
from drumline.model.config import ModelConfig
from drumline.model.network import HierarchicalDrumCRNN, activations

MARGIN_S: Final = 2.0
"""Context on either side of a chunk [s]: a recurrent network forgets within about a second."""


def infer(network: HierarchicalDrumCRNN, features: LogMel, samples: NDArray[np.float32]) -> Activations:
    """Compute the activations of a recording.

    Parameters
    ----------
    network : HierarchicalDrumCRNN
        In evaluation mode; its device is used.
    features : LogMel
        Feature extractor that the network was trained with.
    samples : ndarray, float32, [N]
        Mono, 22,050 Hz.

    Returns
    -------
    Activations
        Of all frames of the recording.
    """
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


class TorchNetwork(Network):
    """PyTorch runtime: a network in evaluation mode, on the device of its weights."""

    def __init__(
        self, network: HierarchicalDrumCRNN, features: LogMelConfig, *, margin_s: float, batch_size: int = 1
    ) -> None:
        super().__init__(features, PREDICTED, margin_s=margin_s, batch_size=batch_size)
        self._network = network
        self._device = next(network.parameters()).device

    def run(self, features: Values) -> Sequence[Values]:
        with torch.inference_mode():
            found = self._network(torch.from_numpy(features).to(self._device)).activations()
        outputs = (found.classes_BTC, found.onset_BT, found.offset_BT, found.velocity_BTC)
        return [values.cpu().numpy() for values in outputs]


def weights_file(network: HierarchicalDrumCRNN) -> bytes:
    """Serialise a network's weights and buffers by name, as a NumPy ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: value.cpu().numpy() for name, value in network.state_dict().items()})
    return buffer.getvalue()


def read_network(config: ModelConfig, weights: Path, *, device: str) -> HierarchicalDrumCRNN:
    """Load a network from `weights_file` bytes, in evaluation mode.

    Raises DrumlineError if the file is damaged or its weights do not fit the configuration.
    """
    network = HierarchicalDrumCRNN(config)
    try:
        with np.load(weights, allow_pickle=False) as file:
            network.load_state_dict({name: torch.from_numpy(file[name]) for name in file.files})
    except (RuntimeError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise DrumlineError(f"{weights}: not the weights of this network ({error})") from error
    return network.to(device).eval()
