"""`normalize openness`: curves against SciPy's interpolation; which curve; what is told of what had none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from tests.quality.files import run, write_lines

from drumline.core.errors import ChartError, DrumlineError
from drumline.quality.manifests.curves import OpennessCurve, read_curves
from drumline.quality.manifests.openness import OpennessConfig, OpennessFindings
from drumline.quality.manifests.openness import run as check

points = st.lists(st.tuples(st.integers(0, 127), st.floats(0, 1)), min_size=2, max_size=8, unique_by=lambda p: p[0])


@given(points, st.floats(-0.2, 0.2), st.floats(0, 127))
def test_a_curve_is_scipys(knots: list[tuple[int, float]], offset: float, raw: float) -> None:
    x, y = zip(*sorted(knots), strict=True)
    theirs = interp1d(x, y, bounds_error=False, fill_value=(y[0], y[-1]))(raw)
    ours = OpennessCurve("c", tuple(map(float, x)), y, offset)(raw)
    assert ours == pytest.approx(float(np.clip(theirs + offset, 0, 1)), abs=1e-9)


def curves_of(folder: Path, *, offset: float = 0.1, knots: Any = ((0, 0.0), (127, 1.0))) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    curve = {"curve_id": "c1", "offset": offset, "breakpoints": [{"raw": r, "normalized": n} for r, n in knots]}
    (folder / "curves.json").write_text(json.dumps({"vendors": {"Roland": {"TD-50": curve}}}))
    return str(folder / "curves.json")


def hat(raw: float | None = None, *, vendor: str = "roland", label: str = "hihat_open", **more: Any) -> dict[str, Any]:
    part = {"label": label, **more} | ({} if raw is None else {"openness_raw": raw})
    return {"device_vendor": vendor, "device_model": "td-50", "components": [part]}


def normalized(
    folder: Path, events: list[dict[str, Any]], **more: Any
) -> tuple[OpennessFindings, list[dict[str, Any]], dict[str, str]]:
    config = OpennessConfig(
        events=write_lines(folder / "events.jsonl", events),
        output=str(folder / "out"),
        **{"curves": curves_of(folder), **more},
    )
    report = check(config).report
    written = [json.loads(line) for line in (folder / "out" / "events.jsonl").read_text().splitlines()]
    return report.findings, [e["components"][0] for e in written], {g.name: g.verdict for g in report.gates}


def test_each_hi_hat_by_its_curve(tmp_path: Path) -> None:
    events = [
        hat(63.5),
        hat(0, label="hihat_pedal"),
        hat(127, vendor="", openness_curve_id="C1"),
        hat(10, vendor="Yamaha"),
        hat(None, openness=0.3),
        hat(50, label="snare"),
        hat(200, openness=0.2),
    ]
    found, parts, verdicts = normalized(tmp_path, events)
    assert [part.get("openness") for part in parts] == [0.6, 0.1, 1.0, None, 0.3, None, 1.0]
    assert [part.get("openness_level") for part in parts[:3]] == ["some", "none", "full"]
    assert parts[0] == events[0]["components"][0] | {
        "openness": 0.6, "openness_level": "some", "openness_curve_id": "c1"
    }  # fmt: skip
    assert parts[5] == events[5]["components"][0]
    assert (found.hihats, found.raw, found.normalized, found.without_curve) == (6, 5, 4, {"Yamaha td-50": 1})
    assert (found.out_of_range, found.largest_change, found.levels) == (1, 0.8, {"none": 1, "some": 2, "full": 2})
    assert verdicts == {"without_curve": "failed", "out_of_range": "failed"}


def test_offset_direction_and_what_is_told(tmp_path: Path) -> None:
    events = [hat(127 / 4, openness=0.9)]
    for more, openness in (
        ({"offsets": {"c1": 0.0}}, 0.25),
        ({"offsets": {"c1": 0.0}, "inverted": ("c1",)}, 0.75),
        ({"keep_existing": True}, 0.9),
    ):
        assert normalized(tmp_path, events, **more)[1][0]["openness"] == openness
    with pytest.raises(DrumlineError, match="has no curve 'c2', only c1"):
        normalized(tmp_path, events, offsets={"c2": 0.0})


@pytest.mark.parametrize("knots", [[(0, 0.0)], [(0, 0.0), (0, 1.0)], [(9, 0.0), (3, 1.0)], [(0, 0.0), (200, 1.0)]])
def test_what_is_no_curve(tmp_path: Path, knots: list[tuple[int, float]]) -> None:
    with pytest.raises(ChartError, match=r"vendors.roland.td-50.breakpoints: must be two points or more"):
        read_curves(curves_of(tmp_path, knots=knots), {})


def test_the_examples_and_a_dry_run(examples: Path, tmp_path: Path) -> None:
    settings = (
        "normalize", "openness", f"events={examples}/events_health_example.jsonl",
        f"curves={examples}/openness_curves.json", f"output={tmp_path}/out", "--strict",
    )  # fmt: skip
    done = run(*settings, "--dry-run")
    assert (done.exit_code, "dry run: no files were written" in done.output) == (0, True)
    assert not (tmp_path / "out").exists()
    assert run(*settings).exit_code == 0
    assert (tmp_path / "out" / "events.jsonl").read_bytes().count(b"\n") == 5
    assert len(read_curves(f"{examples}/openness_curves.json", {}).by_id) == 3
