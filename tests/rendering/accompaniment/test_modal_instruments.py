"""Instruments that nobody built: each is its seed, begins where its notes are written, at their pitch, and ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.accompany import Accompaniment, Ways, accompany, check_accompaniment
from drumline.rendering.accompaniment.modal_instruments import play_instrument
from drumline.rendering.accompaniment.score import Note, Part

RATE_HZ = 22_050
SEEDS = st.integers(0, 1 << 30)


def sound(*notes: Note, program: int = 26, seed: int = 0, seconds: float = 2.0) -> NDArray[np.float32]:
    part = Part(program, tuple(notes))
    (samples,) = play_instrument(part, seed=seed, shape=(1, round(seconds * RATE_HZ)), rate_hz=RATE_HZ)
    return np.asarray(samples)


@settings(max_examples=60, deadline=None)
@given(program=st.integers(0, 127), seed=SEEDS, start_s=st.floats(0.1, 0.5), pitch=st.integers(28, 90))
def test_a_note_begins_where_it_is_written_and_ends(program: int, seed: int, start_s: float, pitch: int) -> None:
    samples = sound(Note(start_s, start_s + 0.4, pitch, 100), program=program, seed=seed)
    start = round(start_s * RATE_HZ)
    assert np.isfinite(samples).all()
    assert not samples[:start].any()
    loudest = np.abs(samples).max()
    assert np.abs(samples[start : start + RATE_HZ // 50]).max() > 0.02 * loudest > 0
    assert np.abs(samples[-RATE_HZ // 4 :]).max() < 0.02 * loudest


@settings(max_examples=30, deadline=None)
@given(program=st.sampled_from([16, 40, 56, 73]), seed=SEEDS, pitch=st.integers(45, 80))
def test_a_held_note_has_its_pitch(program: int, seed: int, pitch: int) -> None:
    samples = sound(Note(0.0, 1.9, pitch, 100), program=program, seed=seed)[RATE_HZ // 2 :][:RATE_HZ]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(RATE_HZ))) ** 2  # a bin a hertz
    hz = 440 * 2 ** ((pitch - 69) / 12)
    partials = hz * np.arange(1, 12)
    near = np.abs(np.arange(len(spectrum))[:, None] - partials) < 3 + 0.02 * partials
    assert spectrum[near.any(axis=1)].sum() > 0.8 * spectrum[30 : int(11.5 * hz)].sum()


def test_an_instrument_is_its_seed() -> None:
    notes = [Note(0.25 * step, 0.25 * step + 0.2, 50 + step, 90) for step in range(6)]
    np.testing.assert_array_equal(sound(*notes, seed=1), sound(*notes, seed=1))
    assert not np.allclose(sound(*notes, seed=1), sound(*notes, seed=2), atol=0.01)


def test_some_guitars_strum_and_some_strike_damped_strings() -> None:
    chord = tuple(Note(0.2, 1.0, pitch, 100) for pitch in (52, 59, 64, 68))
    spread, between = [], []
    for seed in range(40):
        one, all_strings = sound(chord[0], seed=seed), sound(*chord, seed=seed)
        differing = np.flatnonzero(np.abs(all_strings - one) > 1e-4)
        spread.append(differing[0] / RATE_HZ - 0.2)
        samples = sound(Note(0.0, 0.05, 52, 100), Note(1.0, 1.05, 52, 100), seed=seed)
        between.append(np.abs(samples[RATE_HZ // 2 :][: RATE_HZ // 20]).max() > 0.05)
    assert 0 <= min(spread) < 0.002
    assert 0.01 < max(spread) < 0.03
    assert 0 < sum(between) < 20


@pytest.mark.parametrize("channels", [1, 2])
def test_a_band_of_drawn_instruments_needs_no_soundfont(channels: int) -> None:
    song = AnnotatedSong("test", (Hit(0.5, "kick"),), tempo=TempoMap(480))
    config = Accompaniment(ways=Ways(band=1.0), drawn=1.0)
    check_accompaniment(config)
    samples, told = accompany(song, config, duration_s=4.0, rate_hz=RATE_HZ, channels=channels, seed=3)
    assert samples.shape == (channels, 4 * RATE_HZ)
    assert samples.any()
    assert " procedural" in told
    np.testing.assert_array_equal(
        accompany(song, config, duration_s=4.0, rate_hz=RATE_HZ, channels=channels, seed=3)[0], samples
    )
