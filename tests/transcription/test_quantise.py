"""Quantisation: onto lines that are known, as far as asked for, and nothing lost. Tempo maps from files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.charts import dot_chart
from drumline.charts.chart import Chart
from drumline.charts.general_midi import write_performance
from drumline.core.errors import ChartError, ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.transcription.quantise import QuantiseConfig, quantised, tempo_of_file
from drumline.transcription.result import SourceAudio, Transcriber, Transcription

TEMPO = TempoMap(480, ((0, 120.0), (1920, 90.0)))


def transcription(ticks: np.ndarray, labels: list[str] | None = None) -> Transcription:
    events = Events.of(TEMPO.seconds(ticks), labels or ["kick"] * len(ticks))
    return Transcription.of(events, SourceAudio("a.ogg", 60.0), Transcriber("t")).with_tempo(TEMPO, "given")


def ticks_of(made: Transcription) -> np.ndarray:
    return TEMPO.ticks([hit.time_s for hit in made.hits])


@given(
    st.lists(st.tuples(st.integers(0, 100), st.floats(-50, 50)), min_size=1, max_size=30, unique_by=lambda hit: hit[0]),
    st.floats(0, 1),
)
def test_hits_near_lines_move_to_them_by_the_strength(hits: list[tuple[int, float]], strength: float) -> None:
    lines = np.array(sorted(line * 120.0 for line, _ in hits))
    played = np.maximum(lines + [jitter for _, jitter in sorted(hits)], 0.0)
    moved = ticks_of(quantised(transcription(played), QuantiseConfig(note=16, strength=strength)))
    np.testing.assert_allclose(moved, played + strength * (lines - played), atol=0.01)


@given(st.lists(st.floats(0, 10_000), max_size=30), st.sampled_from([4, 8, 16, 32, 64]), st.booleans())
def test_no_hit_is_lost_and_none_moves_further_than_half_a_step(ticks: list[float], note: int, triplets: bool) -> None:
    made = transcription(np.array(ticks))
    moved = quantised(made, QuantiseConfig(note=note, triplets=triplets))
    assert len(moved.hits) == len(made.hits)
    assert np.abs(ticks_of(moved) - ticks_of(made)).max(initial=0) <= 960 / note + 0.01


def test_each_beat_is_straight_or_in_three() -> None:
    straight, shuffled = [0, 120, 240, 360], [480, 640, 800]
    rng = np.random.default_rng(0)
    played = np.array([*straight, *shuffled, 960.0]) + rng.uniform(0, 12, 8)
    moved = ticks_of(quantised(transcription(played), QuantiseConfig(note=16, triplets=True)))
    np.testing.assert_allclose(moved, [*straight, *shuffled, 960], atol=0.01)
    moved = ticks_of(quantised(transcription(np.array([5.0, 310, 650, 965])), QuantiseConfig(note=4, triplets=True)))
    np.testing.assert_allclose(moved, [0, 320, 640, 960], atol=0.01)


def test_a_flam_keeps_both_strokes() -> None:
    moved = ticks_of(quantised(transcription(np.array([455.0, 478.0, 960.0])), QuantiseConfig(note=16)))
    np.testing.assert_allclose(moved, [455, 480, 960], atol=0.01)
    together = quantised(transcription(np.array([470.0, 485.0]), ["kick", "crash"]), QuantiseConfig())
    np.testing.assert_allclose(ticks_of(together), [480, 480], atol=0.01)


def test_without_a_tempo_there_is_no_grid() -> None:
    raw = Transcription.of(Events.of([1.0], ["kick"]), SourceAudio("a.ogg", 2.0), Transcriber("t"))
    with pytest.raises(ConfigError, match="a tempo is needed"):
        quantised(raw, QuantiseConfig())


def test_tempo_maps_from_files() -> None:
    assert tempo_of_file(write_performance([], tempo=TEMPO), "click.MID") == TempoMap(
        480, ((0, 120.0), (1920, 60e6 / round(60e6 / 90))), TEMPO.time_signatures
    )
    assert tempo_of_file(dot_chart.write(Chart("chart", TEMPO, "pro", {})), "notes.chart") == TEMPO
    for text in ("0.0 1\n0.5 2\n1.0 3\n", "0\n0.5\n\n1.0\n", "0.0,1\n0.5,2\n1.0,3"):
        assert tempo_of_file(text.encode(), "song.beats").tempo_bpm_at(100) == pytest.approx(120)


@pytest.mark.parametrize(
    ("data", "name", "match"),
    [
        (b"1.0\n", "a.beats", "two beats at least"),
        (b"1.0\n0.5\n", "a.beats", r"a\.beats:2: the beat at 0\.5 s precedes"),
        (b"one\n", "a.txt", r"a\.txt:1: 'one' is no beat"),
        (b"MThd", "a.mid", "not a MIDI file"),
    ],
)
def test_faults_of_tempo_files_are_told_with_their_place(data: bytes, name: str, match: str) -> None:
    with pytest.raises(ChartError, match=match):
        tempo_of_file(data, name)


def test_other_files_give_no_tempo() -> None:
    with pytest.raises(ConfigError, match=r"known are \.mid"):
        tempo_of_file(b"", "song.ogg")
