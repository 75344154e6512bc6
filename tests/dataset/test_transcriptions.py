"""Charts that drumline transcribed are never labels by accident, and never take the place of a person's."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from drumline.charts import chart_labels, dot_chart, sng
from drumline.charts.annotated_song import Metadata
from drumline.charts.provenance import BLANK, seal
from drumline.core.errors import Rejected
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap
from drumline.dataset.config import BuildConfig
from drumline.dataset.duplicates import CHARTED, TRANSCRIBED
from drumline.dataset.find import find_songs
from drumline.dataset.reading import read_song
from drumline.dataset.song import build_song
from drumline.dataset.sources import RootConfig, SongSource
from drumline.rendering.demo_library import SONGS, files_of

HITS = [Hit(1.0 + 0.5 * n, ("kick", "snare_head")[n % 2]) for n in range(8)]


def by_hand(charter: str = "Ann") -> bytes:
    return dot_chart.write(chart_labels.compose(HITS, TempoMap(480), Metadata(title="x", charter=charter)))


def by_machine() -> bytes:
    return seal(dot_chart.write(chart_labels.compose(HITS[:-1], TempoMap(480), Metadata(title="x")), mark=BLANK))


def found(folder: Path) -> dict[str, SongSource]:
    return {source.key.partition("/")[2]: source for source in find_songs([RootConfig(uri=str(folder), name="r")])}


def config(folder: Path, **changes: object) -> BuildConfig:
    tree = {"name": "test", "roots": [{"uri": str(folder)}], "output": str(folder / "set"), **changes}
    return BuildConfig.model_validate(tree, strict=False)


def outcomes(folder: Path, **changes: object) -> dict[str, pa.Table | Rejected]:
    settings = config(folder, **changes)
    return {key: build_song(source, settings, lambda _: None) for key, source in found(folder).items()}


def reasons(folder: Path, **changes: object) -> dict[str, str]:
    return {
        key: outcome.reason if isinstance(outcome, Rejected) else ""
        for key, outcome in outcomes(folder, **changes).items()
    }


@pytest.mark.parametrize("machine", ["notes.mid", "notes.chart", "song.chart"])
def test_a_persons_chart_in_the_folder_is_the_song_whatever_ours_is_called(tmp_path: Path, machine: str) -> None:
    folder = tmp_path / "song"
    folder.mkdir()
    (folder / machine).write_bytes(by_machine())
    person = "other.chart" if machine == "notes.chart" else "notes.chart"
    (folder / person).write_bytes(by_hand())
    song = found(tmp_path)["song"]
    read = read_song(song, difficulty="expert")
    assert (read.song.metadata.charter, len(read.song.hits), read.transcribed) == ("Ann", 8, False)
    others = [other for other in found(tmp_path).values() if other.superseded_by]
    assert {other.superseded_by for other in others} <= {"r/song"}
    (folder / person).write_bytes(by_hand("Bob"))
    assert found(tmp_path)["song"].stamp != song.stamp


@pytest.mark.parametrize("edited", [False, True])
def test_a_transcription_alone_is_skipped_or_a_pseudo_label(tmp_path: Path, edited: bool) -> None:
    folder = tmp_path / "song"
    for name, data in files_of(replace(SONGS[0], num_bars=8), 0).items():
        folder.mkdir(exist_ok=True)
        chart = data.replace(b"Resolution", f'drumline_mark = "{BLANK}"\n  Resolution'.encode())
        (folder / name).write_bytes((chart if edited else seal(chart)) if name == "notes.chart" else data)
    assert reasons(tmp_path) == {"song": "chart_transcribed"}
    table = outcomes(tmp_path, transcriptions="include")["song"]
    assert isinstance(table, pa.Table)
    assert table["source_rank"].to_pylist() == [TRANSCRIBED]
    assert {hit["evidence"] for hit in table["hits"][0].as_py()} == {"transcription"}


def test_a_transcription_in_a_container_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "x.sng").write_bytes(sng.write({"notes.chart": by_machine()}, {}))
    (tmp_path / "y.sng").write_bytes(sng.write({"notes.mid": by_machine(), "notes.chart": by_hand()}, {}))
    assert reasons(tmp_path) == {"x.sng": "chart_transcribed", "y.sng": "audio_missing"}


def test_own_output_of_released_versions_beside_human_charts(cases: Path) -> None:
    made = outcomes(cases / "library" / "own_output_beside_human_charts")
    kept = {key: outcome for key, outcome in made.items() if isinstance(outcome, pa.Table)}
    assert {key: table["charter"].to_pylist() for key, table in kept.items()} == {
        "01 First Light": ["Ann"],
        "05 Slow Tide": ["Bob"],
    }
    assert {table["source_rank"][0].as_py() for table in kept.values()} == {CHARTED}
    assert {outcome.reason for outcome in made.values() if isinstance(outcome, Rejected)} == {"chart_superseded"}
