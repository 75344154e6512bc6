"""One step, and each option of it shown to be active: what is frozen, averaged, masked, mixed, cut, compiled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.songs import train_config

from drumline.core.errors import ConfigError, DrumlineError
from drumline.dataset.sampling_weights import sampling_weights, write_weights
from drumline.training.config import TrainConfig
from drumline.training.data import Loader, batches
from drumline.training.learner import Learner
from drumline.training.loop import Batch
from drumline.training.progress import Progress, StageConfig

CPU = torch.device("cpu")
ALL = StageConfig(name="all", epochs=1)


@pytest.fixture(scope="module")
def batch(songs: str, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    config = train_config(songs, "out", sampling={"batch_size": 8, "batches": 1, "num_samples": 128 * 100})
    weights = str(tmp_path_factory.mktemp("weights") / "weights.parquet")
    write_weights(sampling_weights(songs, config.weights), weights)
    return next(batches(Loader(config, weights), Progress(), CPU))


def learner(**changes: Any) -> Learner:
    torch.set_num_threads(1)
    return Learner(train_config("songs", "out", **changes), CPU)


def steps(learner: Learner, batch: Batch, number: int = 1, stage: StageConfig = ALL) -> list[dict[str, float]]:
    return [learner.step(*batch, rate=1e-3, stage=stage, seed=(0, 0, step)) for step in range(number)]


def weights(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}


def moved(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_the_loss_falls_and_everything_moves(batch: Batch) -> None:
    one = learner()
    before = weights(one)
    told = [one.step(*batch, rate=1e-2, stage=ALL, seed=(0, 0, step)) for step in range(15)]
    assert told[-1]["loss"] < 0.8 * told[0]["loss"]
    assert {"loss", "kick", "onset", "offset", "velocity", "gradient_norm"} <= told[0].keys()
    assert moved(before, weights(one)) == before.keys()


def test_frozen_parts_do_not_move_nor_do_their_statistics(batch: Batch) -> None:
    one = learner()
    steps(one, batch, 2)  # the optimiser has momentum by now
    before = weights(one)
    steps(one, batch, 2, StageConfig(name="fine", epochs=1, freeze=("encoder", "heads.branches.kick")))
    still = {name for name in before if name.startswith(("encoder", "heads.branches.kick"))}
    assert any("running_mean" in name for name in still)
    assert moved(before, weights(one)) == before.keys() - still


def test_freezing_what_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"no parameter's name begins with 'enkoder'; encoder\.norm\.weight is one"):
        learner(stages=[{"name": "all", "epochs": 1, "freeze": ["enkoder"]}])


def test_an_onset_stage_teaches_the_branches_nothing(batch: Batch) -> None:
    one = learner(optimiser={"weight_decay": 0.0})
    before = weights(one)
    steps(one, batch, 2, StageConfig(name="onset", epochs=1, onset_only=True))
    changed = moved(before, weights(one))
    assert not any(name.startswith("heads.branches") and "norm" not in name for name in changed)
    assert any(name.startswith("heads.onset") for name in changed)
    assert any(name.startswith("encoder") for name in changed)


def test_a_step_depends_on_its_place_alone(batch: Batch) -> None:
    random = {"model": {"preset": "small", "bands": 32, "channels": [8], "pooling": [4], "dropout": 0.5}}
    random |= {"spec_augment": {}, "mixup": {}}
    first, second = learner(**random), learner(**random)
    torch.rand(3)
    assert steps(first, batch, 2) == steps(second, batch, 2)
    assert first.step(*batch, rate=1e-3, stage=ALL, seed=(0, 0, 2)) != second.step(
        *batch, rate=1e-3, stage=ALL, seed=(0, 0, 3)
    )


def test_parts_add_up_to_the_whole(batch: Batch) -> None:
    """Where no part's batch norm sees only itself: with the norms at rest."""
    whole, parts = learner(), learner(optimiser={"accumulate": 4})
    still = StageConfig(name="all", epochs=1, freeze=("encoder", "heads"))
    assert steps(whole, batch, 1, still)[0] == pytest.approx(steps(parts, batch, 1, still)[0], rel=1e-3)
    for (name, one), (_, other) in zip(weights(whole).items(), weights(parts).items(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, msg=name)


def test_the_gradient_is_clipped(batch: Batch) -> None:
    """The norm that is told is the one before; AdamW's first moment is what it was given."""
    for limit in (1e9, 0.01):
        one = learner(optimiser={"clip_norm": limit})
        norm = steps(one, batch)[0]["gradient_norm"]
        given = [state["exp_avg"] / 0.1 for state in one.optimiser.state.values()]
        assert norm > 0.1
        assert float(torch.cat([each.flatten() for each in given]).norm()) == pytest.approx(min(norm, limit), rel=1e-3)


def test_the_average_follows_and_is_what_is_judged(batch: Batch) -> None:
    one = learner(optimiser={"average": 0.9})
    expected = weights(one)
    for step in range(3):
        one.step(*batch, rate=1e-3, stage=ALL, seed=(0, 0, step))
        now = weights(one)
        expected = {n: torch.lerp(expected[n], now[n], 0.1) if now[n].is_floating_point() else now[n] for n in now}
    judged = one.inference_network().state_dict()
    assert not one.inference_network().training
    for name, value in expected.items():
        torch.testing.assert_close(judged[name], value, rtol=1e-5, atol=1e-6, msg=name)
    assert moved(judged, weights(one))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_computes_in_it_and_learns(precision: str, batch: Batch) -> None:
    one = learner(workers={"precision": precision})
    kinds = set()
    one.network.encoder.blocks[0].layers[0].register_forward_hook(lambda _, __, out: kinds.add(out.dtype))
    told = steps(one, batch, 8)
    assert kinds == {torch.bfloat16 if precision == "bf16" else torch.float16}
    assert one.scaler.is_enabled() == (precision == "fp16")
    assert told[-1]["loss"] < told[0]["loss"]
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in weights(one).values())


def test_checkpointing_keeps_less_for_the_backward_pass(batch: Batch) -> None:
    def kept_bytes(checkpointing: bool) -> int:
        one = learner(
            model={"preset": "small", "bands": 32, "pooling": [2, 2, 2, 1], "context": "none"}
            | {"checkpointing": checkpointing}
        )
        sizes: list[int] = []

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            sizes.append(tensor.numel() * tensor.element_size())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            steps(one, batch)
        return sum(sizes)

    assert kept_bytes(True) < 0.7 * kept_bytes(False)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_compiled_network_is_the_one_that_runs(batch: Batch) -> None:
    """Compiling takes a minute on a CPU; that it is asked to compile is seen at once."""
    plain, compiled = learner(), learner(workers={"compile": True})
    assert weights(compiled).keys() == weights(plain).keys()  # so that checkpoints are the same
    with torch.compiler.set_stance("fail_on_recompile"):
        steps(plain, batch)
        with pytest.raises(RuntimeError, match="fail_on_recompile"):
            steps(compiled, batch)


def test_masks_hide_and_mixtures_mix(batch: Batch) -> None:
    """The same weights and windows: only what was drawn can have changed the loss."""
    plain = steps(learner(), batch)[0]["loss"]
    hidden = steps(learner(spec_augment={"time_masks": 9, "time_frames": 60}), batch)[0]
    mixed = steps(learner(mixup={"probability": 1.0, "alpha": 5.0}), batch)[0]["loss"]
    assert hidden["loss"] < 0.8 * plain  # what nobody hears is not asked for
    assert mixed != plain


def test_a_broken_gradient_stops_the_run(batch: Batch) -> None:
    one = learner()
    samples, columns = batch
    with pytest.raises(DrumlineError, match="the gradient is nan"):
        one.step(samples * float("nan"), columns, rate=1e-3, stage=ALL, seed=(0, 0, 0))


def test_transfer_takes_what_fits_or_says_what_does_not(batch: Batch) -> None:
    old, same = learner(), learner(seed=1)
    steps(old, batch)
    assert same.start_from(weights(old), strict=True, uri="old.pt") == []
    assert not moved(weights(old), weights(same))
    wider = learner(model={"preset": "small", "bands": 32, "channels": [8, 8], "pooling": [2, 2], "context_width": 24})
    with pytest.raises(ConfigError, match=r"old\.pt: \d+ weights do not fit, .* start\.strict=false loads the others"):
        wider.start_from(weights(old), strict=True, uri="old.pt")
    left = wider.start_from(weights(old), strict=False, uri="old.pt")
    assert any(name.startswith("context") for name in left)
    assert not any(name.startswith("encoder") for name in left)
    for name, value in weights(old).items():
        assert (name in left) or torch.equal(value, weights(wider)[name])


def test_nothing_that_fits_is_an_error_even_if_not_strict() -> None:
    with pytest.raises(ConfigError, match="weights do not fit"):
        learner().start_from({"elsewhere": torch.zeros(3)}, strict=False, uri="old.pt")


def test_configurations_say_whether_they_may_go_on() -> None:
    one = train_config("songs", "out")
    assert isinstance(one, TrainConfig)
    same = train_config("songs", Path("elsewhere"), logs={"every_steps": 7}, keep={"best": 1}, workers={"threads": 2})
    assert one.run_fingerprint("data") == same.run_fingerprint("data")
    for other in (train_config("songs", "out", seed=3), train_config("songs", "out", validation={"score": "f12_30"})):
        assert one.run_fingerprint("data") != other.run_fingerprint("data")
    assert one.run_fingerprint("data") != one.run_fingerprint("other data")
