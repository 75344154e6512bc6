"""Masks and mixtures of feature batches: what they hide and what they hand back."""

import numpy as np
import pytest
import torch

from drumline.augmentation.mixup import MixupConfig, mixup
from drumline.augmentation.spec_augment import SpecAugmentConfig, heard_columns, spec_augment

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
    assert mixed.weight == 1.0


def test_nothing_is_asked_of_what_was_silenced() -> None:
    heard = torch.tensor([[True, False, True]])
    states = torch.tensor([[0, 1, 1]])
    columns = {"kick_presence": states, "onset_any": states, "snare_variation": states, "kick_velocity": states * 90}
    offset = torch.tensor([[float("nan"), 0.2, 0.1]])
    hidden = heard_columns({**columns, "onset_offset": offset}, heard)
    for name in ("kick_presence", "onset_any", "snare_variation"):
        assert hidden[name].tolist() == [[0, -1, 1]]
    assert hidden["kick_velocity"].tolist() == [[0, 255, 90]]
    assert hidden["onset_offset"].isnan().tolist() == [[True, True, False]]


def test_short_batches_pass() -> None:
    masked = spec_augment(batch(frames=3), SpecAugmentConfig(), bands=BANDS, seed=0)
    assert masked.heard_BT.shape == (16, 3)
    with pytest.raises(ValueError, match="not channels of 30 bands"):
        spec_augment(batch(), SpecAugmentConfig(), bands=30, seed=0)


def test_the_mixture_is_the_weighted_sum_and_an_example_stays_itself_first() -> None:
    features = batch()
    mixed = mixup(features, MixupConfig(probability=1.0), seed=2)
    expected = mixed.weight * features + (1 - mixed.weight) * features[mixed.partner_B]
    torch.testing.assert_close(mixed.features_BTF, expected)
    assert 0.5 <= mixed.weight < 1
    assert sorted(mixed.partner_B.tolist()) == list(range(16))
    assert torch.equal(mixed.features_BTF, mixup(features, MixupConfig(probability=1.0), seed=2).features_BTF)


def test_weights_follow_the_beta_distribution() -> None:
    features = torch.zeros(2, 1, BANDS)
    weights = [mixup(features, MixupConfig(probability=1.0, alpha=0.2), seed=seed).weight for seed in range(3000)]
    draws = np.random.default_rng(1).beta(0.2, 0.2, 200_000)
    assert np.mean(weights) == pytest.approx(np.maximum(draws, 1 - draws).mean(), abs=0.01)
    mixed = [mixup(features, MixupConfig(probability=0.3), seed=seed).weight < 1 for seed in range(3000)]
    assert np.mean(mixed) == pytest.approx(0.3, abs=0.03)


def test_mixing_losses_is_mixing_targets_where_both_are_known_and_masks_where_one_is_not() -> None:
    logits = torch.randn(4, 50, generator=torch.Generator().manual_seed(1), requires_grad=True)
    targets = torch.randint(-1, 2, (4, 50), generator=torch.Generator().manual_seed(2))
    mixed = mixup(torch.zeros(4, 50, BANDS), MixupConfig(probability=1.0, alpha=5.0), seed=0)

    def loss(targets: torch.Tensor) -> torch.Tensor:
        known = targets >= 0
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets.float(), reduction="none")
        return torch.where(known, each, 0.0)

    other, weight = targets[mixed.partner_B], mixed.weight
    total = weight * loss(targets) + (1 - weight) * loss(other)
    both = (targets >= 0) & (other >= 0)
    soft = weight * targets + (1 - weight) * other
    direct = torch.nn.functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    torch.testing.assert_close(total[both], direct[both])
    (gradient,) = torch.autograd.grad(total.sum(), logits)
    neither = (targets < 0) & (other < 0)
    assert bool(neither.any())
    assert not gradient[neither].any()
