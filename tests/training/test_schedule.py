"""The learning rate against PyTorch's own scheduler."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.training.schedule import ScheduleConfig, learning_rate, should_stop

SCORES = st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), max_size=30)


@settings(deadline=None)
@given(SCORES, st.integers(1, 4))
def test_plateaus_are_those_of_reduce_lr_on_plateau(scores: list[float], patience: int) -> None:
    config = ScheduleConfig(warmup_steps=0, patience=patience, min_gain=1e-4)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=config.peak)
    # torch counts the epochs that it tolerates: one fewer than it takes to act.
    oracle = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, "max", factor=0.5, patience=patience - 1, threshold=1e-4, threshold_mode="abs", min_lr=config.floor
    )
    for score in scores:
        oracle.step(score)
    assert learning_rate(10, scores, config) == pytest.approx(optimiser.param_groups[0]["lr"])


def test_warm_up_is_a_line_from_start_to_peak() -> None:
    config = ScheduleConfig(warmup_steps=100)
    assert learning_rate(0, [], config) == config.start
    assert learning_rate(50, [], config) == pytest.approx((config.start + config.peak) / 2)
    assert learning_rate(100, [], config) == config.peak


def test_a_stage_ends_when_nothing_gets_better() -> None:
    config = ScheduleConfig(stop_after=3)
    assert not should_stop([0.1, 0.5, 0.4, 0.5], config)
    assert should_stop([0.1, 0.5, 0.4, 0.5, 0.3], config)
