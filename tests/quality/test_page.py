"""Pages and summaries of checks: whole, self-contained, escaped, the same for the same report."""

from pathlib import Path

import pytest
from tests.pages import Page
from tests.quality.files import run, write_lines

from drumline.core.config import Config
from drumline.core.interval_value import measured
from drumline.core.svg import DARK, LIGHT
from drumline.quality.gates import Limit, apply_limit
from drumline.quality.outcome import CheckResult, publish, summary
from drumline.quality.page import Section, Table, cell_text, render_page
from drumline.quality.report import CheckConfig, Input, Report, make_report


class Findings(Config):
    """Nothing."""


def report(num_gates: int = 3) -> Report[Findings]:
    values = [0.95, 0.5, float("nan")] * num_gates
    gates = tuple(apply_limit(f"f.{n}", measured(values[n]), Limit(at_least=0.9)) for n in range(num_gates))
    source = Input(role="truth", path="<b>x.jsonl", records=1_234, sha256="ab" * 32)
    return make_report(
        "health",
        CheckConfig(name="Tom & <Snare>"),
        findings=Findings(),
        gates=gates,
        inputs=(source,),
        notes=("a <note>",),
    )


def test_the_page_is_whole_escaped_and_stands_alone() -> None:
    table = Table(("Name", "Number"), (("<i>", 1_234), ("none", None)))
    sections = (Section("A & B", "Text <u>.", facts=(("Share", 0.25),), tables=(table,)), Section("Nothing"))
    html = render_page(report(), sections)
    assert "Nothing" not in html
    page = Page()
    page.feed(html)
    assert (page.open, page.outside) == ([], [])
    for raw in ("<b>x", "<i>", "<u>", "<note>", "<Snare>"):
        assert raw not in html
    assert "f.<wbr>1" in html
    assert html.index("failed</td>") < html.index("unknown</td>") < html.index("passed</td>")
    for palette in (LIGHT, DARK):
        assert palette["--ink"] in html


def test_many_gates_that_passed_are_folded() -> None:
    many = render_page(report(num_gates=30), ())
    assert "<summary>10 passed</summary>" in many
    assert many.index("unknown</td>") < many.index("<summary>")


def test_equal_reports_have_equal_files(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        publish(CheckResult(report(), lambda: (Section("A"),)), str(tmp_path / folder))
    for name in ("report.json", "report.html"):
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert one == two
    again = Report[Findings].model_validate_json((tmp_path / "one" / "report.json").read_bytes())
    assert (again.verdict, again.gates) == ("failed", report().gates)


def test_the_summary_fits_on_a_screen_and_begins_with_what_failed() -> None:
    lines = summary(report()).splitlines()
    assert lines[0] == "health of Tom & <Snare>: FAILED (1 failed, 1 unknown, 1 passed)"
    assert [line.split()[:2] for line in lines[1:4]] == [["FAILED", "f.1"], ["UNKNOWN", "f.2"], ["passed", "f.0"]]
    assert lines[4] == "  note     a <note>"
    assert len(summary(report(num_gates=500)).splitlines()) < 40


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.90211, "0.9021"),
        (-0.5, "−0.5"),
        (1_421_118, "1,421,118"),
        (12_345.6, "12,346"),
        (2.0, "2"),
        ("x", "x"),
    ],
)
def test_numbers_are_readable(value: str | float | None, text: str) -> None:
    assert cell_text(value) == text


def test_mistakes_are_one_message_and_exit_code_2(tmp_path: Path) -> None:
    truth = write_lines(tmp_path / "truth.jsonl", [{"sample_id": "0", "is_known": True}])
    for settings, message in (
        ((f"truth={truth}",), "configuration: predictions: must be set"),
        (
            (f"truth={truth}", "predictions=x", "gates.aurok.at_least=1"),
            "gates.aurok: unknown key; did you mean gates.auroc?",
        ),
        ((f"truth={truth}", "predictions=x", "gates.auroc={}"), "set one of at_least and at_most"),
        (("nowhere.yaml",), "nowhere.yaml: cannot be read (No such file or directory)"),
        ((f"truth={truth}", f"predictions={truth}", f"output={truth}/x"), "scores"),
    ):
        done = run("check", "open-set", *settings)
        assert done.exit_code == 2
        assert message in done.output or message.replace("scores", "predicted_label") in done.output
