"""A drum bus: what goes in comes out, at the level drawn, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from tests.rendering.production.drums import RATE_HZ, one_hit_each

from drumline.effects.colour import Noise, Saturation, saturate, without_offset
from drumline.effects.filters import Band, sections
from drumline.effects.kit_layout import PLACES
from drumline.rendering.production.config import ProductionConfig, WiresConfig
from drumline.rendering.production.draw import draw
from drumline.rendering.production.presets import OFF, TASTEFUL, WILD
from drumline.rendering.production.produce import produce
from drumline.rendering.production.production import Bleed, Piece, Production
from drumline.rendering.production.responses import convolve_and_sum, pan_gains
from drumline.rendering.production.wires import with_wires

LINEAR = Production(
    seed=1,
    channels=2,
    pieces=(Piece("kick", -3.0, 0.3, (Band("peak", 500.0, 6.0, 1.0),)), Piece("crash", 2.0, -0.9)),
    bleed=Bleed(-20.0, 4000.0),
    room=draw(TASTEFUL, seed=0).room or draw(TASTEFUL, seed=1).room,
    bands=(Band("high_shelf", 5000.0, -4.0),),
)


def rms_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def test_off_is_the_sum_of_the_pieces() -> None:
    pieces, _ = one_hit_each()
    bus = produce(pieces, draw(OFF, seed=5), rate_hz=RATE_HZ)
    total = np.sum(list(pieces.values()), axis=0)
    np.testing.assert_allclose(bus[0], total / np.abs(total).max() * 10 ** (-1 / 20), atol=1e-6)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1 << 30), channels=st.sampled_from([1, 2]), config=st.sampled_from([OFF, TASTEFUL, WILD]))
def test_every_production_is_finite_and_stands_at_its_peak(seed: int, channels: int, config: ProductionConfig) -> None:
    pieces, _ = one_hit_each()
    production = replace(draw(config, seed=seed), channels=channels)
    bus = produce(pieces, production, rate_hz=RATE_HZ)
    assert bus.dtype == np.float32
    assert bus.shape == (channels, len(pieces["kick"]))
    assert np.isfinite(bus).all()
    assert 20 * np.log10(np.abs(bus).max()) == pytest.approx(production.peak_db, abs=1e-3)
    assert np.abs(bus).max() < 1.0
    np.testing.assert_array_equal(bus, produce(dict(reversed(pieces.items())), production, rate_hz=RATE_HZ))


@pytest.mark.parametrize("seed", range(20))
def test_silence_stays_silence_or_becomes_the_noise_floor(seed: int) -> None:
    silence = {name: np.zeros(RATE_HZ, dtype=np.float32) for name in PLACES}
    production = draw(WILD, seed=seed)
    assert not produce(silence, replace(production, noise=None, codec=None), rate_hz=RATE_HZ).any()
    hiss = replace(production, noise=Noise(-60.0, None, 50), loss=None, codec=None)
    assert rms_db(produce(silence, hiss, rate_hz=RATE_HZ)) == pytest.approx(-60.0, abs=0.5)
    hum = replace(production, noise=Noise(-200.0, -50.0, 60), loss=None, codec=None)
    assert rms_db(produce(silence, hum, rate_hz=RATE_HZ)) == pytest.approx(-50.0, abs=0.5)


def test_the_fast_convolution_is_the_slow_one() -> None:
    random = np.random.default_rng(0)
    pieces = {name: random.standard_normal(120_000).astype(np.float32) for name in ("kick", "snare", "ride")}
    pieces["snare"][40_000:] = 0.0
    for length in (1, 2, 700, 30_000):
        responses = {name: random.standard_normal((2, length)) for name in pieces}
        slow = sum(
            np.stack([signal.fftconvolve(pieces[name].astype(np.float64), row) for row in responses[name]])
            for name in pieces
        )
        fast = convolve_and_sum(pieces, responses)
        np.testing.assert_allclose(fast, np.asarray(slow)[:, :120_000], atol=1e-4 * np.abs(slow).max())


def test_the_linear_stage_is_linear() -> None:
    pieces, _ = one_hit_each()
    kick, crash = ({name: pieces[name]} for name in ("kick", "crash"))
    whole = produce(kick | crash, LINEAR, rate_hz=RATE_HZ)
    parts = np.stack([produce(part, LINEAR, rate_hz=RATE_HZ).ravel() for part in (kick, crash)], axis=1)
    _, residual, *_ = np.linalg.lstsq(parts, whole.ravel(), rcond=None)  # each part was brought to its own peak
    assert residual[0] < 1e-8 * np.sum(whole**2)


@pytest.mark.parametrize(
    ("band", "at_hz", "gain_db"),
    [
        (Band("low_shelf", 300.0, 6.0), 5.0, 6.0),
        (Band("low_shelf", 300.0, 6.0), 300.0, 3.0),
        (Band("high_shelf", 2000.0, -8.0), 11_000.0, -8.0),
        (Band("high_shelf", 2000.0, -8.0), 2000.0, -4.0),
        (Band("peak", 1000.0, 9.0, 2.0), 1000.0, 9.0),
        (Band("peak", 1000.0, 9.0, 2.0), 5.0, 0.0),
        (Band("low_pass", 3000.0), 3000.0, -3.01),
        (Band("high_pass", 100.0), 100.0, -3.01),
    ],
)
def test_a_band_has_its_gain_where_it_says(band: Band, at_hz: float, gain_db: float) -> None:
    _, response = signal.sosfreqz(sections([band], RATE_HZ), worN=[at_hz], fs=RATE_HZ)
    assert 20 * np.log10(abs(response[0])) == pytest.approx(gain_db, abs=0.02)


def test_saturation_bends_without_an_offset() -> None:
    tone = np.sin(np.arange(RATE_HZ, dtype=np.float32) * 2 * np.pi * 441 / RATE_HZ)[None]
    bent = without_offset(saturate(tone, Saturation(12.0, 0.3)), rate_hz=RATE_HZ)
    assert bent.dtype == np.float32
    assert abs(bent[0, RATE_HZ // 2 :].mean()) < 0.01
    assert abs(bent.max() + bent.min()) > 0.1  # yet not symmetrical
    even = saturate(tone, Saturation(12.0, 0.0))
    np.testing.assert_allclose(even, -saturate(-tone, Saturation(12.0, 0.0)))
    assert np.abs(even).max() == pytest.approx(1.0, abs=1e-3)


def test_pans_keep_their_power() -> None:
    for pan in (-1.0, -0.3, 0.0, 0.8, 1.0):
        assert np.sum(pan_gains(pan, 2) ** 2) == pytest.approx(1.0)
    assert pan_gains(-1.0, 2)[1] == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose([pan_gains(0.0, 1)[0], pan_gains(1.0, 1)[0]], [1.0, 0.5**0.5])


def test_what_cannot_be_produced_is_told() -> None:
    with pytest.raises(ValueError, match="unknown pieces cowbell"):
        produce({"cowbell": np.zeros(9, dtype=np.float32)}, LINEAR, rate_hz=RATE_HZ)
    with pytest.raises(ValueError, match="equally long"):
        produce({"kick": np.zeros(9, np.float32), "ride": np.zeros(8, np.float32)}, LINEAR, rate_hz=RATE_HZ)
    with pytest.raises(ValueError, match="no pieces"):
        produce({}, LINEAR, rate_hz=RATE_HZ)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_wires_rattle_after_low_drums_at_their_level_and_in_their_band(seed: int) -> None:
    config = ProductionConfig().model_copy(update={"wires": WiresConfig(probability=1.0)})
    wires = draw(config, seed=seed).wires
    assert wires is not None
    tom = np.zeros(RATE_HZ, dtype=np.float32)
    onset = RATE_HZ // 2
    decay = np.arange(RATE_HZ - onset) / RATE_HZ
    tom[onset:] = np.sin(2 * np.pi * 120 * decay) * np.exp(-decay / 0.1)
    rattle = with_wires({"tom_mid": tom}, wires, rate_hz=RATE_HZ, seed=seed)["snare"]
    assert not rattle[:onset].any()
    assert np.abs(rattle).max() == pytest.approx(np.abs(tom).max() * 10 ** (wires.level_db / 20), rel=1e-3)
    spectrum, hz = np.square(np.abs(np.fft.rfft(rattle))), np.fft.rfftfreq(RATE_HZ, 1 / RATE_HZ)
    assert spectrum[(hz > wires.low_hz / 2) & (hz < wires.high_hz * 1.5)].sum() > 0.8 * spectrum.sum()
    cymbals = {"ride": tom}
    assert with_wires(cymbals, wires, rate_hz=RATE_HZ, seed=seed) == cymbals
