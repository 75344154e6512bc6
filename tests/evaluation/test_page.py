"""The page: whole, self-contained, escaped, the same for the same report."""

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.evaluation.conftest import BEAT, config_for, told, write_predictions, write_songs

from drumline.core import plots
from drumline.core.measure import Value
from drumline.core.svg import LIGHT
from drumline.evaluation.evaluate import evaluate
from drumline.evaluation.page import render_page
from drumline.evaluation.report import Report

VOID = ("meta", "link", "br", "img", "hr")
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


class Page(HTMLParser):
    """What is open, what was refered to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.outside += [str(v) for k, v in attrs if k in ("src", "href", "xlink:href") and not str(v).startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()


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
