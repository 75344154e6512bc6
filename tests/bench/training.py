"""Training on Ray beside a plain PyTorch loop: the same model, windows and steps, one worker and one loader each.

The plain loop is a `torch.utils.data.DataLoader` with one process that loads ahead. Both are timed over whole epochs
from the second on, when processes run and files are open: windows a second, validation and checkpoints apart. Beside
them what either half could do alone: the loader, and the learner on a batch that it has already.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from tests.bench.tables import table
from tests.training.songs import train_config, write_songs
from torch.utils.data import DataLoader, Dataset

from drumline.dataset.sampling_weights import sampling_weights, write_weights
from drumline.training.config import TrainConfig
from drumline.training.data import Loader, as_batch
from drumline.training.distributed import run
from drumline.training.learner import Learner

CPU = torch.device("cpu")
_ALONE = 12
"""Steps of a half alone."""


class Steps(Dataset[dict[str, Any]]):
    """Every step of a run, as its arrays."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.batches = loader.config.sampling.batches

    def __len__(self) -> int:
        return self.loader.config.max_epochs * self.batches

    def __getitem__(self, number: int) -> dict[str, Any]:
        return self.loader(*divmod(number, self.batches))


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Windows a second of each way, and of the halves."""
    repetitions, songs, epochs, batches = (1, 4, 2, 4) if quick else (3, 24, 4, 20)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            dataset = write_songs(Path(folder) / "dataset", train=songs, validation=1, duration_s=30.0)
            weights = str(Path(folder) / "weights.parquet")
            found: dict[str, list[float]] = {"torch": [], "ray": [], "waiting": []}
            for repetition in range(repetitions):
                config = _config(dataset, f"{folder}/run{repetition}", epochs=epochs, batches=batches)
                write_weights(sampling_weights(dataset, config.weights), weights)
                found["torch"].append(_plain(config, weights))
                say(f"PyTorch: {found['torch'][-1]:.1f} windows/s")
                ray_s, waiting = _ray(config)
                found["ray"].append(ray_s)
                found["waiting"].append(waiting)
                say(f"Ray Train: {ray_s:.1f} windows/s, waiting {waiting:.1%}")
            halves = {"loader": _loader_alone(config, weights), "learner": _learner_alone(config, weights)}
            gpu = _gpu(config, weights, say) if torch.cuda.is_available() else []
    finally:
        torch.set_num_threads(threads)
    return {**{name: median(values) for name, values in found.items()}, **halves, "gpu": gpu, "runs": found}


def report(result: dict[str, Any], *, markdown: bool) -> str:
    """For people."""
    rows = [
        ["plain PyTorch loop, DataLoader with 1 process", result["torch"], 1.0],
        ["Ray Train, 1 worker, Ray Data with 1 CPU", result["ray"], result["ray"] / result["torch"]],
        ["learner alone, 1 thread", result["learner"], result["learner"] / result["torch"]],
        ["loader alone, 1 process", result["loader"], result["loader"] / result["torch"]],
    ]
    told = table(["small model, windows of 3 s", "windows/s", "of PyTorch's"], rows, markdown=markdown)
    told += f"\n\nOn Ray the learner waited for windows {result['waiting']:.1%} of its time."
    if result["gpu"]:
        headers = ["full model on a GPU", "windows/s", "of float32", "peak memory, MiB"]
        base = result["gpu"][0]["windows_per_s"]
        rows = [[row["way"], row["windows_per_s"], row["windows_per_s"] / base, row["mb"]] for row in result["gpu"]]
        told += f"\n\n{table(headers, rows, markdown=markdown)}"
    return told


def _config(dataset: str, output: str, *, epochs: int, batches: int, **changes: Any) -> TrainConfig:
    tree: dict[str, Any] = {
        "model": {"preset": "small"},
        "features": {},
        "augment": {},
        "spec_augment": {},
        "mixup": {},
        "sampling": {"batch_size": 16, "batches": batches, "num_samples": 66_176},
        "stages": [{"name": "all", "epochs": epochs}],
        "validation": {"max_recordings": 1, "max_seconds": 5.0},
        "logs": {"every_steps": batches, "pictures": 0, "tensorboard": False},
    }
    return train_config(dataset, output, **{**tree, **changes})


def _plain(config: TrainConfig, weights: str) -> float:
    learner = Learner(config, CPU)
    loader = DataLoader(Steps(Loader(config, weights)), batch_size=None, num_workers=1, prefetch_factor=4)
    batches = config.sampling.batches
    since = 0.0
    for number, arrays in enumerate(loader):
        samples, columns = as_batch({name: torch.as_tensor(value).numpy() for name, value in arrays.items()}, CPU)
        seed = (config.seed, *divmod(number, batches))
        learner.step(samples, columns, rate=1e-3, stage=config.stages[0], seed=seed)
        if number == batches - 1:
            since = time.perf_counter()
    return (config.max_epochs - 1) * batches * config.sampling.batch_size / (time.perf_counter() - since)


def _ray(config: TrainConfig) -> tuple[float, float]:
    """Windows a second, and the share of time that the learner waited for them: one line of the journal an epoch."""
    run(config)
    lines = [json.loads(line) for line in (Path(config.output) / "steps.jsonl").read_text().splitlines()][1:]
    took_s = [config.sampling.batches * config.sampling.batch_size / line["windows_per_s"] for line in lines]
    waited_s = sum(line["waiting"] * seconds for line, seconds in zip(lines, took_s, strict=True))
    windows = len(lines) * config.sampling.batches * config.sampling.batch_size
    return windows / sum(took_s), waited_s / sum(took_s)


def _loader_alone(config: TrainConfig, weights: str) -> float:
    loader = Loader(config, weights)
    loader(0, 0)
    return _per_second(lambda: loader(0, 1), config, CPU)


def _learner_alone(config: TrainConfig, weights: str) -> float:
    learner, batch = Learner(config, CPU), as_batch(Loader(config, weights)(0, 0), CPU)
    return _per_second(lambda: learner.step(*batch, rate=1e-3, stage=config.stages[0], seed=(0, 0, 0)), config, CPU)


def _gpu(config: TrainConfig, weights: str, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """The full model by precision, compiled or not, on the same batch."""
    device, rows = torch.device("cuda"), []
    for precision, compiled in (("float32", False), ("bf16", False), ("fp16", False), ("bf16", True)):
        full = config.model_copy(
            update={
                "model": type(config.model)(preset="full"),
                "workers": config.workers.model_copy(update={"precision": precision, "compile": compiled}),
            }
        )
        learner, batch = Learner(full, device), as_batch(Loader(config, weights)(0, 0), device)

        def step(learner: Learner = learner, batch: Any = batch) -> None:
            learner.step(*batch, rate=1e-3, stage=config.stages[0], seed=(0, 0, 0))

        step()
        torch.cuda.reset_peak_memory_stats()
        windows_per_s = _per_second(step, config, device)
        way = f"{precision}{', compiled' if compiled else ''}"
        rows.append({"way": way, "windows_per_s": windows_per_s, "mb": torch.cuda.max_memory_allocated() / 2**20})
        say(f"{way}: {windows_per_s:.0f} windows/s")
    return rows


def _per_second(step: Callable[[], object], config: TrainConfig, device: torch.device) -> float:
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    since = time.perf_counter()
    for _ in range(_ALONE):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return _ALONE * config.sampling.batch_size / (time.perf_counter() - since)
