"""Checkpoints hold everything, are whole or told to be damaged, and the right ones are kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from drumline.cli import main
from drumline.core.errors import ConfigError, DrumlineError
from drumline.decoding.model_package import find_package
from drumline.model.config import ModelConfig
from drumline.model.network import HierarchicalDrumCRNN
from drumline.training import checkpoints
from drumline.training.checkpoints import Checkpoint
from drumline.training.progress import Progress


def at(epoch: int, step: int = 0, *, weight: float = 1.0) -> Checkpoint:
    return Checkpoint(
        config='{"seed": 3}',
        dataset="d",
        run="r",
        progress=Progress(epoch=epoch, step=step, scores=(0.25, 0.5), best=0.5).to_tree(),
        metrics={"f5_50": 0.5},
        model={"weight": torch.full((2,), weight)},
        optimiser={"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        scaler={"scale": 65536.0},
        average={"weight": torch.full((2,), weight / 2)},
    )


def files(output: Path) -> list[str]:
    return sorted(path.name for path in (output / "checkpoints").iterdir())


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    written = at(2, 7)
    checkpoints.save_last(written, str(tmp_path))
    read = checkpoints.load_last(str(tmp_path))
    assert read is not None
    assert read.position == Progress(epoch=2, step=7, scores=(0.25, 0.5), best=0.5)
    for name in ("config", "dataset", "run", "metrics", "scaler"):
        assert getattr(read, name) == getattr(written, name)
    assert torch.equal(read.weights["weight"], torch.full((2,), 0.5))  # the average
    assert torch.equal(read.optimiser["state"][0]["exp_avg"], torch.ones(2))


def test_the_newest_two_stay_and_a_damaged_one_falls_back(tmp_path: Path) -> None:
    output = str(tmp_path)
    assert checkpoints.load_last(output) is None
    for location in ((0, 10), (0, 20), (1, 0)):
        checkpoints.save_last(at(*location), output)
    assert files(tmp_path) == ["resume-0000-000020.pt", "resume-0001-000000.pt"]
    newest = tmp_path / "checkpoints" / "resume-0001-000000.pt"
    whole = newest.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(bytes(np.full(2, 0.5, np.float32)))] ^= 1  # a weight: torch would read it as it stands
    for damaged in (whole[:-100], bytes(flipped)):
        newest.write_bytes(damaged)
        read = checkpoints.load_last(output)
        assert read is not None
        assert (read.position.epoch, read.position.step) == (0, 20)
    # Whoever goes on from there never leaves itself with the damaged one alone.
    checkpoints.save_last(at(0, 30), output)
    assert files(tmp_path) == ["resume-0000-000020.pt", "resume-0000-000030.pt"]
    for file in (tmp_path / "checkpoints").iterdir():
        file.write_bytes(b"nothing")
    with pytest.raises(DrumlineError, match="damaged or no checkpoint"):
        checkpoints.load_last(output)


def test_the_best_few_are_kept_without_what_only_training_needs(tmp_path: Path) -> None:
    output = str(tmp_path)
    with pytest.raises(ConfigError, match="no best checkpoint in it"):
        checkpoints.best_of(output)
    for epoch, score in enumerate([0.3, 0.5, 0.4, 0.5, 0.1, 0.45]):
        checkpoints.keep_best(at(epoch), output, score=score, keep=3)
    assert files(tmp_path) == ["best-0001-0.500000.pt", "best-0003-0.500000.pt", "best-0005-0.450000.pt"]
    checkpoints.keep_best(at(3, weight=9.0), output, score=0.5, keep=3)  # again, after a kill
    assert len(files(tmp_path)) == 3
    best = checkpoints.best_of(output)
    assert best.endswith("best-0001-0.500000.pt")  # of equal ones the earlier
    slim = checkpoints.load(best)
    assert (slim.optimiser, slim.scaler) == (None, None)


def test_a_run_starts_from_a_checkpoint_a_run_or_a_released_package(tmp_path: Path) -> None:
    config = ModelConfig.model_validate({"preset": "small"}, strict=False)
    released = find_package() / "weights.npz"
    network = HierarchicalDrumCRNN(config)
    assert network.load_state_dict(dict(checkpoints.weights_of(str(released)))).missing_keys == []
    checkpoints.keep_best(at(1, weight=3.0), str(tmp_path), score=0.5, keep=1)
    of_run = checkpoints.weights_of(str(tmp_path))
    assert of_run.keys() == checkpoints.weights_of(checkpoints.best_of(str(tmp_path))).keys() == at(1).weights.keys()
    with pytest.raises(ConfigError, match="no weights can be read"):
        checkpoints.weights_of(str(tmp_path / "absent.npz"))
    (tmp_path / "broken.npz").write_bytes(released.read_bytes()[:5000])
    with pytest.raises(DrumlineError, match="damaged, or no weights"):
        checkpoints.weights_of(str(tmp_path / "broken.npz"))


def test_an_average_is_the_mean_of_what_each_is_run_with(tmp_path: Path) -> None:
    places = [str(tmp_path / f"{weight}.pt") for weight in (1.0, 2.0, 6.0)]
    for location, weight in zip(places, (1.0, 2.0, 6.0), strict=True):
        Path(location).write_bytes(replace(at(2, weight=weight), dataset=f"d{weight}").to_bytes())
    mean = checkpoints.averaged(places)
    assert torch.equal(mean.weights["weight"], torch.full((2,), 1.5))  # of 0.5, 1 and 3: of their moving averages
    assert (mean.dataset, mean.config, mean.optimiser, mean.metrics) == ("d1.0", '{"seed": 3}', None, {})
    kept = tmp_path / "mean.pt"
    result = CliRunner().invoke(main, ["average", *places[:2], "--output", str(kept)])
    assert result.exit_code == 0, result.output
    assert torch.equal(checkpoints.weights_of(str(kept))["weight"], torch.full((2,), 0.75))
    other = tmp_path / "other.pt"
    other.write_bytes(replace(at(0), average={"weight": torch.ones(3)}).to_bytes())
    with pytest.raises(ConfigError, match=r"other\.pt: another network than that of .*1\.0\.pt"):
        checkpoints.averaged([places[0], str(other)])
    bare = tmp_path / "weights.npz"
    np.savez(bare, **{name: values.numpy() for name, values in mean.weights.items()})
    assert torch.equal(checkpoints.averaged([str(bare), places[0]]).weights["weight"], torch.full((2,), 1.0))
    with pytest.raises(ConfigError, match=r"weights\.npz: bare weights; at least one must be a checkpoint"):
        checkpoints.averaged([str(bare), str(bare)])


def test_a_stranger_is_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "other.pt"
    torch.save({"state_dict": {}}, file)
    with pytest.raises(DrumlineError, match="not a checkpoint of drumline"):
        checkpoints.load(str(file))
    with pytest.raises(ConfigError, match="no checkpoint can be read there"):
        checkpoints.load(str(tmp_path / "none.pt"))


class Trap:
    """What would run if a checkpoint could run code."""

    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise SystemExit('ran')",)


def test_no_code_runs_when_a_checkpoint_is_read(tmp_path: Path) -> None:
    file = tmp_path / "trap.pt"
    torch.save({"format": checkpoints.FORMAT, "version": 1, "model": Trap()}, file)
    with pytest.raises(DrumlineError, match="damaged or no checkpoint"):
        checkpoints.load(str(file))
