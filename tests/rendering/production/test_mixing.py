"""Two stems that sum to a mix at the ratio drawn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rendering.production.drums import RATE_HZ, one_hit_each

from drumline.effects.codec import Codec
from drumline.effects.colour import Saturation, saturate
from drumline.effects.dynamics import Compressor
from drumline.effects.filters import Band
from drumline.rendering.production.draw import draw
from drumline.rendering.production.mixing import level_ratio_db, mastered, mix_with, with_backing_bleed
from drumline.rendering.production.presets import WILD
from drumline.rendering.production.produce import produce
from drumline.rendering.production.production import Master, Mix, Production

DRY = Production(seed=1, channels=2, peak_db=-3.0)


def band(channels: int, length: int, seed: int = 0) -> np.ndarray:
    """A backing that plays for the second half only."""
    samples = np.random.default_rng(seed).standard_normal((channels, length)).astype(np.float32) * np.float32(0.1)
    samples[:, : length // 2] = 0.0
    return samples


def bus(channels: int = 2) -> np.ndarray:
    pieces, _ = one_hit_each()
    return produce(pieces, replace(DRY, channels=channels), rate_hz=RATE_HZ)


def peak_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(samples).max()))


@settings(max_examples=15, deadline=None)
@given(ratio_db=st.floats(-12, 12), channels=st.sampled_from([1, 2]), backing_channels=st.sampled_from([1, 2]))
def test_the_ratio_is_what_was_drawn(ratio_db: float, channels: int, backing_channels: int) -> None:
    drums, backing = mix_with(
        bus(channels),
        band(backing_channels, bus().shape[1]),
        replace(DRY, mix=Mix(ratio_db)),
        rate_hz=RATE_HZ,
    )
    assert drums.shape == backing.shape == bus(channels).shape
    half = drums.shape[1] // 2 + RATE_HZ // 10  # clear of the block in which the backing sets in
    measured_db = level_ratio_db(drums[:, half:], backing[:, half:], rate_hz=RATE_HZ)
    assert measured_db == pytest.approx(ratio_db, abs=1.0)
    assert level_ratio_db(drums, backing, rate_hz=RATE_HZ) == pytest.approx(ratio_db, abs=0.01)


def test_silence_between_does_not_count() -> None:
    """Drums that play for a tenth of a song are as loud there as drums that play throughout."""
    tone = np.full((1, 20 * RATE_HZ), 0.1, dtype=np.float32)
    short = tone.copy()
    short[:, 2 * RATE_HZ :] = 0.0
    assert level_ratio_db(short, tone, rate_hz=RATE_HZ) == pytest.approx(0.0, abs=0.01)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_wild_mixes_neither_clip_nor_break(seed: int) -> None:
    production = replace(draw(WILD, seed=seed), codec=None)
    drums, backing = mix_with(bus(1), band(1, bus().shape[1]), production, rate_hz=RATE_HZ)
    assert drums.dtype == backing.dtype == np.float32
    peaks = [peak_db(samples) for samples in (drums, backing, drums + backing)]
    assert max(peaks) == pytest.approx(production.peak_db, abs=1e-3)
    assert np.isfinite(drums).all()


def test_both_stems_ride_the_same_gain() -> None:
    """So they sum to the compressed mix: each stem over what it was before is one curve."""
    compressor = Compressor(-30.0, 10.0, 0.0, 0.002, 0.1)
    drums, backing = bus(), band(2, bus().shape[1])
    before = mix_with(drums, backing, DRY, rate_hz=RATE_HZ)
    after = mix_with(drums, backing, replace(DRY, mix=Mix(-1.0, None, compressor, 6.0)), rate_hz=RATE_HZ)
    heard = (np.abs(before[0]) > 1e-4) & (np.abs(before[1]) > 1e-4)
    gains = [a[heard] / b[heard] for a, b in zip(after, before, strict=True)]
    np.testing.assert_allclose(gains[0], gains[1], rtol=1e-4)
    assert gains[0].max() / gains[0].min() > 2


def test_silence_on_either_side_leaves_the_other() -> None:
    silent = np.zeros_like(bus())
    drums, nothing = mix_with(bus(), silent, DRY, rate_hz=RATE_HZ)
    assert not nothing.any()
    np.testing.assert_allclose(drums, bus(), atol=1e-6)
    assert not np.any(mix_with(silent, silent, DRY, rate_hz=RATE_HZ))


def test_bleed_of_the_backing_is_as_loud_as_drawn() -> None:
    drums, backing = bus(), band(2, bus().shape[1])
    production = replace(DRY, mix=Mix(-1.0, backing_bleed_db=-30.0))
    bled = with_backing_bleed(drums, backing, production, rate_hz=RATE_HZ)
    assert peak_db(bled) <= peak_db(drums) + 1e-6
    scale = np.sum(bled * drums) / np.sum(drums * drums)
    assert level_ratio_db(bled - scale * drums, drums, rate_hz=RATE_HZ) == pytest.approx(-30.0, abs=0.2)
    assert with_backing_bleed(drums, backing, DRY, rate_hz=RATE_HZ) is drums


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="the drums have"):
        mix_with(bus(), band(2, 100), DRY, rate_hz=RATE_HZ)


def test_a_mastered_mix_is_the_saturated_sum_with_the_drums_in_it() -> None:
    stems = mix_with(bus(1), band(1, bus().shape[1]), replace(DRY, channels=1), rate_hz=RATE_HZ)
    saturation = Saturation(12.0, 0.0)
    production = replace(DRY, channels=1, mix=Mix(-1.0, master=Master(saturation=saturation)))
    drums, backing = mastered(*stems, production, rate_hz=RATE_HZ)
    assert max(map(peak_db, (drums, backing, drums + backing))) == pytest.approx(DRY.peak_db, abs=1e-3)
    total = sum(stems)
    bent = saturate(total / np.abs(total).max(), saturation)
    assert np.corrcoef((drums + backing)[0], bent[0])[0, 1] > 0.998  # but for the offset taken out
    assert np.corrcoef((drums + backing)[0], total[0])[0, 1] < 0.997
    np.testing.assert_allclose(drums / np.abs(drums).max(), stems[0] / np.abs(stems[0]).max(), atol=1e-5)


def test_a_kick_whose_phase_the_master_turns_stays_in_the_drum_stem() -> None:
    """A high-pass at the kick's own pitch: the drum stem was nearly silent, and the backing had the kick in it."""
    at = np.arange(2 * RATE_HZ) / RATE_HZ
    kick = (0.5 * np.cos(2 * np.pi * 45 * at) * np.exp(-at / 0.3)).astype(np.float32)[None]
    bands = (Band("high_pass", 45.0, 0.0, 0.7071),)
    production = replace(DRY, channels=1, mix=Mix(0.0, master=Master(bands=bands)))
    stems = mix_with(kick, band(1, kick.shape[1]), production, rate_hz=RATE_HZ)
    drums, backing = mastered(*stems, production, rate_hz=RATE_HZ)
    assert peak_db(drums) > peak_db(stems[0]) - 8
    alone = slice(0, RATE_HZ // 2)  # before the band begins
    assert np.abs(backing[:, alone]).max() < 0.02 * np.abs(drums).max()


def test_without_a_master_a_mix_stays_as_it_is() -> None:
    stems = mix_with(bus(1), band(1, bus().shape[1]), replace(DRY, channels=1), rate_hz=RATE_HZ)
    for before, after in zip(stems, mastered(*stems, replace(DRY, channels=1), rate_hz=RATE_HZ), strict=True):
        np.testing.assert_array_equal(before, after)
    coded = replace(DRY, channels=1, mix=Mix(-1.0, master=Master(codec=Codec("mp3", 0.1))))
    assert not np.array_equal(mastered(*stems, coded, rate_hz=RATE_HZ)[1], stems[1])
