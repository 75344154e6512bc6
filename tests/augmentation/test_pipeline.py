"""From a shard to a training batch: windows drawn, loaded, changed, cut, labelled and made features of."""

import numpy as np
import pytest
import torch
from tests.dataset.small_dataset import write_dataset

from drumline.augmentation.augment import AugmentConfig, augment
from drumline.augmentation.example import Example, fitted
from drumline.core.grid import HIGH, RATE_HZ
from drumline.dataset.sampling import SamplingConfig, weights_of, windows
from drumline.dataset.sampling_weights import WeightsConfig, sampling_weights
from drumline.dataset.windows import WindowReader
from drumline.features.logmel import LogMelConfig
from drumline.features.logmel_torch import LogMel
from drumline.labels.targets import LabelConfig, targets

NUM_SAMPLES = 3 * RATE_HZ


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_dataset(tmp_path_factory.mktemp("small") / "dataset")


def batch(dataset: str, config: AugmentConfig, *, rank: int = 0) -> tuple[torch.Tensor, np.ndarray]:
    weights = weights_of(sampling_weights(dataset, WeightsConfig(stride_s=1.0, window_s=3.0)))
    sampling = SamplingConfig(batch_size=8, batches=1, num_samples=NUM_SAMPLES, domains={"mix": 1, "stem": 3})
    specs = windows(weights, config=sampling, seed=0, epoch=0)[rank::2]
    reader, samples, onsets = WindowReader(dataset), [], []
    length = config.num_samples_for(NUM_SAMPLES)
    for row in range(len(specs)):
        drums, start = (specs.shards[specs.shard[row]], int(specs.row_group[row])), int(specs.start[row])
        window = reader.load(*drums, start=start, num_samples=length)
        backing = None
        if specs.mix_shard[row] >= 0:
            mix = (specs.shards[specs.mix_shard[row]], int(specs.mix_row_group[row]))
            backing = reader.backing(drums, mix, start=start, num_samples=length)
        example = augment(Example(window.samples, window.hits, backing), config, seed=int(specs.seed[row])).example
        example = fitted(example, NUM_SAMPLES)
        labels = targets(
            example.hits,
            grid=HIGH,
            num_frames=HIGH.num_frames(NUM_SAMPLES),
            unannotated=window.unannotated,
            config=LabelConfig(),
        )
        samples.append(example.samples)
        onsets.append(labels.onset_any)
    return LogMel(LogMelConfig())(torch.from_numpy(np.stack(samples))), np.stack(onsets)


def test_a_batch_is_whole_and_the_same_again(small: str) -> None:
    config = AugmentConfig()
    features, onsets = batch(small, config)
    assert features.shape == (4, HIGH.num_frames(NUM_SAMPLES), 128)
    assert onsets.shape == features.shape[:2]
    assert bool(torch.isfinite(features).all())
    assert (onsets == 1).sum() > 20
    again, _ = batch(small, config)
    assert torch.equal(features, again)
    other, _ = batch(small, config, rank=1)
    assert not torch.equal(features, other)
