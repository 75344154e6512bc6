"""Journals forget what an interrupted attempt wrote; logs say the same for machines, eyes and TensorBoard."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event
from tests.training.songs import train_config

from drumline.core.artifacts import filesystem, read_bytes
from drumline.core.errors import ConfigError
from drumline.core.grid import HIGH
from drumline.core.hits import Hit
from drumline.decoding.activations import Activations
from drumline.model.branches import PREDICTED
from drumline.training.config import LogConfig, TrainConfig
from drumline.training.journal import Journal
from drumline.training.logs import Logs
from drumline.training.progress import Progress
from drumline.training.trackers import check_trackers
from drumline.training.validation import Recording

LOSSES = {"loss": 2.0, "kick": 0.5, "gradient_norm": 1.0}


def recording(name: str = "song") -> tuple[Recording, Activations]:
    frames = 2000
    probability = np.zeros((frames, len(PREDICTED)), np.float32)
    probability[100::200, 0] = 0.9
    seen = Activations(HIGH, PREDICTED, probability, probability.max(1), np.zeros(frames, "f4"), probability)
    hits = (Hit(0.6, "kick"), Hit(1.2, "cymbal"), Hit(1.5, "other"))
    return Recording(name, "stem", np.zeros(128 * frames, np.float32), hits, ()), seen


def lines(config: TrainConfig, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read_bytes(f"{config.output}/{name}").splitlines()]


def tell(logs: Logs, first: int, last: int, *, epoch: int = 0) -> None:
    for step in range(first, last):
        location = Progress(epoch=epoch, step=step + 1)
        logs.step(location, {**LOSSES, "loss": float(step)}, rate=1e-3, num_windows=8, waited_s=0.0)


def events(folder: Path) -> list[Event]:
    """TensorBoard's own records: length (8 bytes), its checksum (4), an Event, its checksum (4)."""
    found = []
    for file in sorted(folder.glob("events*")):
        data, location = file.read_bytes(), 0
        while location < len(data):
            length = int.from_bytes(data[location : location + 8], "little")
            found.append(Event.FromString(data[location + 12 : location + 12 + length]))
            location += length + 16
    return found


def test_a_journal_is_resumed_at_its_step(tmp_path: Path) -> None:
    file = tmp_path / "steps.jsonl"
    journal = Journal(file, until_step=0)
    for step in (10, 20, 30):
        journal.add({"step": step, "loss": float("nan")})
    file.write_bytes(file.read_bytes() + b'{"step": 40, "lo')  # killed while writing
    again = Journal(file, until_step=20)
    again.add({"step": 25, "loss": 1.0})
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"step": 10, "loss": None},
        {"step": 20, "loss": None},
        {"step": 25, "loss": 1.0},
    ]


@pytest.mark.parametrize("location", ["local", "memory"])
def test_logs_of_a_run_that_was_interrupted(location: str, tmp_path: Path) -> None:
    output = str(tmp_path / "run") if location == "local" else f"memory://{tmp_path.name}/run"
    config = train_config("songs", output, stages=[{"name": "all", "epochs": 3}])  # 4 steps an epoch, 2 a line
    told: list[dict[str, Any]] = []
    with Logs(config, Progress(), run="r", send_line=told.append) as logs:
        tell(logs, 0, 4)
        for name in ("a", "a", "b"):
            logs.add_picture(*recording(name))
        logs.epoch(Progress(epoch=1), {"f5_50": 0.7, "pr_auc": 0.8, "f5_kick_50": float("nan")})
        tell(logs, 0, 3, epoch=1)  # beyond what a checkpoint holds
    with Logs(config, Progress(epoch=1), run="r", send_line=told.append) as logs:
        tell(logs, 0, 4, epoch=1)
        logs.add_picture(*recording())
        logs.epoch(Progress(epoch=2), {"f5_50": 0.6, "pr_auc": 0.9, "f5_kick_50": 0.5})

    steps = lines(config, "steps.jsonl")
    assert [line["step"] for line in steps] == [2, 4, 6, 8]
    assert [line["loss"] for line in steps] == [0.5, 2.5, 0.5, 2.5]
    assert {"rate", "windows_per_s", "waiting", "kick", "gradient_norm", "stage"} <= steps[0].keys()
    assert [line["metrics"]["f5_50"] for line in lines(config, "epochs.jsonl")] == [0.7, 0.6]
    metrics = json.loads(read_bytes(f"{output}/metrics.json"))
    assert metrics["newest"]["metrics"] == {"f5_50": 0.6, "pr_auc": 0.9, "f5_kick_50": 0.5}
    assert metrics["best"]["metrics"] == {"f5_50": 0.7, "pr_auc": 0.8, "f5_kick_50": None}
    assert b"<svg" in read_bytes(f"{output}/curves.svg")
    assert read_bytes(f"{output}/pictures/epoch-0001.png")[:4] == b"\x89PNG"
    assert [line["step"] for line in told] == [2, 4, 4, 6, 6, 8, 8]
    fs, path = filesystem(output)
    assert len([name for name in fs.find(path) if "events.out" in name]) == 2


def test_tensorboard_sees_scalars_pictures_and_where_a_run_went_on(tmp_path: Path) -> None:
    config = train_config("songs", tmp_path)
    with Logs(config, Progress(step=2), run="r", send_line=lambda _: None) as logs:
        tell(logs, 2, 4)
        logs.add_picture(*recording())
        logs.epoch(Progress(epoch=1), {"f5_50": 0.7, "pr_auc": 0.8, "f5_kick_50": 0.5})
    values = [(event.step, value) for event in events(tmp_path / "tensorboard") for value in event.summary.value]
    scalars = {value.tag: (step, value.simple_value) for step, value in values if not value.HasField("image")}
    assert scalars["train/loss"] == (4, 2.5)
    assert scalars["validation/f5_50"] == (4, pytest.approx(0.7))
    assert scalars["classes/f5_kick_50"] == (4, 0.5)
    assert scalars["run/rate"] == (4, pytest.approx(1e-3))
    assert any(value.HasField("image") for _, value in values)
    starts = [event.step for event in events(tmp_path / "tensorboard") if event.HasField("session_log")]
    assert starts == [3]  # TensorBoard hides what an earlier attempt wrote from here on


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_missing_extra_is_told_before_any_work(name: str) -> None:
    wanted = {"mlflow": LogConfig(mlflow="sqlite:///x.db"), "wandb": LogConfig(wandb="offline")}[name]
    if importlib.util.find_spec(name):
        check_trackers(wanted)
        return
    with pytest.raises(ConfigError, match=rf"logs\.{name}: .*pip install 'drumline\[{name}\]'"):
        check_trackers(wanted)


@pytest.mark.filterwarnings("ignore")  # of a package that is not ours
def test_mlflow_goes_on_in_the_same_run(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    store = f"sqlite:///{tmp_path}/mlflow.db"
    config = train_config("songs", tmp_path, logs={"mlflow": store, "tensorboard": False})
    for epoch in range(2):
        with Logs(config, Progress(epoch=epoch), run="r", send_line=lambda _: None) as logs:
            logs.epoch(Progress(epoch=epoch + 1), {"f5_50": 0.7, "pr_auc": 0.8})
    client = mlflow.MlflowClient(tracking_uri=store)
    (run,) = client.search_runs([client.get_experiment_by_name("drumline").experiment_id])
    assert [point.step for point in client.get_metric_history(run.info.run_id, "validation/f5_50")] == [4, 8]


@pytest.mark.filterwarnings("ignore")  # of a package that is not ours
def test_wandb_works_offline(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    config = train_config("songs", tmp_path, logs={"wandb": "offline", "tensorboard": False})
    with Logs(config, Progress(), run="r", send_line=lambda _: None) as logs:
        logs.epoch(Progress(epoch=1), {"f5_50": 0.7, "pr_auc": 0.8})
    assert list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
