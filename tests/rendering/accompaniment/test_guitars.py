"""Guitars play at their pitch and time, with the drums, and are their seed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rendering.accompaniment.test_band import songs
from tests.rendering.accompaniment.tiny_guitar import tiny_capture, tiny_guitar

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.core.errors import ConfigError
from drumline.core.hits import Hit, sorted_hits
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.cabinet import amp_facts, open_cabinet
from drumline.rendering.accompaniment.guitar_parts import humanised, write_parts
from drumline.rendering.accompaniment.guitar_sections import draw_feel
from drumline.rendering.accompaniment.guitar_styles import FEELS, GUITAR_STYLES, PROGRESSIONS, TUNINGS
from drumline.rendering.accompaniment.guitars import GuitarsConfig, play_guitars
from drumline.rendering.accompaniment.harmony import chords
from drumline.rendering.accompaniment.rig import draw_rig
from drumline.rendering.accompaniment.sampled_strings import Pluck, Touch, open_strings, render_plucks

CORPUS = Path("../shared/corpus")
RATE_HZ = 48_000
TOUCH = Touch(body_s=0.1, treble_s=0.02, tone_hz=500.0, click_db=-60.0, detune_cents=0.0)


def song_of(genre: str, *, tempo: TempoMap, late_s: float = 0.0) -> AnnotatedSong:
    """Eight bars of kicks on no grid, snares on two and four, a crash every other bar."""
    beat_s = 60 / tempo.tempos[0][1]
    kicks = [Hit(beat_s * at + late_s, "kick") for bar in range(8) for at in (4 * bar, 4 * bar + 1.7, 4 * bar + 2.55)]
    snares = [Hit(beat_s * at + late_s, "snare_head") for at in range(1, 32, 2)]
    crashes = [Hit(beat_s * at + late_s, "crash") for at in range(0, 32, 8)]
    return AnnotatedSong("test", sorted_hits([*kicks, *snares, *crashes]), Metadata(genre=genre), tempo)


def rendered(plucks: list[Pluck], path: Path, *, length_s: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(0)
    count = round(length_s * RATE_HZ)
    return render_plucks(plucks, open_strings(str(path)), TOUCH, num_samples=count, rate_hz=RATE_HZ, random=random)


@pytest.mark.parametrize(("pitch", "octave"), [(33, 0), (45, 0), (64, 0), (28, 1), (52, 1)])
def test_a_string_sounds_at_its_sample_and_pitch(tmp_path: Path, pitch: int, octave: int) -> None:
    path = tiny_guitar(tmp_path / "guitar", octave=octave)
    samples = rendered([Pluck(0.2, 0.8, pitch, 0.9)], path)
    onset = np.argmax(np.abs(samples) > 0.1 * np.abs(samples).max())
    assert onset == pytest.approx(0.2 * RATE_HZ, abs=0.002 * RATE_HZ)
    held = samples[round(0.25 * RATE_HZ) : round(0.75 * RATE_HZ)]
    spectrum = np.abs(np.fft.rfft(held * np.hanning(len(held)), 1 << 19))
    peak_hz = np.argmax(spectrum) * RATE_HZ / (1 << 19)
    assert peak_hz == pytest.approx(440 * 2 ** ((pitch - 69) / 12), rel=0.01)
    assert np.abs(samples[round(0.84 * RATE_HZ) :]).max() < 1e-6


def test_a_palm_mutes_a_string(tmp_path: Path) -> None:
    path = tiny_guitar(tmp_path / "guitar")
    ringing, muted = (rendered([Pluck(0.0, 0.9, 52, 0.9, how)], path) for how in ("open", "muted"))
    early, late = slice(0, RATE_HZ // 50), slice(RATE_HZ // 4, RATE_HZ // 2)
    assert np.abs(muted[early]).max() > 0.5 * np.abs(ringing[early]).max()
    assert np.sqrt(np.mean(muted[late] ** 2)) < 0.1 * np.sqrt(np.mean(ringing[late] ** 2))


def test_missing_strings_are_told_and_missing_takes_are_not(tmp_path: Path) -> None:
    path = tiny_guitar(tmp_path / "guitar")
    assert [len(zone.takes) for zone in open_strings(str(path)).notes[52]] == [2, 1]
    for note in (tmp_path / "guitar/notes").iterdir():
        note.unlink()
    other = tmp_path / "guitar/other.sfz"
    other.write_text(path.read_text())
    with pytest.raises(ConfigError, match=r"other\.sfz: none of the notes"):
        open_strings(str(other))


@pytest.mark.parametrize("genre", ["metal", "rock", "funk"])
def test_parts_are_in_time_with_the_hits_they_follow(genre: str) -> None:
    tempo = TempoMap(480, ((0, 110.0),))
    song = song_of(genre, tempo=tempo, late_s=0.02)  # the drummer drags: the grid is 20 ms early
    hits_s = np.array([hit.time_s for hit in song.hits])
    apart_s, crashes = [], 0
    for seed in range(12):
        parts = write_parts(song, tempo, duration_s=18.0, heavy=0.3, seed=(seed,))
        plucks = [*parts.driven, *parts.clean]
        for hit in song.hits:
            crashes += hit.label == "crash" and any(abs(pluck.start_s - hit.time_s) < 0.03 for pluck in plucks)
        starts_s = np.array([pluck.start_s for pluck in (*plucks, *parts.bass)])
        nearest_s = np.abs(starts_s[:, None] - hits_s).min(axis=1)
        apart_s += nearest_s[nearest_s < 0.04].tolist()
        assert all(pluck.start_s < pluck.end_s for pluck in (*plucks, *parts.lead, *parts.bass))
        assert all(20 <= pluck.pitch <= 100 for pluck in (*plucks, *parts.lead, *parts.bass))
    assert len(apart_s) > 500
    assert np.median(apart_s) < 0.008
    assert crashes > 12


@settings(max_examples=60, deadline=None)
@given(songs(), st.sampled_from(["metal", "rock", "funk", ""]), st.integers(0, 1 << 30))
def test_parts_of_any_song_can_be_played(song: AnnotatedSong, genre: str, seed: int) -> None:
    assert song.tempo is not None
    hits = [replace(hit, label=("kick", "snare_head", "crash")[index % 3]) for index, hit in enumerate(song.hits)]
    song = replace(song, hits=tuple(hits), metadata=Metadata(genre=genre))
    parts = write_parts(song, song.tempo, duration_s=20.0, heavy=0.3, seed=(seed,))
    for part in (parts.driven, parts.clean, parts.lead, parts.bass):
        for pluck in part:
            assert -0.04 <= pluck.start_s < pluck.end_s < 50.0
            assert 0 < pluck.velocity <= 1
            assert 15 <= pluck.pitch <= 100


def test_a_take_is_human_and_chords_stay_together() -> None:
    chord = [Pluck(1.0 + 0.005 * string, 1.5, 40 + 7 * string, 0.8) for string in range(3)]
    plucks = [pluck for base in range(50) for pluck in _moved(chord, float(base))]
    played = humanised(plucks, lag_s=0.003, jitter_s=0.004, random=np.random.default_rng(0))
    moves_s = np.array([after.start_s - before.start_s for after, before in zip(played, plucks, strict=True)])
    np.testing.assert_allclose(moves_s.reshape(50, 3), moves_s.reshape(50, 3)[:, :1] * np.ones(3), atol=1e-9)
    assert np.std(moves_s) == pytest.approx(0.004, rel=0.3)


def _moved(chord: list[Pluck], by_s: float) -> list[Pluck]:
    return [Pluck(each.start_s + by_s, each.end_s + by_s, each.pitch, each.velocity) for each in chord]


def test_every_feel_has_what_it_names() -> None:
    for name, feel in FEELS.items():
        assert set(feel.weights) <= set(GUITAR_STYLES)
        assert TUNINGS[name]
        assert all(chords(progression, 0) for progression in PROGRESSIONS[name])


def test_guitars_are_their_seed(tmp_path: Path) -> None:
    tempo = TempoMap(480, ((0, 110.0),))
    guitar = str(tiny_guitar(tmp_path / "guitar"))
    tiny_capture(tmp_path / "amps/one.nam")
    response = np.exp(-np.arange(400) / 30.0) * np.random.default_rng(0).normal(0, 1, 400)
    response[0] = 3.0
    soundfile.write(tmp_path / "amps/cabinet.wav", np.r_[np.zeros(50), response] / 8, 44_100)
    cabinet = open_cabinet(str(tmp_path / "amps/cabinet.wav"))
    assert cabinet is not None
    assert np.argmax(np.abs(cabinet)) < 20
    assert amp_facts(str(tmp_path / "amps/one.nam")).highs_db > -60
    config = GuitarsConfig(
        guitars=(guitar,), amps=(str(tmp_path / "amps"),), cabinets=(str(tmp_path / "amps"),), double_tracked=0.0
    )
    song = song_of("metal", tempo=tempo)

    def play(seed: int) -> tuple[np.ndarray, str]:
        return play_guitars(song, tempo, config, duration_s=4.0, rate_hz=22_050, channels=2, seed=(seed,))

    (samples, told), (again, told_again) = play(1), play(1)
    np.testing.assert_array_equal(samples, again)
    assert told == told_again
    assert samples.shape == (2, 4 * 22_050)
    assert len({play(seed)[0].tobytes() for seed in range(4)}) == 4


@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared/corpus")
@pytest.mark.parametrize("seed", [0, 1])
def test_a_rig_of_real_captures_does_not_delay(seed: int) -> None:
    rig = draw_rig((str(CORPUS / "amps"),), (), is_clean=bool(seed), random=np.random.default_rng(seed))
    strings = str(CORPUS / "instruments/guitar_emily/emily_clean.sfz")
    direct = rendered([Pluck(0.5, 0.9, 45, 0.95)], Path(strings))
    amplified = rig.process(direct)
    onset = np.argmax(np.abs(amplified) > 0.1 * np.abs(amplified).max())
    assert onset == pytest.approx(0.5 * RATE_HZ, abs=0.003 * RATE_HZ)


def test_without_captures_amplifiers_are_synthetic(tmp_path: Path) -> None:
    config = GuitarsConfig(guitars=(str(tiny_guitar(tmp_path / "guitar")),))
    tempo = TempoMap(480)
    samples, told = play_guitars(
        song_of("rock", tempo=tempo), tempo, config, duration_s=3.0, rate_hz=22_050, channels=1, seed=(0,)
    )
    assert "synthetic" in told
    assert samples.any()


def test_a_genre_calls_for_its_feel() -> None:
    random = np.random.default_rng(0)
    assert {draw_feel("Death Metal", random, heavy=0.0) for _ in range(9)} == {"heavy"}
    assert {draw_feel("funk", random, heavy=0.0) for _ in range(9)} == {"clean"}
    assert {draw_feel("funk", random, heavy=1.0) for _ in range(9)} == {"heavy"}
    assert {draw_feel("", random, heavy=0.0) for _ in range(60)} == set(FEELS)
