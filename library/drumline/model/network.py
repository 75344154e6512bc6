"""The network: shared encoder, context over time, branches and heads.

How much audio an answer rests on decides how a long recording may be cut. The convolutions see
`ModelConfig.encoder_reach_frames` on either side, exactly, and a conformer adds a known reach a layer. A recurrent
network sees everything, but forgets within about a second: `activations` computes a long recording in chunks with a
margin on either side that is thrown away.
"""

import torch
from torch import Tensor, nn

from drumline.model.config import ModelConfig
from drumline.model.context import context
from drumline.model.encoder import Encoder
from drumline.model.heads import FlatHeads, HierarchicalHeads
from drumline.model.output import Activations, FlatOutput, Output

# B batch, T frames, F bands, D features


class HierarchicalDrumCRNN(nn.Module):
    """Log-mel frames ``[B, T, spectra * bands]`` float32 to logits; with ``heads: flat``, the baseline.

    Parts go by name, for freezing and for what a checkpoint brings: ``encoder``, ``context``, ``heads.branches.kick``,
    ``heads.onset`` ...
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.context, width = context(self.encoder.num_features, config)
        self.heads = HierarchicalHeads(width, config) if config.heads == "hierarchical" else FlatHeads(width, config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, spectra_BTF: Tensor) -> Output | FlatOutput:
        x_BTD = self.dropout(self.encoder(spectra_BTF))
        output: Output | FlatOutput = self.heads(self.dropout(self.context(x_BTD)))
        return output


@torch.no_grad()
def activations(
    network: HierarchicalDrumCRNN, spectra_BTF: Tensor, *, chunk_frames: int, margin_frames: int
) -> Activations:
    """The activations of recordings of any length, computed ``chunk_frames`` at a time.

    Each chunk is computed with up to ``margin_frames`` of its surroundings. Equal to one pass over the whole where the
    margin covers the network's reach. The network must be in evaluation mode, where batches do not matter.
    """
    if network.training:
        raise ValueError("activations are for a network in evaluation mode: call network.eval() first")
    frames = spectra_BTF.shape[1]
    pieces = []
    for start in range(0, frames, chunk_frames):
        first, end = max(0, start - margin_frames), min(frames, start + chunk_frames)
        answer = network(spectra_BTF[:, first : end + margin_frames]).activations()
        pieces.append([part[:, start - first : end - first] for part in answer])
    return Activations(*(torch.cat(parts, dim=1) for parts in zip(*pieces, strict=True)))
