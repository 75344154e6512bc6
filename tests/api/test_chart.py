"""Charts by the Python API: the demo library's formats, folders and files alike."""

from pathlib import Path

import numpy as np
import pytest

import drumline
from drumline.charts import chart_labels, dot_chart, notes_mid
from drumline.charts.annotated_song import Metadata
from drumline.core.errors import ChartError
from drumline.rendering.patterns import perform

GROOVE = perform("rock", num_bars=4, tempos=((0, 120.0),), seed=0)
CHART = chart_labels.compose(GROOVE.hits, GROOVE.tempo, Metadata(title="First Light", artist="Ann"))


@pytest.mark.parametrize(
    ("name", "data"), [("notes.chart", dot_chart.write(CHART)), ("notes.mid", notes_mid.write(CHART))]
)
def test_a_folder_and_its_chart_are_one_song(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "song.ini").write_text("[song]\nname = First Light\ndelay = 250\n")
    folder, file = drumline.read_chart(tmp_path), drumline.read_chart(str(tmp_path / name))
    assert folder.song == file.song
    assert (file.title, file.offset_s) == ("First Light", 0.25)
    np.testing.assert_allclose(file.hits.time_s, [hit.time_s for hit in GROOVE.hits], atol=2e-3)
    assert np.isnan(file.hits.confidence).all()


def test_what_is_no_chart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"notes\.chart"):
        drumline.read_chart(tmp_path / "notes.chart")
    (tmp_path / "words.txt").write_text("x")
    with pytest.raises(ChartError, match="not the name of a chart"):
        drumline.read_chart(tmp_path / "words.txt")
    with pytest.raises(ChartError, match="holds 0 charts"):
        drumline.read_chart(tmp_path)
    for name in ("a.chart", "b.chart"):
        (tmp_path / name).write_bytes(dot_chart.write(CHART))
    with pytest.raises(ChartError, match=r"holds 2 charts of songs \(a.chart, b.chart\)"):
        drumline.read_chart(tmp_path)
