"""The jobs of the quality suite: thin, explained, with the exit codes of the commands."""

import json
from pathlib import Path

import pytest
from tests.jobs.conftest import ROOT, run_command

from drumline.core.config import load_config
from drumline.quality.negatives.mine import MineNegativesConfig


@pytest.mark.parametrize(
    ("job", "word"),
    [
        ("check_dataset.py", "boundaries"),
        ("compare_datasets.py", "manifests"),
        ("mine_negatives.py", "--dry-run"),
        ("curate_events.py", "annotate"),
    ],
)
def test_help(job: str, word: str) -> None:
    done = run_command(f"jobs/{job}", "--help")
    assert (done.returncode, word in done.stdout) == (0, True)


def test_a_job_ends_like_the_command(tmp_path: Path) -> None:
    lines = [{"sample_id": "a", "label": "kick"}, {"sample_id": "a", "label": "snare"}]
    for name, line in zip(("one", "two"), lines, strict=True):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(line) + "\n")
    events = f"events=[{tmp_path}/one.jsonl, {tmp_path}/two.jsonl]"
    done = run_command("jobs/curate_events.py", "merge", "manifests", events, f"output={tmp_path}/out")
    assert (done.returncode, (tmp_path / "out" / "conflicts.jsonl").read_text().count("\n")) == (1, 1)


def test_the_example_configuration_is_one() -> None:
    config = load_config(MineNegativesConfig, ROOT / "configs" / "mine_negatives" / "train.yaml")
    assert config.truth is not None
    assert config.truth.splits == ("train",)
