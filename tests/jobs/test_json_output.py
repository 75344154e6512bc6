"""`--json`: one JSON document on standard output, for programs."""

import json
from pathlib import Path

from click.testing import CliRunner, Result
from tests.dataset.small_dataset import write_dataset
from tests.quality.files import write_lines

from drumline.cli import main


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--json"])


def test_the_doctor() -> None:
    findings = json.loads(invoke("doctor").stdout)
    assert {"state", "what", "detail"} == set(findings[0])


def test_a_check_prints_its_report(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "e.jsonl", [{"session_id": "a", "onset_time": 0.0, "label": "kick"}])
    result = invoke("check", "health", f"events={events}", f"output={tmp_path}/out")
    report = json.loads(result.stdout)
    assert report["findings"]["events"] == 1
    assert report == json.loads((tmp_path / "out" / "report.json").read_text())


def test_problems_of_a_dataset_are_listed(tmp_path: Path) -> None:
    dataset = Path(write_dataset(tmp_path / "dataset"))
    next(dataset.rglob("shards/*.parquet")).write_bytes(b"")
    result = invoke("verify", dataset)
    found = json.loads(result.stdout)
    assert (found["sound"], result.exit_code) == (False, 1)
    assert any("checksum" in problem or "bytes" in problem for problem in found["problems"]), found["problems"]
