"""Dilation on the training device against the labels' own, and what is masked staying masked."""

import numpy as np
import pytest
import torch
from tests.model.batches import batched, random_columns, random_hits, song_columns

from drumline.core.taxonomy import LABELS
from drumline.model.branches import INSTRUMENTS, PREDICTED, VARIATIONS
from drumline.model.target_tensors import truth


def test_the_words_of_the_model_are_those_of_the_taxonomy() -> None:
    assert INSTRUMENTS == ("kick", "snare", "tom", "hihat", "ride", "crash")
    assert len(PREDICTED) == 11
    assert "hihat_pedal" not in PREDICTED
    assert VARIATIONS == {
        "snare": ("snare_head", "snare_rim"),
        "tom": ("tom_floor", "tom_high", "tom_mid"),
        "hihat": ("hihat_closed", "hihat_open"),
        "ride": ("ride_body", "ride_bell"),
    }


@pytest.mark.parametrize("reach", [0, 1, 2, 3])
def test_dilation_is_that_of_the_labels(reach: int) -> None:
    """Save where the sharp labels are masked: there ours stay so."""
    rng = np.random.default_rng(reach)
    songs = [random_hits(rng, sorted(LABELS)) for _ in range(20)]
    sharp = batched([song_columns(hits) for hits in songs])
    dilated = batched([song_columns(hits, dilation_frames=reach) for hits in songs])
    ours = truth(sharp, tuple(1 / (distance + 1) for distance in range(1, reach + 1)))
    for column, name in enumerate(INSTRUMENTS):
        told = sharp[f"{name}_presence"] != -1
        expected = dilated[f"{name}_presence"]
        assert torch.equal(ours.known_BTI[..., column], (expected != -1) & told)
        struck = ours.closeness_BTI[..., column] > 0
        assert torch.equal(struck, (expected == 1) & told)
        velocity = dilated[f"{name}_velocity"]
        assert torch.equal(ours.velocity_known_BTI[..., column], (velocity != 255) & told)
        known = ours.velocity_known_BTI[..., column]
        assert torch.equal((ours.velocity_BTI[..., column] * 127).round()[known], velocity[known].float())
        if name in VARIATIONS:
            kind = dilated[f"{name}_variation"].long()
            assert torch.equal(ours.variation[name], torch.where(struck & (kind > 0), kind - 1, -1))
    near = ours.onset_closeness_BT > 0
    assert torch.equal(near, (dilated["onset_any"] == 1) & (sharp["onset_any"] != -1))
    torch.testing.assert_close(ours.offset_BT[near], dilated["onset_offset"][near], atol=1e-5, rtol=0)


def test_weights_fall_with_the_distance() -> None:
    columns = random_columns(0, songs=1)
    columns["kick_presence"] = torch.tensor([[0] * 5 + [1, 0, 0, 1] + [0] * 30 + [-1]], dtype=torch.int8)
    known = truth(columns, (0.5, 0.25))
    kick = INSTRUMENTS.index("kick")
    assert known.closeness_BTI[0, :12, kick].tolist() == [0, 0, 0, 0.25, 0.5, 1, 0.5, 0.5, 1, 0.5, 0.25, 0]
    assert known.known_BTI[0, -4:, kick].tolist() == [True, False, False, False]


def test_a_pedal_stroke_teaches_nothing_of_the_hihat() -> None:
    columns = random_columns(1, labels=("hihat_pedal",))
    assert (columns["hihat_variation"] == 3).any()
    known = truth(columns, (0.5,))
    assert (known.variation["hihat"] == -1).all()
    pedal = columns["hihat_variation"] == 3
    assert not known.known_BTI[..., INSTRUMENTS.index("hihat")][pedal].any()
