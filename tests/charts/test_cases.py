"""Charts on which the program failed once, with the right answer of each."""

from pathlib import Path

import pytest

from drumline.charts import chart_labels, song_ini
from drumline.charts.inspection import CHART_READERS

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "charts"
KIT = ["kick", "snare", "hihat", "crash", "tom_mid"]


@pytest.mark.parametrize(
    ("case", "offset_s", "resolution", "labels"),
    [
        ("C02-delay-comma", 0.15, 192, KIT),
        ("C03-u2028b", 0.12, 192, KIT),
        ("C10-two-tracks", 0.0, 480, ["kick", "snare", "kick", *["tom_or_cymbal"] * 3]),
        ("C20-chart-res-float", 0.0, 192, KIT),
    ],
)
def test_a_chart_is_read_as_the_games_read_it(case, offset_s, resolution, labels):
    folder = CASES / case
    if not folder.is_dir():
        pytest.skip("the cases are not beside this checkout (../shared/cases)")
    chart_file = next(folder.glob("notes.*"))
    ini = song_ini.read((folder / "song.ini").read_bytes())
    chart = CHART_READERS[chart_file.suffix](chart_file.read_bytes(), name=chart_file.name, ini=ini)
    assert (chart.offset_s, chart.tempo.resolution) == (offset_s, resolution)
    assert [hit.label for hit in chart_labels.annotate(chart).hits] == labels
