"""The page: whole, self-contained, escaped, the same for the same report."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.evaluation.conftest import BEAT, config_for, told, write_predictions, write_songs
from tests.pages import Page

from drumline.core import plots
from drumline.core.interval_value import Value
from drumline.core.svg import LIGHT
from drumline.evaluation.evaluate import evaluate
from drumline.evaluation.page import render_page
from drumline.evaluation.report import Report

NAMES = ("Tom & <Snare>", "second", "third", "fourth", "fifth", "sixth")
"""More systems than colours."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("page")
    songs = write_songs(folder / "songs", {"One": BEAT, "Two": BEAT[:20]})
    systems = {}
    for number, name in enumerate(NAMES):
        hits = told(BEAT[number:], shift_s=0.002 * number, **({"confidence": 0.8} if number < 2 else {}))
        systems[name] = write_predictions(folder / str(number), {"One": hits, "Two": hits[:10]})
    return evaluate(config_for(songs, systems, folder / "out")).report


def test_the_page_is_whole_and_stands_alone(report: Report) -> None:
    html = render_page(report)
    page = Page()
    page.feed(html)
    assert page.open == []
    assert page.outside == []
    assert "<script" not in html
    assert "Tom &amp; &lt;Snare&gt;" in html
    assert "<Snare>" not in html.replace("&lt;Snare&gt;", "")
    for title in ("Systems", "Classes", "Paired comparison", "Rhythm", "Edits per 100 notes", "Calibration", "Worst"):
        assert f"<h2>{title}" in html
    for svg in re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL):
        ElementTree.fromstring(svg)
        assert set(re.findall(r"var\((--[a-z0-9-]+)\)", svg)) <= LIGHT.keys()


def test_equal_reports_have_equal_pages(report: Report) -> None:
    again = Report.model_validate_json(report.model_dump_json())
    assert render_page(again) == render_page(report)


def test_plots_of_nothing_say_so(tmp_path: Path) -> None:
    nothing = Value(value=None, low=None, high=None)
    for svg in (
        plots.intervals("a", {}, unit="F"),
        plots.intervals("a", {"kick": {"system": nothing}}, unit="F"),
        plots.lines("a", ["x"], {"system": [None]}, unit="recall", x_label="x"),
        plots.reliability("a", {}),
    ):
        assert "nothing to show" in svg
