"""What is disturbed: the jobs that write artefacts, as `ray job submit` runs them, on little material."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import soundfile
import torch
import yaml
from tests.export.tiny import noise, write_package
from tests.jobs.conftest import MANY, content
from tests.jobs.conftest import config_for as build_config
from tests.jobs.libraries import config_for as library_config
from tests.training.songs import train_config, write_songs

from drumline.core.artifacts import filesystem, join, names, read_bytes
from drumline.core.config import Config, parse_config
from drumline.dataset.verify import verify
from drumline.rendering.demo_library import make_demo_library
from drumline.training import checkpoints
from drumline.training.journal import records_of
from drumline.tuning.config import SweepConfig
from drumline.tuning.trials import Trials

RANDOM_AS_EVER: dict[str, Any] = {
    "sampling": {"batch_size": 4, "batches": 30, "num_samples": 128 * 128},
    "keep": {"every_steps": 7},
    "logs": {"every_steps": 1, "pictures": 1},
    "spec_augment": {},
    "mixup": {},
    "optimiser": {"average": 0.9},
}
"""A training long enough to be disturbed in the middle, with everything random that there is."""

Work = dict[str, str]
"""What is finished: its name, and what would be another if it were done again."""


class Stage(ABC):
    """One kind of job."""

    name: str
    job: str
    """File in ``jobs/``."""
    worker: str
    """In the command line of a process that does its work."""
    enough: int
    """Finished pieces of work after which it counts as under way."""

    @abstractmethod
    def write_inputs(self, folder: Path) -> None:
        """Its material, written once."""

    @abstractmethod
    def config(self, inputs: str | Path, output: str, address: str) -> Config:
        """Of a run on a cluster."""

    @abstractmethod
    def finished(self, output: str) -> Work:
        """What nobody may have to do again."""

    @abstractmethod
    def result(self, output: str) -> Mapping[str, bytes]:
        """What must be the same whatever happened."""

    @abstractmethod
    def twice(self, output: str) -> int:
        """Songs (or steps) that a finished run holds more than once."""

    @abstractmethod
    def to_damage(self, inputs: Path, output: str) -> Path:
        """A finished file that the next run reads."""

    def mend(self, damaged: Path, whole: bytes) -> None:
        """What the message asks for: here, to delete it."""
        damaged.unlink()


class _Songs(Stage):
    """Jobs whose finished songs are products."""

    enough = 3

    def finished(self, output: str) -> Work:
        fs, path = filesystem(join(output, "_work", "songs"))
        fs.invalidate_cache()
        found = fs.find(path, detail=True) if fs.exists(path) else {}
        times = ("mtime", "LastModified")
        return {
            name: str(next(info[key] for key in times if key in info))
            for name, info in found.items()
            if name.endswith(".parquet")
        }

    def result(self, output: str) -> Mapping[str, bytes]:
        return content(output)

    def to_damage(self, inputs: Path, output: str) -> Path:
        return Path(min(self.finished(output)))


class Build(_Songs):
    """`drumline build-dataset`."""

    name, job, worker = "build", "build_dataset.py", "_Step"

    def write_inputs(self, folder: Path) -> None:
        make_demo_library(folder, [replace(song, num_bars=8) for song in MANY[:14]])

    def config(self, inputs: str | Path, output: str, address: str) -> Config:
        return build_config(inputs, output, address)

    def twice(self, output: str) -> int:
        assert verify(output)[1] == []
        fs, path = filesystem(join(output, "songs.parquet"))
        with fs.open(path, "rb") as file:
            table = pq.read_table(file, columns=["song_id", "domain"])
        return table.num_rows - len(set(map(str, table.to_pylist())))


class Library(_Songs):
    """`drumline transcribe-library`."""

    name, job, worker = "library", "transcribe_library.py", "TranscribeSongs"

    def write_inputs(self, folder: Path) -> None:
        (folder / "songs").mkdir(parents=True)
        for seed in range(14):
            soundfile.write(folder / "songs" / f"{seed:02}.flac", noise(40.0 + seed, seed), 22_050)
        write_package(folder / "tiny-1.0", "int8")

    def config(self, inputs: str | Path, output: str, address: str) -> Config:
        songs, package = join(inputs, "songs"), join(inputs, "tiny-1.0")
        run = {"ray": {"address": address}}
        return library_config(songs, output, package, run=run, workers={"songs_a_call": 1})

    def twice(self, output: str) -> int:
        fs, path = filesystem(join(output, "transcriptions.parquet"))
        with fs.open(path, "rb") as file:
            keys = pq.read_table(file, columns=["key"])["key"].to_pylist()
        return len(keys) - len(set(keys))


class Train(Stage):
    """`drumline train`. Its work is steps; finished are those that a checkpoint holds."""

    name, job, worker, enough = "train", "train_model.py", "RayTrainWorker", 14

    def write_inputs(self, folder: Path) -> None:
        write_songs(folder)

    def config(self, inputs: str | Path, output: str, address: str) -> Config:
        return train_config(str(inputs), output, **RANDOM_AS_EVER, ray={"address": address})

    def finished(self, output: str) -> Work:
        there = (name.partition(".pt") for name in names(join(output, checkpoints.FOLDER)))
        kept = max((name for name, _, rest in there if name.startswith("resume-") and not rest), default="")
        if not kept:
            return {}
        _, epoch, step = kept.split("-")
        last = int(epoch) * RANDOM_AS_EVER["sampling"]["batches"] + int(step)
        return {str(line["step"]): json.dumps(line) for line in _journal(output) if line["step"] <= last}

    def result(self, output: str) -> Mapping[str, bytes]:
        found = checkpoints.load_last(output)
        assert found is not None
        state = torch.utils._pytree.tree_flatten((found.model, found.average, found.optimiser))[0]
        digest = hashlib.sha256()
        for value in state:
            digest.update(value.numpy().tobytes() if isinstance(value, torch.Tensor) else repr(value).encode())
        steps = [
            {name: line[name] for name in line if name not in ("windows_per_s", "waiting")} for line in _journal(output)
        ]
        return {
            "state": digest.digest(),
            "progress": repr(found.progress).encode(),
            "metrics": repr(found.metrics).encode(),
            "steps": json.dumps(steps).encode(),
        }

    def twice(self, output: str) -> int:
        steps = Counter(line["step"] for line in _journal(output))
        return steps.total() - len(steps)

    def to_damage(self, inputs: Path, output: str) -> Path:
        return min((inputs / "shards").glob("train-*.parquet"))

    def mend(self, damaged: Path, whole: bytes) -> None:
        damaged.write_bytes(whole)


class Sweep(Train):
    """`drumline tune`: two such trainings, one after the other; struck in the second."""

    name, job, worker = "sweep", "tune_model.py", "RayTrainWorker"
    enough = 1 + RANDOM_AS_EVER["sampling"]["batches"] * 2 + 14

    def write_inputs(self, folder: Path) -> None:
        super().write_inputs(folder)
        base = train_config(str(folder), "unused", **RANDOM_AS_EVER)
        (folder / "base.yaml").write_text(yaml.safe_dump(base.model_dump(mode="json")))

    def config(self, inputs: str | Path, output: str, address: str) -> Config:
        tree = {
            "name": "test",
            "output": output,
            "train": {"config": str(inputs / "base.yaml"), "concurrent": 1},
            "space": {"seed": {"grid": [1, 2]}},
            "search": {"method": "grid"},
            "ray": {"address": address},
        }
        return parse_config(SweepConfig, tree, "test")

    def finished(self, output: str) -> Work:
        trials, found = Trials(output), {}
        for id_ in trials.ids():
            if ended := trials.result(id_):
                found[id_] = repr(ended)
            for step, line in super().finished(_run_of(output, id_)).items():
                found[f"{id_}/{step}"] = line
        return found

    def result(self, output: str) -> Mapping[str, bytes]:
        trials, found = Trials(output), {}
        for id_ in trials.ids():
            ended = trials.result(id_)
            assert ended is not None, f"{id_} has not ended"
            found[id_] = f"{ended.state} {ended.values} {ended.curve} {ended.detail}".encode()
            for name, data in super().result(_run_of(output, id_)).items():
                found[f"{id_}/{name}"] = data
        return found

    def twice(self, output: str) -> int:
        fs, path = filesystem(join(output, "trials.parquet"))
        with fs.open(path, "rb") as file:
            ids = pq.read_table(file, columns=["trial"])["trial"].to_pylist()
        return len(ids) - len(set(ids)) + sum(super(Sweep, self).twice(_run_of(output, id_)) for id_ in ids)


def _run_of(output: str, id_: str) -> str:
    return join(Trials(output).folder(id_), "run")


def _journal(output: str) -> list[dict[str, Any]]:
    try:
        return records_of(read_bytes(join(output, "steps.jsonl")))
    except FileNotFoundError:
        return []


STAGES: dict[str, Stage] = {stage.name: stage for stage in (Build(), Train(), Sweep(), Library())}
