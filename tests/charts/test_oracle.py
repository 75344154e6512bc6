"""Our reading of charts against scan-chart's, stored in tests/golden/charts by regenerate.py."""

import json
from pathlib import Path

import pytest

from drumline.charts import song_ini
from drumline.charts.chart import LANES
from drumline.charts.inspection import CHART_READERS

GOLDEN = Path(__file__).parents[1] / "golden" / "charts"
FIELDS = ("tick", "length_ticks", "lane", "cymbal", "accent", "ghost", "flam", "double_kick", "disco")
CASES = [json.loads(line) for line in (GOLDEN / "oracle.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["path"])
def test_reads_as_scan_chart_does(case):
    path = GOLDEN / case["path"]
    ini = song_ini.from_values({key: str(value) for key, value in case["ini"].items()})
    chart = CHART_READERS[path.suffix](path.read_bytes(), name=path.name, ini=ini)
    assert chart.tempo.resolution == case["resolution"]
    assert chart.drum_type == case["drum_type"]
    assert set(chart.difficulties) == set(case["difficulties"])
    for difficulty, rows in case["difficulties"].items():
        theirs = sorted(([*row[:1], *row[2:]] for row in rows), key=lambda row: (row[0], LANES.index(row[2])))
        ours = [[getattr(note, field) for field in FIELDS] for note in chart.difficulties[difficulty]]
        assert ours == theirs
        times_s = chart.tempo.seconds([row[0] for row in rows])
        assert times_s == pytest.approx([row[1] / 1000.0 for row in rows], abs=1e-9)
