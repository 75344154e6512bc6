"""Masks and mixtures of feature batches: what they hide and what they hand back."""

import numpy as np
import pytest
import torch

from drumline.augmentation.mixup import MixupConfig, mixup
from drumline.augmentation.spec_augment import SpecAugmentConfig, spec_augment

BANDS = 32


def batch(rows: int = 16, frames: int = 200, channels: int = 2) -> torch.Tensor:
    return torch.rand(rows, frames, channels * BANDS, generator=torch.Generator().manual_seed(0)) + 0.1


def test_masks_silence_what_they_say_and_nothing_else() -> None:
    features, config = batch(), SpecAugmentConfig(time_masks=2, time_frames=10, band_masks=1, band_width=6)
    masked = spec_augment(features, config, bands=BANDS, seed=4)
    again = spec_augment(features, config, bands=BANDS, seed=4)
    assert torch.equal(masked.features_BTF, again.features_BTF)
    silent = masked.features_BTF == 0
    assert torch.equal(masked.features_BTF[~silent], features[~silent])
    frames_silent = silent.all(dim=2)
    assert torch.equal(frames_silent, ~masked.heard_BT)
    assert 0 < int(frames_silent.sum(dim=1).max()) <= 20
    bands_silent = silent.all(dim=1)
    assert torch.equal(bands_silent[:, :BANDS], bands_silent[:, BANDS:])
    assert 0 < int(bands_silent[:, :BANDS].sum(dim=1).max()) <= 6
    assert torch.equal(silent, frames_silent[:, :, None] | bands_silent[:, None, :])


def test_no_masks_and_no_mixing_are_identity() -> None:
    features = batch()
    masked = spec_augment(features, SpecAugmentConfig(time_masks=0, band_masks=0), bands=BANDS, seed=0)
    assert torch.equal(masked.features_BTF, features)
    assert bool(masked.heard_BT.all())
    mixed = mixup(features, MixupConfig(probability=0.0), seed=0)
    assert torch.equal(mixed.features_BTF, features)
    assert torch.equal(mixed.weight_B, torch.ones(16))


def test_short_batches_pass() -> None:
    masked = spec_augment(batch(frames=3), SpecAugmentConfig(), bands=BANDS, seed=0)
    assert masked.heard_BT.shape == (16, 3)
    with pytest.raises(ValueError, match="not channels of 30 bands"):
        spec_augment(batch(), SpecAugmentConfig(), bands=30, seed=0)


def test_the_mixture_is_the_weighted_sum_and_an_example_stays_itself_first() -> None:
    features = batch()
    mixed = mixup(features, MixupConfig(probability=1.0), seed=2)
    weight = mixed.weight_B[:, None, None]
    expected = weight * features + (1 - weight) * features[mixed.partner_B]
    torch.testing.assert_close(mixed.features_BTF, expected)
    assert float(mixed.weight_B.min()) >= 0.5
    assert torch.equal(mixed.features_BTF, mixup(features, MixupConfig(probability=1.0), seed=2).features_BTF)


def test_weights_follow_the_beta_distribution() -> None:
    features = torch.zeros(20_000, 1, BANDS)
    weights = mixup(features, MixupConfig(probability=1.0, alpha=0.2), seed=0).weight_B.numpy()
    draws = np.random.default_rng(1).beta(0.2, 0.2, 200_000)
    assert weights.mean() == pytest.approx(np.maximum(draws, 1 - draws).mean(), abs=0.005)


def test_mixing_losses_is_mixing_targets_where_both_are_known_and_masks_where_one_is_not() -> None:
    logits = torch.randn(4, 50, generator=torch.Generator().manual_seed(1), requires_grad=True)
    targets = torch.randint(-1, 2, (4, 50), generator=torch.Generator().manual_seed(2))
    mixed = mixup(torch.zeros(4, 50, BANDS), MixupConfig(probability=1.0, alpha=5.0), seed=0)

    def loss(targets: torch.Tensor) -> torch.Tensor:
        known = targets >= 0
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets.float(), reduction="none")
        return torch.where(known, each, 0.0)

    other, weight = targets[mixed.partner_B], mixed.weight_B[:, None]
    total = weight * loss(targets) + (1 - weight) * loss(other)
    both = (targets >= 0) & (other >= 0)
    soft = weight * targets + (1 - weight) * other
    direct = torch.nn.functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    torch.testing.assert_close(total[both], direct[both])
    (gradient,) = torch.autograd.grad(total.sum(), logits)
    neither = (targets < 0) & (other < 0)
    assert bool(neither.any())
    assert not gradient[neither].any()
