"""Beats and bars: generated songs at known tempos, recordings, hints that hold, arbitrary hits."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drumline.charts.mdb import SUBCLASSES
from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import CLASSES
from drumline.metrics.beats import score_beats
from drumline.rendering.grooves import generate
from drumline.transcription.beat_tracking import BeatGrid, GridHints, find_beats


def found_in(events: Events, duration_s: float, hints: GridHints | None = None) -> BeatGrid:
    found = find_beats(events, duration_s, hints=hints)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("style", "tempo_bpm"),
    [
        ("rock", 120.0),
        ("sixteenths", 80.0),
        ("thrash", 190.0),
        ("breakdown", 150.0),
        ("waltz", 130.0),
        ("shuffle", 110.0),
    ],
)
def test_generated_songs(style: str, tempo_bpm: float) -> None:
    song = generate(style, 3, tempo_bpm=tempo_bpm, num_bars=32)
    found = found_in(song.events, song.duration_s)
    scores = score_beats(song.beats_s, found.beats[0], song.downbeats_s, found.downbeats_s)
    assert scores.f > 0.9
    assert scores.downbeat_f > 0.85


def click(tempo_bpm: float, start_s: float, num_beats: int = 64) -> Events:
    """Kick on 1 and 3, snare on 2 and 4, eighths on the hi-hat, a crash at the start."""
    beats_s = start_s + np.arange(num_beats) * 60 / tempo_bpm
    eighths_s = start_s + np.arange(2 * num_beats) * 30 / tempo_bpm
    words = ["kick" if index % 2 == 0 else "snare_head" for index in range(num_beats)]
    labels = [*words, *["hihat_closed"] * len(eighths_s), "crash"]
    return Events.of(np.concatenate([beats_s, eighths_s, [start_s]]), labels)


@settings(max_examples=10, deadline=None)
@given(st.floats(0, 3), st.sampled_from([None, 110.0]))
@example(1.3125, None)
def test_a_click_is_one_tempo_whatever_leads_in(start_s: float, given_bpm: float | None) -> None:
    found = found_in(click(110.0, start_s), start_s + 64 * 60 / 110, GridHints(tempo_bpm=given_bpm))
    tempo = found.tempo_map()
    assert tempo.tempos[-1][1] == pytest.approx(110.0, abs=0.01)
    assert len(tempo.tempos) <= 2
    assert all(110 / 2.1 < bpm < 110 * 2.1 for _, bpm in tempo.tempos)
    assert tempo.time_signatures[-1][1:] == (4, 4)
    later = tempo.ticks(start_s + np.arange(4, 60) * 60 / 110) / tempo.resolution
    np.testing.assert_allclose(later, np.round(later), atol=0.03)


def test_hints_hold_to_the_end() -> None:
    events = click(120.0, 0.5)
    plain = found_in(events, 33.0)
    assert plain.downbeats_s[0] == pytest.approx(0.5, abs=0.02)
    moved = found_in(events, 33.0, GridHints(downbeat_s=1.0))
    assert np.abs(moved.downbeats_s[:, np.newaxis] - 1.0).min() < 0.02
    waltz = found_in(events, 33.0, GridHints(time_signature=(3, 4)))
    assert {signature[1:] for signature in waltz.tempo_map().time_signatures[1:]} <= {(3, 4)}
    assert found_in(events, 33.0, GridHints(octave=0.5)).tempo_bpm == pytest.approx(60, abs=0.5)
    assert found_in(events, 33.0, GridHints(octave=2.0)).tempo_bpm == pytest.approx(240, abs=2)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-0.02, 30), st.sampled_from(CLASSES), st.floats(0, 1)), max_size=12),
    st.floats(0.01, 30),
    st.none() | st.floats(20, 400),
)
def test_any_hits_give_rising_beats_or_none(
    hits: list[tuple[float, str, float]], duration_s: float, tempo_bpm: float | None
) -> None:
    events = Events.of([h[0] for h in hits], [h[1] for h in hits], velocity=[h[2] for h in hits])
    found = find_beats(events, duration_s, hints=GridHints(tempo_bpm=tempo_bpm))
    if found is not None:
        assert (np.diff(found.eighths_s) > 0).all()
        found.tempo_map()


def test_impossible_tempos_and_too_few_hits() -> None:
    with pytest.raises(ValueError, match="outside 20 to 400"):
        find_beats(Events.none(), 10.0, hints=GridHints(tempo_bpm=0.0))
    assert find_beats(Events.none(), 10.0) is None
    assert find_beats(Events.of([1.0, 2.0], ["kick", "kick"]), 10.0) is None


def test_beats_of_recordings(corpus: Path) -> None:
    """Beatles is syncopated without hi-hats: its beats are found half a beat late (docs/grid.md)."""
    for path in sorted((corpus / "mdb").glob("*.beats")):
        beats_s = np.loadtxt(path, usecols=0)
        lines = path.with_name(f"{path.stem}_subclass.txt").read_text().splitlines()
        rows = [line.split() for line in lines if line.strip()]
        events = Events.of([float(time_s) for time_s, _ in rows], [SUBCLASSES[word] for _, word in rows])
        found = found_in(events, float(beats_s[-1]) + 0.5)
        scores = score_beats(beats_s, found.beats[0], [], [])
        assert (scores.amlt if path.stem.endswith("Beatles") else scores.f) > 0.94, path.stem
