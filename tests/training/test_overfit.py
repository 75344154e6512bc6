"""The whole way from audio through labels, network, losses and decoding to events, without Ray."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from tests.training.songs import train_config, write_songs

from drumline.dataset.sampling_weights import sampling_weights, write_weights
from drumline.decoding.infer import infer
from drumline.training.config import TrainConfig
from drumline.training.data import Loader, batches
from drumline.training.learner import Learner
from drumline.training.loop import train
from drumline.training.progress import Progress
from drumline.training.validation import Counts, count, metrics, recordings


class Judge:
    """The `TrainingCallbacks` that validate on the training songs and keep the metrics."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.metrics: list[Mapping[str, float]] = []

    def on_step(self, progress: Progress, losses: Mapping[str, float], rate: float, num_windows: int) -> None: ...

    def validate(self, learner: Learner) -> dict[str, float]:
        network, found = learner.inference_network(), Counts.none()
        for recording in recordings(self.config.dataset, self.config.validation):
            found += count(
                recording, infer(network, learner.features, recording.samples), self.config.validation.decoding
            )
        return metrics(found)

    def save(self, progress: Progress, metrics: Mapping[str, float] | None) -> None:
        if metrics is not None:
            self.metrics.append(metrics)


def test_a_handful_of_songs_is_soon_known_by_heart(tmp_path: Path) -> None:
    """F above 0.98 at 30 ms, over all classes."""
    torch.set_num_threads(1)
    dataset = write_songs(tmp_path / "dataset", train=4, validation=0)
    config = train_config(
        dataset,
        tmp_path / "run",
        model={"preset": "small", "bands": 64, "channels": [16, 24, 32], "pooling": [2, 2, 2], "stem_stride": 2}
        | {"context_width": 32, "context_layers": 1, "branch_width": 24, "dropout": 0.0},
        features={"bands": 64},
        sampling={"batch_size": 8, "batches": 200, "num_samples": 128 * 128},
        stages=[
            {"name": "all", "epochs": 1, "schedule": {"warmup_steps": 10, "peak": 0.01}},
            {"name": "fine", "epochs": 1, "schedule": {"warmup_steps": 0, "peak": 0.002}},
        ],
        validation={"split": "train", "score": "f12_30", "decoding": {"threshold": 0.5}},
    )
    weights = str(tmp_path / "weights.parquet")
    write_weights(sampling_weights(dataset, config.weights), weights)
    judge, cpu = Judge(config), torch.device("cpu")
    loader = Loader(config, weights)
    train(Learner(config, cpu), Progress(), batches(loader, Progress(), cpu), config=config, callbacks=judge)
    assert judge.metrics[-1]["f12_30"] > 0.98
    assert judge.metrics[-1]["pr_auc"] == pytest.approx(1.0, abs=0.05)
