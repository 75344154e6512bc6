"""Rendered songs are ground truth: their onsets must be where their hits say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.core.hits import Hit
from drumline.core.taxonomy import CLASSES, LABELS
from drumline.rendering.backing import backing, mix
from drumline.rendering.patterns import STYLES, perform
from drumline.rendering.play import STEMS, render, render_stems
from drumline.rendering.synth_kit import SynthKit, synth_kit

RATE_HZ = 44_100


@pytest.fixture(scope="module")
def kit() -> SynthKit:
    return synth_kit(1)


@pytest.mark.parametrize("drum", CLASSES)
def test_a_stroke_begins_at_its_first_sample(kit: SynthKit, drum: str) -> None:
    for velocity in (0.2, 0.6, 1.0):
        level = np.abs(kit.stroke(drum, velocity, take=0).samples)
        assert np.argmax(level > 0.1 * level.max()) <= RATE_HZ // 1000


@pytest.mark.parametrize("drum", CLASSES)
def test_a_harder_stroke_is_louder_and_brighter(kit: SynthKit, drum: str) -> None:
    soft, hard = kit.stroke(drum, 0.2, take=0).samples, kit.stroke(drum, 1.0, take=0).samples
    assert np.abs(hard).max() > 5 * np.abs(soft).max()

    def centroid(samples: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(samples[:2048]))
        return float((spectrum * np.arange(len(spectrum))).sum() / spectrum.sum())

    assert centroid(hard) > centroid(soft)


def test_a_kit_is_its_seed(kit: SynthKit) -> None:
    again, other = synth_kit(1), synth_kit(2)
    np.testing.assert_array_equal(
        kit.stroke("snare_head", 0.7, take=3).samples, again.stroke("snare_head", 0.7, take=3).samples
    )
    assert not np.array_equal(kit.stroke("kick", 0.7, take=0).samples, other.stroke("kick", 0.7, take=0).samples)
    assert not np.array_equal(
        kit.stroke("snare_head", 0.7, take=0).samples, kit.stroke("snare_head", 0.7, take=1).samples
    )


@settings(max_examples=20, deadline=None)
@given(time_s=st.floats(0.0, 0.9), label=st.sampled_from(sorted(LABELS)))
def test_a_hit_sounds_at_its_time_and_not_before(kit: SynthKit, time_s: float, label: str) -> None:
    samples = render([Hit(time_s, label)], kit=kit, duration_s=1.0)
    assert samples.shape == (RATE_HZ,)
    assert samples.dtype == np.float32
    start = round(time_s * RATE_HZ)
    assert not samples[:start].any()
    assert samples[start : start + 300].any() == (label not in ("other", "unclear"))


def test_stems_sum_to_the_track_and_never_clip(kit: SynthKit) -> None:
    hits = [Hit(0.1, drum, 1.0) for drum in CLASSES for _ in range(8)]
    stems = render_stems(hits, kit=kit, duration_s=2.0, seed=4)
    track = render(hits, kit=kit, duration_s=2.0, seed=4)
    assert list(stems) == list(STEMS)
    np.testing.assert_allclose(sum(stems.values()), track, atol=1e-6)
    assert 0.9 < np.abs(track).max() < 1.0


def test_a_closed_hihat_ends_an_open_one(kit: SynthKit) -> None:
    rings = render([Hit(0.0, "hihat_open")], kit=kit, duration_s=1.0)
    choked = render([Hit(0.0, "hihat_open"), Hit(0.2, "hihat_pedal", 0.01)], kit=kit, duration_s=1.0)
    after = slice(int(0.35 * RATE_HZ), None)
    assert np.std(choked[after]) < 0.01 * np.std(rings[after])


@pytest.mark.parametrize("style", STYLES)
def test_a_groove_stands_on_its_grid(style: str) -> None:
    exact = perform(style, num_bars=8, tempos=((0, 120.0), (3, 150.0)), seed=5)
    assert exact == perform(style, num_bars=8, tempos=((0, 120.0), (3, 150.0)), seed=5)
    times_s = np.array([hit.time_s for hit in exact.hits])
    np.testing.assert_allclose(times_s, exact.tempo.seconds([hit.tick for hit in exact.hits]), atol=1e-12)
    assert 0 < times_s[0] <= times_s[-1] < exact.end_s
    played = perform(style, num_bars=8, tempos=((0, 120.0), (3, 150.0)), seed=5, jitter_s=0.004)
    errors_s = np.array([hit.time_s for hit in played.hits]) - played.tempo.seconds([hit.tick for hit in played.hits])
    assert 0.003 < np.abs(errors_s).max() <= 0.004


def test_a_mix_has_the_level_it_says(kit: SynthKit) -> None:
    groove = perform("rock", num_bars=4, tempos=((0, 100.0),), seed=1)
    drums = render(groove.hits, kit=kit, duration_s=groove.end_s)
    others = backing(groove.tempo, duration_s=groove.end_s, seed=2)
    assert others.shape == drums.shape
    together = mix(drums, others, drums_gain_db=-6.0)
    shares, *_ = np.linalg.lstsq(np.stack([drums, others], axis=1).astype(float), together.astype(float), rcond=None)
    ratio_db = 20 * np.log10(shares[0] * np.std(drums) / (shares[1] * np.std(others)))
    assert ratio_db == pytest.approx(-6.0, abs=0.05)
    with pytest.raises(ValueError, match="samples"):
        mix(drums, others[:-1])
