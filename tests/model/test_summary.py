"""Costs against counting by hand and against torch's own counter."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from drumline.core.grid import HIGH
from drumline.model.config import PRESETS, ModelConfig
from drumline.model.network import HierarchicalDrumCRNN
from drumline.model.summary import cost, table


def test_one_convolution_by_hand() -> None:
    config = ModelConfig(channels=(4,), pooling=(4,), convs_per_block=1, context="none", branch_width=2)
    counted = cost(config)
    frames = HIGH.frame_rate_hz
    assert counted.macs_per_audio_s["encoder"] == pytest.approx(frames * 128 * 4 * 3 * 3)
    features = 4 * 32
    # Five branches with two hidden units; 6 presences, 6 velocities and 9 kinds; onset and offset.
    assert counted.macs_per_audio_s["heads"] == pytest.approx(frames * (5 * 2 * features + 2 * 21 + 2 * features))


def test_a_recurrent_layer_by_hand() -> None:
    config = ModelConfig(channels=(4,), pooling=(4,), context="lstm", context_width=8, context_layers=2)
    gates = 4 * 2 * 8  # four gates, two directions
    macs = gates * (4 * 32 + 8) + gates * (16 + 8)
    assert cost(config).macs_per_audio_s["context"] == pytest.approx(HIGH.frame_rate_hz * macs)


@pytest.mark.parametrize("context", ["none", "conformer"])
def test_torch_counts_the_same(context: str) -> None:
    config = ModelConfig.model_validate({"preset": "small", "context": context, "convolution": "separable"})
    frames = 8 * config.attention_reach_frames
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        HierarchicalDrumCRNN(config).eval()(torch.zeros(1, frames, config.bands))
    macs = sum(cost(config).macs_per_audio_s.values()) * frames / HIGH.frame_rate_hz
    assert 2 * macs == pytest.approx(counter.get_total_flops())


def test_the_table_has_a_row_for_each_preset() -> None:
    assert [line.split("`")[1] for line in table().splitlines()[2:]] == list(PRESETS)
