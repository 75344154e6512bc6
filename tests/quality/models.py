"""A small model that has learnt a little, as a checkpoint, with the songs that it learnt from."""

from pathlib import Path

import torch
from tests.training.songs import train_config

from drumline.core.config import canonical_json
from drumline.dataset.sampling_weights import sampling_weights, write_weights
from drumline.training.checkpoints import Checkpoint
from drumline.training.data import Loader, batches
from drumline.training.learner import Learner
from drumline.training.progress import Progress, StageConfig


def write_checkpoint(songs: str, folder: Path, *, steps: int) -> str:
    """Train for some steps, always on one batch, and write what came of it."""
    torch.set_num_threads(1)
    config = train_config(songs, folder, sampling={"batch_size": 8, "batches": 1, "num_samples": 128 * 100})
    weights = str(folder / "weights.parquet")
    write_weights(sampling_weights(songs, config.weights), weights)
    batch = next(batches(Loader(config, weights), Progress(), torch.device("cpu")))
    learner = Learner(config, torch.device("cpu"))
    for step in range(steps):
        learner.step(*batch, rate=1e-2, stage=StageConfig(name="all", epochs=1), seed=(0, 0, step))
    checkpoint = Checkpoint(
        config=canonical_json(config), dataset="", run="", progress=Progress().to_tree(), metrics={}, **learner.state()
    )
    (folder / "model.pt").write_bytes(checkpoint.to_bytes())
    return str(folder / "model.pt")
