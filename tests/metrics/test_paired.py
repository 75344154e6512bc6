"""Velocities and offsets of hits that belong together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import VOCABULARIES
from drumline.metrics.judgement import judge
from drumline.metrics.paired import moments, openness_moments, paired_errors, velocity_moments
from drumline.metrics.timing import offsets, timing

EIGHT = VOCABULARIES["8"]
velocities = arrays(np.float32, 20, elements=st.sampled_from([np.nan, *np.linspace(0, 1, 9)]))


@given(velocities, velocities)
def test_sums_say_what_the_pairs_say(reference: np.ndarray, estimate: np.ndarray) -> None:
    parts = [moments(reference[part], estimate[part]) for part in (slice(7), slice(7, None))]
    found = paired_errors(parts[0] + parts[1])
    known = ~np.isnan(reference + estimate)
    r, e = reference[known].astype(float), estimate[known].astype(float)
    assert found.num_pairs == len(r)
    if len(r) == 0:
        assert np.isnan(found.bias)
        return
    np.testing.assert_allclose(found.mean_absolute, np.abs(e - r).mean(), atol=1e-9)
    np.testing.assert_allclose(found.bias, (e - r).mean(), atol=1e-9)
    if len(set(r)) > 1 and len(set(e)) > 1:
        np.testing.assert_allclose(found.correlation, np.corrcoef(r, e)[0, 1], atol=1e-6)
    else:
        assert np.isnan(found.correlation)


def test_rounding_is_no_spread() -> None:
    assert np.isnan(paired_errors(moments([0.1] * 7, np.linspace(0, 1, 7))).correlation)


def test_by_class_and_only_of_matched_hits() -> None:
    unknown = np.nan
    reference = Events.of(
        [1, 2, 3, 4],
        ["kick", "kick", "crash", "hihat_open"],
        velocity=[0.5, 0.7, 0.1, unknown],
        openness=[unknown, unknown, unknown, 1],
    )
    estimate = Events.of(
        [1.01, 2.02, 3.99, 5],
        ["kick", "kick", "hihat_open", "crash"],
        velocity=[0.6, 0.9, 1, 1],
        openness=[unknown, unknown, 0.75, unknown],
    )
    judged = judge(reference, estimate, vocabulary=EIGHT, window_s=0.05)
    kick, hihat, crash = (EIGHT.classes.index(drum) for drum in ("kick", "hihat", "crash"))

    loudness = paired_errors(velocity_moments(reference, estimate, judgement=judged, num_classes=8))
    assert loudness.num_pairs.tolist() == [2, 0, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(loudness.bias[kick], 0.15, atol=1e-6)
    assert paired_errors(openness_moments(reference, estimate, judgement=judged)).mean_absolute == 0.25

    one = offsets(reference, estimate, judgement=judged)
    found = timing(one.drum, one.offset_s, num_classes=8)
    assert (found.num_pairs[kick], found.num_pairs[hihat], found.num_pairs[crash]) == (2, 1, 0)
    np.testing.assert_allclose([found.median_s[kick], found.mean_s[kick]], 0.015)
    np.testing.assert_allclose([found.deviation_s[kick], found.spread_s[kick]], 0.005)
    np.testing.assert_allclose(found.median_s[hihat], -0.01)
    assert np.isnan(found.median_s[crash])


@given(st.floats(-0.04, 0.04))
def test_a_late_estimate_is_late(offset_s: float) -> None:
    reference = Events.of(np.arange(20) * 0.5, ["snare_head", "kick"] * 10)
    estimate = reference.shifted(offset_s)
    one = offsets(reference, estimate, judgement=judge(reference, estimate, vocabulary=EIGHT, window_s=0.05))
    found = timing(one.drum, one.offset_s, num_classes=len(EIGHT.classes))
    np.testing.assert_allclose(found.median_s[:2], offset_s, atol=1e-9)
    np.testing.assert_allclose(found.deviation_s[:2], 0, atol=1e-9)
