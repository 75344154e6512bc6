"""Evaluation as a person meets it: help, mistakes, and a built dataset judged with and without Ray."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from tests.jobs.conftest import config_for, run_command

from drumline.cli import main
from drumline.dataset.build import build

PROGRAMS = {
    "evaluate": (("drumline", "evaluate"), "Evaluate systems", "configs/evaluate_model/rivals_drums.yaml"),
    "jobs/evaluate_model.py": (
        ("jobs/evaluate_model.py",),
        "Evaluate systems",
        "configs/evaluate_model/rivals_drums.yaml",
    ),
    "calibrate": (("drumline", "calibrate"), "development set", "configs/calibrate_model/validation.yaml"),
    "jobs/calibrate_model.py": (("jobs/calibrate_model.py",), "development set", "configs/calibrate_model/validation"),
}


@pytest.mark.parametrize(("command", "does", "example"), PROGRAMS.values(), ids=PROGRAMS)
def test_help_says_what_it_does_and_how_to_write_it(command: tuple[str, ...], does: str, example: str) -> None:
    done = run_command(*command, "--help")
    assert done.returncode == 0
    for word in (does, "NAME=VALUE", example, "--explain"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("systms=[]", "systms: unknown key; did you mean systems?"),
        ("scoring.vocabulary=7", "scoring.vocabulary: Input should be '3', '5', '8' or '12'"),
        ("systems=[{name: a}]", "a: set `predictions`, or `activations` to pick hits from"),
        ("systems=[{name: a, predictions: nowhere}]", "predictions: nowhere: cannot be read"),
        ("baseline=b", "baseline: 'b' is none of the systems"),
        ("truths=[{dataset: nowhere}]", "nowhere: no manifest.json: not a dataset, or its build has not finished"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(change: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "hits.json").write_text('{"hits": [{"time_s": 1, "label": "kick"}]}')
    tree = {
        "name": "test",
        "truths": [{"roots": [{"uri": str(tmp_path)}]}],
        "systems": [{"name": "a", "predictions": str(tmp_path)}],
        "output": str(tmp_path / "out"),
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(tree))
    done = CliRunner().invoke(main, ["evaluate", str(tmp_path / "config.yaml"), change])
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.ray
def test_a_dataset_is_judged_alike_with_and_without_ray(few_songs: Path, tmp_path: Path) -> None:
    dataset = config_for(few_songs, tmp_path / "set")
    build(dataset)
    keys = {row["song_id"]: row["key"] for row in pq.read_table(f"{dataset.output}/songs.parquet").to_pylist()}
    hits: dict[str, list[dict[str, object]]] = {key: [] for key in keys.values()}
    for row in pq.read_table(f"{dataset.output}/events.parquet").to_pylist():
        hits[keys[row["song_id"]]].append({name: row[name] for name in ("time_s", "label", "velocity")})
    rows = [{"key": key, "hits": told[::2] if number else told} for number, (key, told) in enumerate(hits.items())]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "predictions.parquet", row_group_size=2)
    tree = {
        "name": "few",
        "truths": [{"name": "all", "dataset": dataset.output, "splits": ["train", "validation", "test"]}],
        "systems": [{"name": "half deaf", "predictions": str(tmp_path / "predictions.parquet")}],
        "output": str(tmp_path / "local"),
        "scoring": {"vocabulary": 12},
        "bootstrap": {"num_draws": 100},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(tree))
    local = run_command("drumline", "evaluate", tmp_path / "config.yaml")
    assert (local.returncode, local.stderr) == (0, "")
    assert f"{tmp_path}/local/report.html" in local.stdout
    changes = [f"output={tmp_path / 'ray'}", "run.most_local_songs=0", "run.songs_a_task=1", "run.ray.num_cpus=2"]
    on_ray = run_command("jobs/evaluate_model.py", tmp_path / "config.yaml", *changes)
    assert on_ray.returncode == 0, on_ray.stderr
    assert (tmp_path / "ray" / "report.json").read_bytes() == (tmp_path / "local" / "report.json").read_bytes()

    (truth,) = json.loads((tmp_path / "local" / "report.json").read_text())["truths"]
    (system,) = truth["systems"]
    assert system["songs"] == truth["songs"] == len(rows)
    assert system["per_song"][-1]["f"] == 1.0
    assert all(0 < row["recall"] < 1 and row["precision"] == 1.0 for row in system["per_song"][:-1])
    # The charts' tempo maps came through the tables.
    assert sum(system["subdivisions"][0]["reference"]["all"]) == sum(
        at["micro"]["tp"] + at["micro"]["fn"]
        for at in system["events"]
        if (at["vocabulary"], at["window_ms"]) == ("12", 50.0)
    )
