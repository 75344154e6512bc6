"""Each loss against a slow, obvious twin; gradients exactly zero where nothing is known; no NaN on empty batches."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from tests.model.batches import random_columns
from torch import Tensor

from drumline.core.taxonomy import BRANCHES as STATES
from drumline.core.taxonomy import LABELS
from drumline.model.branches import INSTRUMENTS, PREDICTED, VARIATIONS
from drumline.model.config import ModelConfig
from drumline.model.losses import CONFUSED, LossConfig, losses
from drumline.model.network import HierarchicalDrumCRNN
from drumline.model.output import FlatOutput, Output

CONFIGS = {"bce": LossConfig(), "focal": LossConfig(binary="focal"), "sharp": LossConfig(neighbours=())}
BRANCH_OF = {"hihat": "cymbal", "ride": "cymbal"}


def random_output(columns: Mapping[str, Tensor], seed: int = 0, *, softmax: bool = False) -> Output:
    shape = columns["onset_any"].shape
    random = torch.Generator().manual_seed(seed)

    def logits(*width: int) -> Tensor:
        return torch.randn(*shape, *width, generator=random, dtype=torch.float64, requires_grad=True)

    presence = logits(6)
    states = logits(3)
    if softmax:
        odds = torch.stack([states[..., k].exp() / (states.exp().sum(2) - states[..., k].exp()) for k in (1, 2)], dim=2)
        presence = torch.cat([presence[..., :3], odds.log(), presence[..., 5:]], dim=2)
    variation = {name: logits(len(kinds)) for name, kinds in VARIATIONS.items()}
    return Output(
        presence, variation, logits(6), onset_BT=logits(), offset_BT=logits(), cymbal_BTS=states if softmax else None
    )


def flat_output(columns: Mapping[str, Tensor]) -> FlatOutput:
    full = random_output(columns)
    classes = torch.randn(*columns["onset_any"].shape, 11, generator=torch.Generator().manual_seed(9))
    return FlatOutput(classes.requires_grad_(), full.velocity_BTI, onset_BT=full.onset_BT, offset_BT=full.offset_BT)


class Twin:
    """One song, frame by frame, from the words of the docstrings."""

    def __init__(self, columns: Mapping[str, Tensor], song: int, config: LossConfig) -> None:
        self.columns = {name: column[song].tolist() for name, column in columns.items()}
        self.config = config
        self.frames = range(len(self.columns["onset_any"]))

    def source(self, column: str, frame: int) -> int | None:
        """The frame of the nearest onset, where a stroke here or near here is certain."""
        states = self.columns[column]
        if states[frame] == -1:
            return None
        for distance in range(len(self.config.neighbours) + 1):
            for there in (frame - distance, frame + distance):
                if 0 <= there < len(states) and states[there] == 1:
                    return there
        return None

    def closeness(self, column: str, frame: int) -> float | None:
        """None where it is not known."""
        if (there := self.source(column, frame)) is not None:
            return (1.0, *self.config.neighbours)[abs(there - frame)]
        reach = len(self.config.neighbours)
        around = self.columns[column][max(0, frame - reach) : frame + reach + 1]
        return None if -1 in around else 0.0

    def told(self, name: str, column: str, frame: int) -> float | None:
        """The value of another column at the onset near this frame."""
        there = self.source(column, frame)
        return None if there is None else self.columns[name][there]

    def binary(self, logit: float, target: float) -> float:
        p = 1 / (1 + math.exp(-logit))
        if self.config.binary == "bce":
            return -self.config.positive_weight * target * math.log(p) - (1 - target) * math.log(1 - p)
        alpha = 0.25 * target + 0.75 * (1 - target)
        return alpha * abs(target - p) ** 2 * -(target * math.log(p) + (1 - target) * math.log(1 - p))


def huber(error: float, knee: float) -> float:
    return 0.5 * error**2 / knee if abs(error) < knee else abs(error) - knee / 2


def log_softmax(logits: list[float]) -> list[float]:
    return [value - math.log(sum(math.exp(each) for each in logits)) for value in logits]


def twin_sums(output: Output, columns: Mapping[str, Tensor], config: LossConfig) -> dict[str, list[float]]:
    """Name of the part -> its sum, and how much is known."""
    sums: dict[str, list[float]] = {}

    def add(name: str, loss: float, weight: float = 1.0) -> None:
        part = sums.setdefault(name, [0.0, 0.0])
        part[0] += weight * loss
        part[1] += weight

    for song in range(len(columns["onset_any"])):
        twin = Twin(columns, song, config)
        for frame in twin.frames:
            logits = dict(zip(INSTRUMENTS, output.presence_BTI[song, frame].tolist(), strict=True))
            near = {name: twin.closeness(f"{name}_presence", frame) for name in INSTRUMENTS}
            for column, name in enumerate(INSTRUMENTS):
                closeness = near[name]
                if closeness is not None and not (output.cymbal_BTS is not None and name in ("hihat", "ride")):
                    add(name, twin.binary(logits[name], closeness))
                if not closeness:
                    continue
                velocity = twin.told(f"{name}_velocity", f"{name}_presence", frame)
                if velocity != 255:
                    loudness = 1 / (1 + math.exp(-output.velocity_BTI[song, frame, column].item()))
                    add("velocity", huber(loudness - velocity / 127, config.velocity_knee), closeness)
                kind = twin.told(f"{name}_variation", f"{name}_presence", frame) if name in VARIATIONS else -1
                if kind != -1:
                    kinds = log_softmax(output.variation[name][song, frame].tolist())
                    add(f"{name}_variation", -kinds[kind - 1], closeness)
            if output.cymbal_BTS is not None:
                loss = twin_cymbal(twin, output.cymbal_BTS[song, frame].tolist(), near["hihat"], near["ride"])
                if loss is not None:
                    add("cymbal", loss)
            for pair in CONFUSED:
                for one, other in (pair, pair[::-1]):
                    if near[one] == 1 and near[other] == 0:
                        add("margin", max(0.0, config.margin - (logits[one] - logits[other])))
            closeness = twin.closeness("onset_any", frame)
            if closeness is not None:
                add("onset", twin.binary(output.onset_BT[song, frame].item(), closeness))
            if closeness:
                there = twin.source("onset_any", frame)
                error = output.offset_BT[song, frame].item() - (twin.columns["onset_offset"][there] + there - frame)
                add("offset", huber(error, config.offset_knee_frames), closeness)
    return sums


def twin_cymbal(twin: Twin, states: list[float], hihat: float | None, ride: float | None) -> float | None:
    none_, hihat_, ride_ = log_softmax(states)
    if hihat is None and ride is None:
        return None
    if hihat is None or ride is None:
        alone, p = (ride, math.exp(ride_)) if hihat is None else (hihat, math.exp(hihat_))
        assert alone is not None
        return twin.binary(math.log(p / (1 - p)), alone)
    top, both = max(hihat, ride), hihat + ride
    to_hihat, to_ride = (top * hihat / both, top * ride / both) if both else (0.0, 0.0)
    return -(1 - top) * none_ - twin.config.positive_weight * (to_hihat * hihat_ + to_ride * ride_)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("softmax", [False, True], ids=["independent", "softmax"])
def test_each_part_is_its_twins(name: str, softmax: bool) -> None:
    config, columns = CONFIGS[name], random_columns(3, songs=4)
    output = random_output(columns, softmax=softmax)
    result = losses(output, columns, config)
    expected = twin_sums(output, columns, config)
    assert result.parts.keys() >= expected.keys()
    for part, (total, known) in expected.items():
        assert result.parts[part].sum.item() == pytest.approx(total, rel=1e-4), part
        assert result.parts[part].known.item() == pytest.approx(known, rel=1e-4), part
    total = sum(part.weight * part.sum.item() for part in result.parts.values()) / columns["onset_any"].numel()
    assert result.total.item() == pytest.approx(total, rel=1e-5)


def test_the_weights_are_the_configured_ones() -> None:
    columns = random_columns(0)
    parts = losses(random_output(columns), columns, LossConfig()).parts
    assert {name: part.weight for name, part in parts.items()} == {
        "kick": 1.5, "snare": 1.5, "snare_variation": 15, "tom": 1.0, "tom_variation": 7,
        "hihat": 1.2, "hihat_variation": 5, "ride": 1.2, "ride_variation": 5, "crash": 0.6,
        "onset": 1.0, "offset": 10, "velocity": 10, "margin": 0.1,
    }  # fmt: skip


def test_the_flat_baseline_learns_a_class_where_the_source_tells_it() -> None:
    config, columns = LossConfig(), random_columns(5, songs=4)
    output = flat_output(columns)
    expected = dict.fromkeys(INSTRUMENTS, 0.0)
    for song in range(4):
        twin = Twin(columns, song, config)
        for frame in twin.frames:
            for index, name in enumerate(PREDICTED):
                instrument = next(each for each, states in STATES.items() if name in states)
                closeness = twin.closeness(f"{instrument}_presence", frame)
                if closeness is None:
                    continue
                if closeness and instrument in VARIATIONS:
                    kind = twin.told(f"{instrument}_variation", f"{instrument}_presence", frame)
                    if kind == -1:
                        continue
                    closeness *= kind == STATES[instrument][name]
                expected[instrument] += twin.binary(output.classes_BTC[song, frame, index].item(), closeness)
    parts = losses(output, columns, config).parts
    for instrument, total in expected.items():
        assert parts[instrument].sum.item() == pytest.approx(total, rel=1e-4), instrument


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("softmax", [False, True], ids=["independent", "softmax"])
def test_gradients_are_exactly_zero_where_nothing_is_known(name: str, softmax: bool) -> None:
    """For every logit: some gradient where it is known, none at all where it is not."""
    config, columns = CONFIGS[name], random_columns(11, songs=12, labels=(*sorted(LABELS), "tom_high", "ride_bell"))
    output = random_output(columns, softmax=softmax)
    losses(output, columns, config.model_copy(update={"margin_weight": 0.0})).total.backward()
    for song in range(12):
        twin = Twin(columns, song, config)
        for frame in twin.frames:
            near = {each: twin.closeness(f"{each}_presence", frame) for each in INSTRUMENTS}
            for column, each in enumerate(INSTRUMENTS):
                if not softmax:  # there presence follows from the states
                    assert (output.presence_BTI.grad[song, frame, column] != 0) == (near[each] is not None)
                velocity = twin.told(f"{each}_velocity", f"{each}_presence", frame)
                assert (output.velocity_BTI.grad[song, frame, column] != 0) == (velocity not in (None, 255))
                if each in VARIATIONS:
                    kind = twin.told(f"{each}_variation", f"{each}_presence", frame)
                    assert (output.variation[each].grad[song, frame] != 0).all() == (kind not in (None, -1))
            if softmax:
                known = near["hihat"] is not None or near["ride"] is not None
                assert (output.cymbal_BTS.grad[song, frame] != 0).all() == known
            onset = twin.closeness("onset_any", frame)
            assert (output.onset_BT.grad[song, frame] != 0) == (onset is not None)
            assert (output.offset_BT.grad[song, frame] != 0) == bool(onset)


@pytest.mark.parametrize("kind", ["hierarchical", "softmax", "flat"])
@pytest.mark.parametrize("presence", [-1, 0], ids=["all masked", "no stroke"])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_batch_without_strokes_gives_numbers(kind: str, presence: int, name: str) -> None:
    columns = random_columns(0, labels=("other",))
    for column in columns:
        if column.endswith("presence") or column == "onset_any":
            columns[column] = torch.full_like(columns[column], presence)
    output = flat_output(columns) if kind == "flat" else random_output(columns, softmax=kind == "softmax")
    result = losses(output, columns, CONFIGS[name])
    result.total.backward()
    assert all(part.mean.isfinite() for part in result.parts.values())
    if presence == -1:
        assert result.total == 0
        assert (output.onset_BT.grad == 0).all()
    else:
        assert result.total > 0
        assert output.onset_BT.grad.isfinite().all()


def test_workers_gradients_average_to_those_of_their_joint_batch() -> None:
    columns, network = random_columns(2, songs=4), HierarchicalDrumCRNN(ModelConfig(preset="small")).eval()
    spectra = torch.rand(4, 40, 128, generator=torch.Generator().manual_seed(0))

    def gradient(songs: slice) -> Tensor:
        network.zero_grad()
        losses(
            network(spectra[songs]), {key: each[songs] for key, each in columns.items()}, LossConfig()
        ).total.backward()
        return torch.cat([each.grad.flatten() for each in network.heads.parameters()])

    mean = (gradient(slice(0, 2)) + gradient(slice(2, 4))) / 2
    torch.testing.assert_close(mean, gradient(slice(0, 4)), atol=1e-6, rtol=1e-4)


def test_positive_weights_are_capped() -> None:
    with pytest.raises(ValueError, match="less than or equal to 10"):
        LossConfig(positive_weight=11)


def test_focal_loss_looks_away_from_what_is_right() -> None:
    columns = random_columns(1, labels=("kick",))
    output = random_output(columns)
    known = losses(output, columns, CONFIGS["focal"]).parts["kick"].sum
    plain = losses(output, columns, CONFIGS["bce"]).parts["kick"].sum
    assert 0 < known < plain
    assert np.isfinite(known.item())
