"""Cost of a network: parameters, and multiply-adds per second of audio.

Counted from the shapes that pass through each layer, on torch's meta device, where nothing is computed. Norms,
activations and pooling are left out, as is usual: they cost memory traffic rather than arithmetic.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from drumline.core.grid import HIGH, Grid
from drumline.model.config import PRESETS, ModelConfig
from drumline.model.context import LocalAttention
from drumline.model.network import HierarchicalDrumCRNN


@dataclass(frozen=True)
class Cost:
    """The size of a network and the arithmetic of one forward pass."""

    parameters: Mapping[str, int]
    """By part: encoder, context, heads."""
    macs_per_audio_s: Mapping[str, float]
    """Multiply-adds for a second of audio, by part."""


def cost(config: ModelConfig, grid: Grid = HIGH) -> Cost:
    """The cost of a network, whose input has the frame rate of ``grid``."""
    with torch.device("meta"):
        network = HierarchicalDrumCRNN(config).eval()
        # Whole chunks of attention, none filled up; few steps of recurrence, which meta tensors take one by one.
        frames = config.attention_reach_frames if config.context == "conformer" else 8
        spectra_BTF = torch.zeros(1, frames, config.spectra * config.bands)
    parts = {"encoder": network.encoder, "context": network.context, "heads": network.heads}
    counted = {part: [0] for part in parts}
    hooks = [
        layer.register_forward_hook(lambda *call, total=counted[part]: total.append(_macs(*call)))
        for part, module in parts.items()
        for layer in module.modules()
    ]
    network(spectra_BTF)
    for hook in hooks:
        hook.remove()
    return Cost(
        parameters={part: sum(each.numel() for each in module.parameters()) for part, module in parts.items()},
        macs_per_audio_s={part: sum(macs) * grid.frame_rate_hz / frames for part, macs in counted.items()},
    )


def table() -> str:
    """The presets as a Markdown table."""
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    yield "| preset | parameters | multiply-adds a second of audio | convolutions | context | heads |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for preset in PRESETS:
        each = cost(ModelConfig(preset=preset))  # type: ignore[arg-type]
        macs = [sum(each.macs_per_audio_s.values()), *each.macs_per_audio_s.values()]
        cells = [f"{sum(each.parameters.values()) / 1e6:.2f} M", *(f"{count / 1e6:,.0f} M" for count in macs)]
        yield f"| `{preset}` | {' | '.join(cells)} |"


def _macs(layer: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> int:
    """Multiply-adds of one call of a layer that has any of its own, else 0."""
    match layer:
        case nn.Conv1d() | nn.Conv2d():
            return int(output.numel() * layer.weight[0].numel())  # each output sums over one kernel
        case nn.Linear():
            return int(output.numel() * layer.in_features)
        case nn.LSTM() | nn.GRU():
            frames = inputs[0].shape[:2].numel()
            return frames * sum(weight.numel() for name, weight in layer.named_parameters() if "weight" in name)
        case LocalAttention():
            # Scores and their mixture: each frame meets three chunks of keys, then of values.
            return int(inputs[0].numel() * 2 * 3 * layer.reach)
    return 0
