"""The band is in time with the song, whatever its tempo map and metre."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.band import draw_style, play
from drumline.rendering.accompaniment.bars import Bar, bars_of, strokes
from drumline.rendering.accompaniment.harmony import chords, voicing
from drumline.rendering.accompaniment.styles import CHUGS, COMPOUND, KICKS, STYLES

RHYTHMS = sorted({rhythm for style in STYLES.values() for player in style.players for rhythm in player.rhythms})
METRES = st.sampled_from([(4, 4), (3, 4), (5, 4), (2, 4), (6, 8), (12, 8), (7, 8), (9, 8), (2, 2)])


def song_of(tempo: TempoMap, kicks_s: list[float], genre: str = "") -> AnnotatedSong:
    hits = tuple(Hit(time_s, "kick") for time_s in sorted(kicks_s))
    return AnnotatedSong("test", hits, Metadata(genre=genre), tempo)


@st.composite
def songs(draw: st.DrawFn) -> AnnotatedSong:
    resolution = draw(st.sampled_from([96, 192, 480]))
    ticks = sorted(draw(st.sets(st.integers(1, 40), max_size=3)))
    tempos = ((0, draw(st.floats(40, 260))), *((tick * resolution, draw(st.floats(40, 260))) for tick in ticks))
    changed = draw(st.integers(1, 5))
    (first, note), (second, second_note) = draw(METRES), draw(METRES)
    change = changed * resolution * 4 * first // note
    metres = ((0, first, note), (change, second, second_note))
    kicks_s = draw(st.lists(st.floats(0, 20), max_size=40))
    return song_of(TempoMap(resolution, tempos, metres), kicks_s, draw(st.sampled_from(sorted(STYLES))))


@settings(max_examples=60, deadline=None)
@given(songs())
def test_bars_follow_each_other_and_hold_every_kick_once(song: AnnotatedSong) -> None:
    assert song.tempo is not None
    bars = list(bars_of(song, song.tempo, duration_s=20.0))
    assert bars[0].start == 0
    for before, after in pairwise(bars):
        assert before.start + before.length == pytest.approx(after.start)
    end = bars[-1].start + bars[-1].length
    assert end >= song.tempo.ticks(20.0) - 1e-6
    ticks = np.unique(song.tempo.ticks([hit.time_s for hit in song.hits]))
    np.testing.assert_allclose([bar.start + tick for bar in bars for tick in bar.kicks], ticks[ticks < end], atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(songs(), st.sampled_from([*RHYTHMS, *COMPOUND]))
def test_strokes_stay_in_their_bar_one_after_the_other(song: AnnotatedSong, rhythm: str) -> None:
    assert song.tempo is not None
    for bar in bars_of(song, song.tempo, duration_s=20.0):
        found = strokes(rhythm, bar)
        assert all(0 <= stroke.start < stroke.end <= bar.length + 1e-6 for stroke in found)
        assert all(before.end <= after.start + 1e-6 for before, after in pairwise(found))


def test_a_rhythm_is_read_as_it_is_written() -> None:
    bar = Bar(start=0, length=1920, beat=480, is_compound=False, kicks=(0, 700, 1200))
    assert strokes("X-.. ....", bar) == [(0, 240, True), (960, 1200, True)]
    assert strokes("x", bar) == [(0, 480, False), (480, 960, False), (960, 1440, False), (1440, 1920, False)]
    assert strokes(KICKS, bar) == [(0, 700, True), (700, 1200, True), (1200, 1920, True)]
    assert [start for start, *_ in strokes(CHUGS, bar)] == [0, 240, 480, 700, 960, 1200, 1440, 1680]


@settings(max_examples=40, deadline=None)
@given(songs(), st.integers(0, 1 << 30))
def test_every_note_can_be_played_and_lies_in_the_song(song: AnnotatedSong, seed: int) -> None:
    assert song.tempo is not None
    parts, told = play(song, song.tempo, duration_s=20.0, seed=(seed,))
    bar_s = 8 * 60 / 40  # no bar that begins in the song is longer
    assert parts
    assert told
    for part in parts:
        assert 0 <= part.program < 128
        for note in part.notes:
            assert 0 <= note.start_s < 20.0 + bar_s
            assert note.start_s < note.end_s
            assert 20 <= note.pitch <= 108
            assert 1 <= note.velocity <= 127


def test_the_band_follows_the_tempo_map_and_not_the_clock() -> None:
    slow, fast = TempoMap(480, ((0, 70.0), (1920, 90.0))), TempoMap(480, ((0, 140.0), (1920, 180.0)))
    kicks_s = [0.5 * index for index in range(80)]
    slow_parts, _ = play(song_of(slow, kicks_s), slow, duration_s=40.0, seed=(1,))
    fast_parts, _ = play(song_of(fast, [time_s / 2 for time_s in kicks_s]), fast, duration_s=20.0, seed=(1,))
    for slow_part, fast_part in zip(slow_parts, fast_parts, strict=True):
        assert [note.pitch for note in slow_part.notes] == [note.pitch for note in fast_part.notes]
        for slow_note, fast_note in zip(slow_part.notes, fast_part.notes, strict=True):
            assert slow_note.start_s == pytest.approx(2 * fast_note.start_s, abs=0.08)  # a player's own timing


def test_the_bass_is_on_the_kick() -> None:
    tempo = TempoMap(480, ((0, 100.0),))
    kicks_s = [0.0, 0.61, 1.33, 2.2, 2.9, 4.1, 5.05, 6.0]  # on no grid
    on_kicks = [
        np.abs(np.array([note.start_s for note in parts[0].notes])[:, None] - np.array(kicks_s)).min(axis=1)
        for seed in range(60)
        for parts, _ in [play(song_of(tempo, kicks_s, "rock"), tempo, duration_s=7.0, seed=(seed,))]
    ]
    followed = [distances for distances in on_kicks if np.median(distances) < 0.03]
    assert len(followed) > 10  # a third of the rhythms
    assert max(np.median(distances) for distances in followed) < 0.03


def test_a_band_is_its_seed() -> None:
    tempo = TempoMap(480, ((0, 120.0),))
    song = song_of(tempo, [0.5 * index for index in range(40)])
    assert play(song, tempo, duration_s=20.0, seed=(7,)) == play(song, tempo, duration_s=20.0, seed=(7,))
    assert len({play(song, tempo, duration_s=20.0, seed=(seed,))[1] for seed in range(20)}) > 15


def test_a_genre_calls_for_its_style() -> None:
    random = np.random.default_rng(0)
    assert {draw_style("Death Metal", random) for _ in range(9)} == {"metal"}
    assert {draw_style("jazz/funk", random) for _ in range(30)} == {"jazz", "funk"}
    assert {draw_style("", random) for _ in range(200)} == set(STYLES)


def test_chords_are_what_musicians_call_them() -> None:
    assert [chord.name for chord in chords("IIm7 V7 IM7 bVI", 0)] == ["Dm7", "G7", "CM7", "Ab"]
    assert [chord.name for chord in chords("Im bVII", 9)] == ["Am", "G"]
    assert {pitch % 12 for pitch in voicing(chords("V7", 0)[0], 55)} == {7, 11, 2, 5}
    for style in STYLES.values():
        for progression in style.progressions:
            assert chords(progression, 3)
    with pytest.raises(ValueError, match="'H7' is not a chord"):
        chords("I H7", 0)
