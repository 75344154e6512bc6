"""What is heard and what is labelled move together, whatever was drawn."""

import json

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.augmentation.augment import UNCHANGED, AugmentConfig, augment
from drumline.augmentation.example import Example, Samples, fitted, rms
from drumline.augmentation.noise import KINDS, noise
from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap

ALWAYS = AugmentConfig.model_validate({name: {"probability": 1.0} for name in AugmentConfig.model_fields})
NAMES = tuple(AugmentConfig.model_fields)
DURATION_S = 4.0


def only(name: str, **knobs: object) -> AugmentConfig:
    """A chain in which nothing but one transform works, always."""
    none = {other: {"probability": 0.0} for other in NAMES}
    return AugmentConfig.model_validate({**none, name: {"probability": 1.0, **knobs}})


def beats(seed: int = 0) -> Example:
    """Short bursts, one a hit, over a soft tone that stands for a backing, in time with a tempo map."""
    random = np.random.default_rng(seed)
    tempo = TempoMap(480, ((0, 240.0), (1920, 300.0)))
    ticks = np.arange(0, 8000, 480) + random.integers(-40, 40, 17)
    times_s = 0.1 + tempo.seconds(np.clip(ticks, 0, None))
    samples = np.zeros(round(DURATION_S * RATE_HZ), dtype=np.float32)
    hits = []
    for time_s, tick in zip(times_s, np.clip(ticks, 0, None), strict=True):
        start = round(time_s * RATE_HZ)
        burst = random.standard_normal(600) * np.exp(-np.arange(600) / 100)
        burst[0] = 3.0
        stop = min(len(samples), start + 600)
        if start < stop - 500:
            samples[start:stop] += (0.2 * burst[: stop - start]).astype(np.float32)
            hits.append(Hit(start / RATE_HZ, "snare_head", 0.7, tick=int(tick)))
    tone = (0.005 * np.sin(2 * np.pi * 220 * np.arange(len(samples)) / RATE_HZ)).astype(np.float32)
    return Example(samples, tuple(hits), backing=tone, tempo=tempo, tick_zero_s=0.1)


def heard_s(samples: Samples, near_s: float) -> float:
    """The time of the steepest rise of energy within 15 ms: over 1 ms windows, before against after."""
    fine = 4  # four times the rate, so that the search itself is not what limits it
    start = max(0, round((near_s - 0.03) * RATE_HZ))
    piece = soxr.resample(samples[start : round((near_s + 0.03) * RATE_HZ)].astype(np.float64), RATE_HZ, fine * RATE_HZ)
    energy = np.concatenate([[0.0], np.cumsum(piece**2)])
    width = round(0.001 * fine * RATE_HZ)
    centres = np.arange(width, len(energy) - width)
    rise = (energy[centres + width] - energy[centres]) - (energy[centres] - energy[centres - width])
    times_s = start / RATE_HZ + centres / (fine * RATE_HZ)
    close = np.abs(times_s - near_s) < 0.015
    return float(times_s[close][np.argmax(rise[close])])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_labels_move_with_the_audio(name: str, seed: int) -> None:
    example = beats()
    result = augment(example, only(name), seed=seed).example
    errors_s = np.array([heard_s(result.samples, hit.time_s) - hit.time_s for hit in result.hits])
    before_s = np.array([heard_s(example.samples, hit.time_s) - hit.time_s for hit in example.hits])
    assert abs(np.median(errors_s - before_s)) < 0.001
    assert np.percentile(np.abs(errors_s - before_s), 90) < 0.002


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_says_what_it_moves(name: str) -> None:
    example = beats()
    result = augment(example, only(name), seed=3)
    assert result.example.tempo is not None
    assert example.tempo is not None
    moved = result.example.hits != example.hits
    assert moved == (getattr(ALWAYS, name).moves == "time")
    if not moved:
        assert len(result.example.samples) == len(example.samples)
        assert result.example.tempo == example.tempo
    rate = float(result.drawn[name]["rate"]) if moved else 1.0
    assert result.example.duration_s == pytest.approx(example.duration_s / rate, abs=1e-4)
    ticks = [hit.tick for hit in example.hits]
    was_s = example.tick_zero_s + example.tempo.seconds(ticks)
    now_s = result.example.tick_zero_s + result.example.tempo.seconds(ticks)
    np.testing.assert_allclose(now_s, was_s / rate)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.0, 1e-4, 1.0, 30.0]))
def test_the_whole_chain_is_finite_deterministic_and_loud_as_it_was(seed: int, scale: float) -> None:
    example = beats()
    example = Example(example.samples * np.float32(scale), example.hits, backing=example.backing)
    once, again = augment(example, ALWAYS, seed=seed), augment(example, ALWAYS, seed=seed)
    assert once.example.samples.tobytes() == again.example.samples.tobytes()
    assert once.drawn == again.drawn == json.loads(json.dumps(once.drawn))
    assert once.example.samples.dtype == np.float32
    assert np.isfinite(once.example.samples).all()
    if scale == 30.0:  # far beyond full scale, and not cut there
        assert np.abs(once.example.samples).max() > 1.0


@pytest.mark.parametrize("num_samples", [1, 300, 5000])
def test_short_and_silent_windows_pass(num_samples: int) -> None:
    for samples in (np.zeros(num_samples, np.float32), np.full(num_samples, 0.1, np.float32)):
        result = augment(Example(samples, ()), ALWAYS, seed=1).example
        assert np.isfinite(result.samples).all()


def test_probability_zero_is_identity() -> None:
    example = beats()
    result = augment(example, UNCHANGED, seed=5)
    assert result.example.samples is example.samples
    assert result.example.hits == example.hits
    assert result.drawn == {}


def test_another_range_leaves_the_other_transforms_alone() -> None:
    usual = augment(beats(), ALWAYS, seed=9).drawn
    other = augment(beats(), ALWAYS.model_copy(update={"speed": only("speed", rate=(1.0, 1.01)).speed}), seed=9).drawn
    assert {name for name in usual if usual[name] != other[name]} == {"speed"}


def test_enough_is_read_for_the_fastest_draw() -> None:
    config = AugmentConfig()
    length = config.num_samples_for(10_000)
    fastest = AugmentConfig.model_validate(
        {**{name: {"probability": 0.0} for name in NAMES}}
        | {name: {"probability": 1.0, "rate": (getattr(config, name).rate[1],) * 2} for name in ("speed", "stretch")}
    )
    result = augment(Example(np.ones(length, np.float32), ()), fastest, seed=0).example
    assert 10_000 <= len(result.samples) < 10_010
    assert len(fitted(result, 10_000).samples) == len(fitted(beats(), 10_000).samples) == 10_000
    assert len(fitted(beats(), 200_000).samples) == 200_000
    assert UNCHANGED.num_samples_for(10_000) <= 10_002


def test_the_drums_stand_at_the_drawn_ratio_to_their_backing() -> None:
    example = beats()
    result = augment(example, only("cross_fade", drums_to_backing_db=(6.0, 6.0)), seed=0).example
    assert 20 * np.log10(rms(example.samples) / rms(result.samples - example.samples)) == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_stands_at_the_drawn_ratio(kind: str) -> None:
    example = beats()
    for seed in range(8):
        result = augment(example, only("noise", snr_db=(20.0, 20.0)), seed=seed)
        difference = result.example.samples - example.samples
        assert 20 * np.log10(rms(example.samples) / rms(difference)) == pytest.approx(20.0, abs=0.05)
    assert rms(noise(kind, 22_050, np.random.default_rng(0))) > 0


def test_pitch_is_shifted_by_what_was_drawn() -> None:
    samples = np.sin(2 * np.pi * 440 * np.arange(2 * RATE_HZ) / RATE_HZ).astype(np.float32)
    shifted = augment(Example(samples, ()), only("pitch", semitones=(2.0, 2.0)), seed=0).example.samples
    middle = shifted[RATE_HZ // 2 : -RATE_HZ // 2] * np.hanning(RATE_HZ)
    assert np.argmax(np.abs(np.fft.rfft(middle))) == pytest.approx(440 * 2 ** (2 / 12), abs=1)


def test_a_wrong_knob_is_told() -> None:
    with pytest.raises(ConfigError, match="above the upper"):
        parse_config(AugmentConfig, {"speed": {"rate": [1.1, 0.9]}}, location="augment")
    with pytest.raises(ConfigError, match=r"did you mean noise\.snr_db"):
        parse_config(AugmentConfig, {"noise": {"snr": [1.0, 2.0]}}, location="augment")
