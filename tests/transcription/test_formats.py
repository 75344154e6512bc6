"""What is written reads back: through our own readers where we have them, else through the plainest one there is."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.charts import chart_labels, dot_chart, notes_mid, song_ini
from drumline.charts.beatsight import read_beatsight
from drumline.charts.general_midi import read_performance
from drumline.core.errors import AudioError, ChartError, ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.hits import Hit
from drumline.core.taxonomy import CLASSES, LABELS
from drumline.core.tempo import TempoMap
from drumline.core.vocabularies import LABEL_NAMES
from drumline.evaluation.estimates import read_events
from drumline.evaluation.predictions import find_predictions
from drumline.transcription import table
from drumline.transcription.formats import json as our_json
from drumline.transcription.formats.registry import FORMATS, named, of_path
from drumline.transcription.formats.song_folder import write_song_folder
from drumline.transcription.result import SourceAudio, TranscribedHit, Transcriber, Transcription, in_order

TOLD_BY_A_LANE = {
    "snare_head": "snare", "snare_rim": "snare", "hihat_closed": "hihat", "hihat_open": "hihat",
    "ride_body": "ride", "ride_bell": "ride", "tom": "tom_high", "cymbal": "crash",
}  # fmt: skip
NO_LANE = ("hihat_pedal", "other", "tom_or_cymbal")
TOLD_BY_BEATSIGHT = {"snare_head": "snare", "snare_rim": "snare", "ride_body": "ride"}

# One of a lane at a time.
PLAYED_TOGETHER = (
    ("kick",),
    ("snare_head", "snare_rim", "snare"),
    ("tom_high", "tom", "hihat_closed", "hihat_open", "hihat"),
    ("tom_mid", "ride_body", "ride_bell", "ride"),
    ("tom_floor", "crash", "cymbal"),
    NO_LANE,
)
chords = st.lists(st.sampled_from(PLAYED_TOGETHER), min_size=1, max_size=4, unique=True).flatmap(
    lambda lanes: st.tuples(*(st.sampled_from(lane) for lane in lanes))
)
fractions = st.floats(0.01, 1)  # MIDI has nothing below 1/127
tempo_maps = st.builds(
    lambda first, later: TempoMap(480, ((0, first), *sorted(dict(later).items()))),
    st.floats(40, 300),
    st.lists(st.tuples(st.integers(1, 50_000), st.floats(40, 300)), max_size=4),
)

some = settings(max_examples=40, deadline=None)


@st.composite
def transcriptions(draw: st.DrawFn, labels: tuple[str, ...] = CLASSES) -> Transcription:
    """Chords some 30 ms apart and more: no format holds two strokes of one drum, or of one lane, on one tick."""
    steps = sorted(draw(st.sets(st.integers(0, 6_000), max_size=12)))
    hits = [
        (0.05 * step + jitter_s, label)
        for step in steps
        for jitter_s in [draw(st.floats(0, 0.02))]
        for label in draw(chords)
        if label in labels
    ]
    told = [draw(st.none() | fractions) for _ in hits]
    events = Events.of(
        [time_s for time_s, _ in hits],
        [label for _, label in hits],
        velocity=[draw(fractions) for _ in hits],
        confidence=[np.nan if value is None else value for value in told],
    )
    made = Transcription.of(
        events,
        SourceAudio("song.ogg", 320.0, "ab" * 32, 44_100),
        Transcriber("drumline", "1.0", draw(st.sampled_from(["", "conservative"]))),
        branches={"snare": np.linspace(0, 1, len(hits)), "crash": np.full(len(hits), np.nan)},
    )
    if draw(st.booleans()):
        return made
    return replace(made.with_tempo(draw(tempo_maps), "estimated"), other_tempo_bpm=draw(st.none() | st.floats(20, 400)))


def tick_s(transcription: Transcription) -> float:
    tempo = transcription.tempo or TempoMap(960)
    return 60 / min(bpm for _, bpm in tempo.tempos) / tempo.resolution


def as_told_by(words: Mapping[str, str], hits: Iterable[TranscribedHit]) -> tuple[TranscribedHit, ...]:
    """Hits in the words of a format."""
    return in_order([replace(hit, label=words.get(hit.label, hit.label)) for hit in hits])


@some
@given(transcriptions(tuple(LABELS)))
def test_json_keeps_everything(made: Transcription) -> None:
    data = named("json").write(made)
    assert our_json.read(data, "song.json") == made
    tree = json.loads(data)
    assert [(hit["time_s"], hit["class"]) for hit in tree["hits"]] == [(hit.time_s, hit.label) for hit in made.hits]
    if made.tempo is not None:
        times_s, numbers = np.array(tree["tempo"]["beats"]).T
        assert (np.diff(times_s) > 0).all()
        assert (numbers == np.arange(len(numbers)) % 4 + 1).all()
        assert made.audio.duration_s - 1.5 < times_s[-1] < made.audio.duration_s


@some
@given(transcriptions())
def test_evaluation_reads_json_jams_and_midi(made: Transcription) -> None:
    expected = made.events()
    for name, exact in (("json", True), ("jams", True), ("midi", False)):
        back = read_events(named(name).write(made), f"song{named(name).ending}")
        assert back.label.tolist() == expected.label.tolist()
        np.testing.assert_allclose(back.time_s, expected.time_s, atol=0 if exact else tick_s(made) / 2 + 1e-6)
        np.testing.assert_allclose(back.velocity, expected.velocity, atol=0 if exact else 0.5 / 127 + 1e-6)
        if exact:
            np.testing.assert_array_equal(back.confidence, expected.confidence)


@some
@given(transcriptions())
def test_midi_keeps_the_tempo_map(made: Transcription) -> None:
    back = read_performance(named("midi").write(made), "song.mid").tempo
    wanted = made.tempo or TempoMap(960)
    assert (back.resolution, [tick for tick, _ in back.tempos]) == (wanted.resolution, [t for t, _ in wanted.tempos])
    np.testing.assert_allclose([b for _, b in back.tempos], [b for _, b in wanted.tempos], rtol=3e-6)


@pytest.mark.parametrize("name", ["chart", "mid"])
@some
@given(made=transcriptions(tuple(LABELS)))
def test_game_charts_read_back_at_expert(name: str, made: Transcription) -> None:
    made = replace(made, free_timing=True)
    reader = dot_chart if name == "chart" else notes_mid
    chart = reader.read(named(name).write(made), name=f"notes.{name}", ini=song_ini.SongIni(pro_drums=True))
    back = chart_labels.annotate(chart, "expert").hits
    hits = as_told_by(TOLD_BY_A_LANE, [hit for hit in made.hits if hit.label not in NO_LANE])
    assert not chart.repairs
    assert [hit.label for hit in back] == [hit.label for hit in hits]
    np.testing.assert_allclose([h.time_s for h in back], [h.time_s for h in hits], atol=tick_s(made) / 2 + 1e-4)


@some
@given(transcriptions(tuple(LABELS)))
def test_beatsight_reads_back(made: Transcription) -> None:
    song = read_beatsight(named("bsm").write(made), "song.bsm")
    hits = as_told_by(TOLD_BY_BEATSIGHT, made.hits)
    assert [hit.label for hit in song.hits] == [hit.label for hit in hits]
    np.testing.assert_allclose([hit.time_s for hit in song.hits], [hit.time_s for hit in hits], atol=0.0005 + 1e-9)
    np.testing.assert_allclose([hit.velocity for hit in song.hits], [hit.velocity for hit in hits], atol=1.001e-4)


@some
@given(transcriptions(tuple(LABELS)))
def test_csv_and_labels_read_back(made: Transcription) -> None:
    rows = list(csv.DictReader(io.StringIO(named("csv").write(made).decode(), newline="")))
    assert [(float(row["time_s"]), row["class"]) for row in rows] == [(hit.time_s, hit.label) for hit in made.hits]
    for column in ("velocity", "confidence"):
        told = [float(row[column]) if row[column] else None for row in rows]
        assert told == [getattr(hit, column) for hit in made.hits]
    assert [float(row["branch_snare"]) for row in rows] == [hit.branches["snare"] for hit in made.hits]
    lines = [line.split("\t") for line in named("labels").write(made).decode().splitlines()]
    assert [(float(a), float(b), c) for a, b, c, *_ in lines] == [(h.time_s, h.time_s, h.label) for h in made.hits]


@pytest.fixture(scope="module")
def jams() -> ModuleType:
    """The library whose schema our files must follow."""
    return pytest.importorskip("jams")


@given(made=transcriptions(tuple(LABELS)))
@settings(max_examples=8, deadline=None)  # a second for each file
@pytest.mark.filterwarnings("ignore:Passing a schema:DeprecationWarning")  # jams asks jsonschema the old way
def test_jams_loads_what_we_write(jams: ModuleType, made: Transcription) -> None:
    loaded = jams.load(io.StringIO(named("jams").write(made).decode()), validate=True, strict=True)
    onsets = loaded.annotations["onset", 0].data
    assert [(each.time, each.value["class"], each.confidence) for each in onsets] == [
        (hit.time_s, hit.label, hit.confidence) for hit in made.hits
    ]


@some
@given(transcriptions())
def test_equal_transcriptions_give_equal_bytes(made: Transcription) -> None:
    again = our_json.read(named("json").write(made), "song.json")
    for each in FORMATS:
        assert each.write(made) == each.write(again)


def test_a_table_of_transcriptions_is_read_by_evaluation(tmp_path: Path) -> None:
    events = Events.of([0.5, 1.0], ["kick", "snare"], velocity=[0.5, np.nan], confidence=[0.9, 0.8])
    made = Transcription.of(events, SourceAudio("a.ogg", 2.0), Transcriber("heuristic"), branches={"kick": [0.9, 0.1]})
    path = tmp_path / "transcriptions.parquet"
    pq.write_table(pa.Table.from_pylist([table.row(made, "band/a.ogg")], table.SCHEMA), path)
    (located,) = find_predictions(str(path), "").items()
    back = located[1].read()
    assert located[0] == "band/a.ogg"
    assert [LABEL_NAMES[number] for number in back.label] == ["kick", "snare"]
    np.testing.assert_array_equal(back.velocity, events.velocity)


def test_formats_are_found_by_name_and_by_ending() -> None:
    assert [of_path(f"out/song{each.ending}" if each.ending[0] == "." else each.ending) for each in FORMATS] == [
        *FORMATS
    ]
    assert of_path("X.MID").name == "midi"
    assert of_path("song/notes.mid").name == "mid"
    with pytest.raises(ConfigError, match=r"known are \.mid"):
        of_path("song.xml")
    with pytest.raises(ConfigError, match="not one of midi, json"):
        named("xml")


@pytest.mark.parametrize(("notes", "ending", "played"), [("chart", ".wav", ".wav"), ("mid", ".flac", ".ogg")])
def test_a_song_folder_is_playable(tmp_path: Path, notes: str, ending: str, played: str) -> None:
    audio = tmp_path / f"My Song{ending}"
    soundfile.write(audio, np.random.default_rng(0).normal(0, 0.1, (44_100 * 3, 2)).astype("f4"), 44_100)
    events = Events.of([0.5, 1.0, 1.0], ["kick", "crash", "snare_head"], velocity=[0.5, 0.6, 0.7])
    made = Transcription.of(events, SourceAudio(audio.name, 3.0), Transcriber("heuristic"))
    folder = tmp_path / "My Song"
    written = write_song_folder(folder, made, audio, notes=notes)  # type: ignore[arg-type]
    assert sorted(path.name for path in folder.iterdir()) == sorted([f"notes.{notes}", "song.ini", f"song{played}"])
    assert {*written} == {*folder.iterdir()}
    ini = song_ini.read((folder / "song.ini").read_bytes())
    assert (ini.name, ini.pro_drums, ini.song_length_ms) == ("My Song", True, 3000)
    assert soundfile.info(folder / f"song{played}").duration == pytest.approx(3.0, abs=0.01)
    reader = dot_chart if notes == "chart" else notes_mid
    back = chart_labels.annotate(reader.read((folder / f"notes.{notes}").read_bytes(), name="notes", ini=ini)).hits
    assert [(hit.time_s, hit.label) for hit in back] == [(0.5, "kick"), (1.0, "crash"), (1.0, "snare")]


def test_audio_that_cannot_be_encoded_leaves_no_song(tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_bytes(b"no audio at all")
    made = Transcription.of(Events.of([0.5], ["kick"]), SourceAudio("a.m4a", 1.0), Transcriber("heuristic"))
    with pytest.raises(AudioError, match=r"a\.m4a"):
        write_song_folder(tmp_path / "song", made, tmp_path / "a.m4a")
    assert not [*(tmp_path / "song").iterdir()]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": "other"}, "format: is 'other'"),
        ({"version": 99}, "newer than this reader's 1"),
        ({"hits": [{"time_s": 1, "class": "gong"}]}, "'gong' is not one of"),
        ({"hits": [{"time_s": -1, "class": "kick"}]}, "starts at second 0"),
        ({"hits": [{"time_s": 1, "class": "kick", "velocity": 2}]}, r"velocity 2\.0 of kick"),
        ({"tempo": {"origin": "guessed", "resolution": 480, "tempos": [[0, 120]]}}, "neither 'estimated' nor 'given'"),
        ({"tempo": {"origin": "given", "resolution": 480, "tempos": [[0, 0]]}}, "must be positive"),
    ],
)
def test_faults_of_json_are_told(change: dict[str, object], match: str) -> None:
    made = Transcription.of(Events.of([0.5], ["kick"]), SourceAudio("a.ogg", 1.0), Transcriber("heuristic"))
    tree = json.loads(named("json").write(made)) | change
    with pytest.raises(ChartError, match=match):
        our_json.read(json.dumps(tree).encode(), "song.json")


def test_hits_before_the_audio_are_put_at_its_start() -> None:
    made = Transcription.of(Events.of([-0.002], ["kick"]), SourceAudio("a.ogg", 1.0), Transcriber("heuristic"))
    assert made.song().hits == (Hit(0.0, "kick"),)
    with pytest.raises(ValueError, match="starts at second 0"):
        made.with_times([-1.0])
