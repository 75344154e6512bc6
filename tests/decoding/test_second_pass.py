"""Dense passages: found, read again, and put in the place of the first reading."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.core.grid import HIGH, MICRO
from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import LABEL_NAMES
from drumline.decoding.activations import Activations
from drumline.decoding.config import DecodeConfig, MicroConfig
from drumline.decoding.peak_picking import DecodedHits, decode
from drumline.decoding.presets import load_preset
from drumline.decoding.second_pass import Passage, dense_passages, splice

CONFIG = MicroConfig(gap_ms=60.0, num_strokes=4, around_ms=100.0)


def events(times_s: list[float], label: str = "snare_head") -> Events:
    return Events.of(times_s, [label] * len(times_s), velocity=[0.5] * len(times_s), confidence=[0.9] * len(times_s))


def heard(times_s: list[float], label: str = "snare_head") -> DecodedHits:
    found = events(times_s, label)
    return DecodedHits(found, {"snare": np.arange(len(found), dtype=np.float32)})


def roll(start_s: float, num: int, gap_s: float = 0.05) -> list[float]:
    return [start_s + n * gap_s for n in range(num)]


def test_only_what_follows_fast_for_long_enough_is_dense() -> None:
    groove = [0.25 * n for n in range(20)]
    song = sorted([*groove, *roll(1.02, 2), *roll(3.02, 8)])  # three are a ruff
    (passage,) = dense_passages(events(song), CONFIG, duration_s=5.0)
    assert passage.start_s == pytest.approx(3.0 - 0.1)  # the groove's stroke at 3.0 is 20 ms before the roll
    assert passage.end_s == pytest.approx(3.02 + 7 * 0.05 + 0.1)


def test_strokes_of_several_drums_at_once_are_one_onset() -> None:
    together = events(sorted(each for n in range(8) for each in (0.2 * n, 0.2 * n + 0.004, 0.2 * n + 0.009)))
    assert dense_passages(together, CONFIG, duration_s=2.0) == []


def test_passages_that_touch_are_one_and_stay_within_the_recording() -> None:
    song = [*roll(0.02, 5), *roll(0.4, 5), *roll(2.0, 5)]
    found = dense_passages(events(song), CONFIG, duration_s=2.25)
    assert found == [Passage(0.0, pytest.approx(0.7)), Passage(pytest.approx(1.9), 2.25)]
    assert dense_passages(Events.none(), CONFIG, duration_s=1.0) == []


@given(st.lists(st.integers(0, 1400), max_size=200), st.integers(2, 6))
def test_every_run_of_near_onsets_is_in_a_passage(steps: list[int], num: int) -> None:
    config = MicroConfig(gap_ms=60.0, num_strokes=num, around_ms=20.0)
    times_s = [0.007 * step for step in sorted(steps)]  # no gap of exactly 15 or 60 ms
    onsets: list[float] = []
    for time_s in times_s:
        if not onsets or time_s - onsets[-1] > 0.015:
            onsets.append(time_s)
    runs: list[list[float]] = []
    for time_s in onsets:
        if runs and time_s - runs[-1][-1] <= 0.06:
            runs[-1].append(time_s)
        else:
            runs.append([time_s])
    dense = [time_s for run in runs if len(run) >= num for time_s in run]
    passages = dense_passages(events(times_s), config, duration_s=20.0)
    assert {time_s for time_s in onsets if any(p.start_s <= time_s <= p.end_s for p in passages)} >= set(dense)
    assert sum(p.end_s - p.start_s for p in passages) <= len(dense) * (0.06 + 0.04)
    assert all(one.end_s < other.start_s for one, other in pairwise(passages))


def test_the_second_reading_stands_within_and_the_first_without() -> None:
    first, passage = heard([0.5, 1.02, 1.1, 1.9, 2.5]), Passage(1.0, 2.0)
    again = heard([0.9, 1.0, 1.03, 1.06, 1.99, 2.2])
    found = splice(first, [(passage, again)], spacing_s=0.04)
    assert found.events.time_s.tolist() == [0.5, 1.0, 1.03, 1.06, 1.99, 2.5]
    assert found.branches["snare"].tolist() == [0, 1, 2, 3, 4, 4]  # the last is the first pass's
    assert splice(first, [], spacing_s=0.04).events.time_s.tolist() == first.events.time_s.tolist()


def test_a_stroke_at_a_seam_is_counted_once() -> None:
    first, passage = heard([0.98, 2.01]), Passage(1.0, 2.0)
    found = splice(first, [(passage, heard([1.005, 1.5, 1.985]))], spacing_s=0.03)
    assert found.events.time_s.tolist() == [0.98, 1.5, 2.01]
    other = splice(first, [(passage, heard([1.005], "kick"))], spacing_s=0.03)
    assert [LABEL_NAMES[n] for n in other.events.label] == ["snare_head", "kick", "snare_head"]


def test_the_micro_preset_hears_a_roll_that_the_first_pass_cannot() -> None:
    """A roll of 32 ms gaps: a first pass that keeps 35 ms apart hears every second stroke."""
    preset = load_preset("micro")
    assert preset.micro is not None
    assert all(28 <= ms <= 40 for ms in (preset.micro.spacing_ms, *preset.micro.spacings_ms.values()))
    times_s = np.array(roll(1.0, 20, gap_s=0.032))
    found = {}
    for grid, config in (
        (HIGH, preset.model_copy(update={"spacings_ms": {"snare_head": 35.0}})),
        (MICRO, preset.second_pass),
    ):
        probability = np.zeros((grid.num_frames(44_100), 1), dtype=np.float32)
        frames = grid.frame(times_s)
        probability[frames] = 0.9
        onset, offset = probability[:, 0], np.zeros(len(probability), dtype=np.float32)
        offset[frames] = grid.position(times_s) - frames
        song = Activations(grid, ("snare_head",), probability, onset, offset, probability)
        found[grid] = decode([song], config)
    patient = preset.micro.model_copy(update={"gap_ms": 70.0})
    (passage,) = dense_passages(found[HIGH].events, patient, duration_s=2.0)
    both = splice(found[HIGH], [(passage, found[MICRO])], spacing_s=0.04)
    assert len(found[HIGH].events) == 10
    np.testing.assert_allclose(both.events.time_s, times_s, atol=1e-6)


def test_a_configuration_without_micro_is_told_as_ever() -> None:
    assert "micro" not in DecodeConfig().model_dump()
    again = load_preset("micro").second_pass
    assert again.micro is None
    assert again.second_pass == again
