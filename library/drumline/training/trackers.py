"""Experiment trackers: TensorBoard, MLflow, Weights & Biases.

MLflow and Weights & Biases are extras, imported only if configured. A resumed run continues the same run there;
TensorBoard hides what an interrupted attempt wrote after the resumed step.
"""

import time
import uuid
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from drumline.core.artifacts import room_for
from drumline.core.errors import ConfigError
from drumline.training.config import LogConfig, TrainConfig

Pixels = NDArray[np.uint8]
"""Picture, uint8 [height, width, 3]."""


class Tracker(Protocol):
    """Interface of an experiment tracker."""

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers by name; `step` counts from the start of the run."""

    def picture(self, pixels: Pixels, step: int) -> None:
        """Log a picture of validation recordings."""

    def flush(self) -> None:
        """Write buffered values."""

    def close(self, *, finished: bool) -> None:
        """Close the tracker; `finished` is False if the run was interrupted."""


def check_trackers(config: LogConfig) -> None:
    """Raise ConfigError if the package of a configured tracker is not installed."""
    for name, enabled in (("mlflow", config.mlflow), ("wandb", config.wandb)):
        if enabled and find_spec(name) is None:
            raise ConfigError(f"logs.{name}: needs the package {name}: pip install 'drumline[{name}]'")


def trackers(config: TrainConfig, folder: Path, *, run: str, step: int) -> list[Tracker]:
    """Open the configured trackers.

    Parameters
    ----------
    config
        Configuration of the run.
    folder
        Local folder for files.
    run
        Identifier of the run, the same after resuming.
    step
        Step from which the run starts or resumes.
    """
    found: list[Tracker] = []
    if config.logs.tensorboard:
        found.append(TensorBoard(folder / "tensorboard", step=step))
    if config.logs.mlflow:
        found.append(MLflow(config, run=run))
    if config.logs.wandb:
        found.append(WeightsAndBiases(config, folder, run=run))
    return found


class TensorBoard:
    """TensorBoard event files, for `tensorboard --logdir <output>`.

    Written synchronously, not by tensorboardX's writer: its thread dies on a full disk, and later writes block.
    """

    def __init__(self, folder: Path, *, step: int) -> None:
        # Imported here because it takes a second.
        self.summary, self.proto = import_module("tensorboardX.summary"), import_module("tensorboardX.proto.event_pb2")
        self.files = str(folder / "events")
        folder.mkdir(parents=True, exist_ok=True)
        # The default file names count in seconds: two attempts within one second would share a file.
        self.events = import_module("tensorboardX.event_file_writer").EventsWriter(
            self.files, f".{uuid.uuid4().hex[:8]}"
        )
        session = self.proto.SessionLog
        self._write(step + 1, session_log=session(status=session.START))  # hides what is there from this step on

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._write(step, summary=self.summary.scalar(name, value))

    def picture(self, pixels: Pixels, step: int) -> None:
        self._write(step, summary=self.summary.image("validation", pixels, dataformats="HWC"))

    def flush(self) -> None:
        with room_for(0, self.files):
            self.events.flush()

    def close(self, *, finished: bool) -> None:
        with room_for(0, self.files):
            self.events.close()

    def _write(self, step: int, **what: Any) -> None:
        event = self.proto.Event(wall_time=time.time(), step=step, **what)
        with room_for(event.ByteSize(), self.files):
            self.events.write_event(event)


class MLflow:
    """MLflow run in the experiment ``drumline``, identified by a tag."""

    def __init__(self, config: TrainConfig, *, run: str) -> None:
        mlflow = import_module("mlflow")
        self.client = mlflow.MlflowClient(tracking_uri=config.logs.mlflow)
        known = self.client.get_experiment_by_name("drumline")
        experiment = known.experiment_id if known else self.client.create_experiment("drumline")
        existing = self.client.search_runs([experiment], filter_string=f"tags.`drumline.run` = '{run}'", max_results=1)
        if existing:
            self.run = existing[0].info.run_id
            self.client.update_run(self.run, status="RUNNING")
        else:
            self.run = self.client.create_run(experiment, tags={"drumline.run": run}, run_name=config.name).info.run_id
            self.client.log_dict(self.run, config.model_dump(mode="json"), "config.json")

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self.client.log_metric(self.run, name, value, step=step, synchronous=False)

    def picture(self, pixels: Pixels, step: int) -> None:
        self.client.log_image(self.run, pixels, artifact_file=f"pictures/step-{step:07d}.png")

    def flush(self) -> None:
        import_module("mlflow").flush_async_logging()

    def close(self, *, finished: bool) -> None:
        self.flush()
        self.client.set_terminated(self.run, "FINISHED" if finished else "KILLED")


class WeightsAndBiases:
    """Weights & Biases run in the project ``drumline``; offline runs are stored below ``wandb/``."""

    def __init__(self, config: TrainConfig, folder: Path, *, run: str) -> None:
        self.wandb: Any = import_module("wandb")
        self.run = self.wandb.init(
            project="drumline",
            id=run,
            name=config.name,
            resume="allow",
            mode=config.logs.wandb,
            dir=str(folder),
            config=config.model_dump(mode="json"),
        )
        self.run.define_metric("*", step_metric="step")  # wandb's step may only rise; ours goes back on resuming

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        self.run.log({**values, "step": step})

    def picture(self, pixels: Pixels, step: int) -> None:
        self.run.log({"validation": self.wandb.Image(pixels), "step": step})

    def flush(self) -> None:
        """Do nothing: wandb sends continuously."""

    def close(self, *, finished: bool) -> None:
        self.run.finish(exit_code=0 if finished else 1)
