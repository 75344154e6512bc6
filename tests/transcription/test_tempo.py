"""Beats: on performances whose click is known, on recordings whose beats a person tapped, and whatever is thrown in."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.charts.drum_maps import ROLAND
from drumline.charts.general_midi import read_performance
from drumline.charts.mdb import SUBCLASSES
from drumline.core.taxonomy import CLASSES
from drumline.metrics.events import Events
from drumline.metrics.matching import num_matches
from drumline.metrics.scores import Scores, scores
from drumline.transcription.tempo import find_beats


def f_measure(reference_s: np.ndarray, estimate_s: np.ndarray) -> float:
    """Of beats at 70 ms, as mir_eval.beat counts them."""
    tp = num_matches(reference_s, estimate_s, window_s=0.07)
    found: Scores = scores([tp, len(estimate_s) - tp, len(reference_s) - tp])
    return float(found.f)


def rock(period_s: float, num_beats: int, *, start_s: float = 0.3, drift: float = 0.0) -> tuple[Events, np.ndarray]:
    """Kick on 1 and 3, snare on 2 and 4, eighths on the hi-hat; the beat grows by ``drift`` of itself each beat."""
    beats_s = start_s + np.concatenate([[0.0], np.cumsum(period_s * (1 + drift) ** np.arange(num_beats - 1))])
    eighths_s = np.sort(np.concatenate([beats_s, (beats_s[1:] + beats_s[:-1]) / 2]))
    words = ["kick" if index % 2 == 0 else "snare_head" for index in range(num_beats)]
    times_s = np.concatenate([beats_s, eighths_s, beats_s[:1]])
    return Events.of(times_s, [*words, *["hihat_closed"] * len(eighths_s), "crash"]), beats_s


@settings(max_examples=30, deadline=None)
@given(st.floats(90, 150), st.floats(0, 2), st.sampled_from([-0.001, 0.0, 0.001]))
def test_a_rock_beat_is_followed(tempo_bpm: float, start_s: float, drift: float) -> None:
    events, beats_s = rock(60 / tempo_bpm, 64, start_s=start_s, drift=drift)
    found = find_beats(events, beats_s[-1] + 1)
    assert found is not None
    nearest = np.abs(found.times_s[:, np.newaxis] - beats_s).min(axis=0)
    assert nearest.max() < 0.03
    tempo = found.tempo_map()
    beats = tempo.ticks(beats_s) / tempo.resolution
    # A short lead-in is a fast beat: the same few milliseconds are more of it.
    assert np.abs(beats - np.round(beats))[1:].max() < 0.08
    assert np.abs(beats - np.round(beats))[0] < 0.125
    np.testing.assert_array_equal(np.diff(np.round(beats)), 1)


def test_a_steady_song_needs_few_marks_and_bars_begin_on_the_crash() -> None:
    events, beats_s = rock(0.5, 64, start_s=1.2)
    found = find_beats(events, beats_s[-1] + 1)
    assert found is not None
    tempo = found.tempo_map()
    assert len(tempo.tempos) <= 3
    *_, (bar_tick, top, bottom) = tempo.time_signatures
    assert (top, bottom) == (4, 4)
    crash_beat = (float(tempo.ticks(1.2)) - bar_tick) / tempo.resolution
    assert crash_beat % 4 == pytest.approx(0, abs=0.1)


def test_a_given_tempo_holds_throughout() -> None:
    events, beats_s = rock(0.5, 32, start_s=0.75)
    found = find_beats(events, beats_s[-1], tempo_bpm=120.0)
    assert found is not None
    np.testing.assert_allclose(found.times_s % 0.5, 0.25, atol=0.006)
    assert found.tempo_map().tempos[-1][1] == 120.0


@given(
    st.lists(st.tuples(st.floats(-0.02, 30), st.sampled_from(CLASSES), st.floats(0, 1)), max_size=12),
    st.floats(0.01, 30),
    st.none() | st.floats(20, 400),
)
def test_whatever_was_played_beats_rise_from_the_start(
    hits: list[tuple[float, str, float]], duration_s: float, tempo_bpm: float | None
) -> None:
    events = Events.of([h[0] for h in hits], [h[1] for h in hits], velocity=[h[2] for h in hits])
    found = find_beats(events, duration_s, tempo_bpm=tempo_bpm)
    if found is not None:
        assert len(found.times_s) >= 2
        assert found.times_s[0] >= 0
        assert (np.diff(found.times_s) > 0).all()
        found.tempo_map()


def test_no_song_has_such_a_tempo() -> None:
    with pytest.raises(ValueError, match="outside 20 to 400"):
        find_beats(Events.none(), 10.0, tempo_bpm=0.0)


def test_too_little_to_say() -> None:
    assert find_beats(Events.none(), 10.0) is None
    assert find_beats(Events.of([1.0, 2.0], ["kick", "kick"]), 10.0) is None
    assert find_beats(Events.none(), 10.0, envelope=np.zeros((3, 2_000), np.float32)) is None


def test_tempos_of_groove(corpus: Path) -> None:
    """Every eighth of the long performances: right within 4 % for most, at another metrical level for nearly all."""
    right, related, all_f = [], [], []
    with zipfile.ZipFile(corpus / "groove_trainval.zip") as archive:
        info = next(name for name in archive.namelist() if name.endswith("info.csv"))
        rows = [row for row in csv.DictReader(io.TextIOWrapper(archive.open(info))) if row["beat_type"] == "beat"]
        for row in [row for row in rows if float(row["duration"]) > 10][::8]:
            name = info.removesuffix("info.csv") + row["midi_filename"]
            hits = read_performance(archive.read(name), name, drum_map=ROLAND).hits
            events = Events.of([h.time_s for h in hits], [h.label for h in hits], velocity=[h.velocity for h in hits])
            found = find_beats(events, float(row["duration"]))
            assert found is not None
            ratio = found.tempo_bpm / float(row["bpm"])
            right.append(abs(ratio - 1) < 0.04)
            related.append(min(abs(ratio / level - 1) for level in (1, 2, 1 / 2, 3, 1 / 3)) < 0.04)
            if right[-1]:
                all_f.append(f_measure(np.arange(0, hits[-1].time_s, 60 / float(row["bpm"])), found.times_s))
    assert np.mean(right) > 0.8
    assert np.mean(related) > 0.9
    assert np.median(all_f) > 0.95


def test_beats_of_recordings(corpus: Path) -> None:
    for path in sorted((corpus / "mdb").glob("*.beats")):
        beats_s = np.loadtxt(path, usecols=0)
        lines = path.with_name(f"{path.stem}_subclass.txt").read_text().splitlines()
        rows = [line.split() for line in lines if line.strip()]
        events = Events.of([float(time_s) for time_s, _ in rows], [SUBCLASSES[word] for _, word in rows])
        found = find_beats(events, beats_s[-1] + 0.5)
        assert found is not None
        assert f_measure(beats_s, found.times_s) > 0.95, path.stem
