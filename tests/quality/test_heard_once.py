"""A checkpoint listens to a recording once: what it said is kept, and whoever asks again gets the same."""

from pathlib import Path
from typing import Any

import pytest
from tests.quality.files import run

from drumline.core.config import parse_config
from drumline.evaluation.predict import PredictConfig, predict
from drumline.model.network import HierarchicalDrumCRNN
from drumline.quality.boundaries.check import run as check
from drumline.quality.boundaries.config import BoundariesConfig
from drumline.quality.negatives.mine import MineNegativesConfig
from drumline.quality.negatives.mine import run as mine
from drumline.training.checkpoints import Checkpoint


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames of every call of any network, which answers as ever."""
    made: list[int] = []
    forward = HierarchicalDrumCRNN.forward

    def counted(network: HierarchicalDrumCRNN, features: Any, *others: Any, **more: Any) -> Any:
        made.append(features.shape[1])
        return forward(network, features, *others, **more)

    monkeypatch.setattr(HierarchicalDrumCRNN, "forward", counted)
    return made


def predicted(folder: Path, songs: str, checkpoint: str, cache: dict[str, str], **decoding: float) -> dict[str, bytes]:
    """Every file that `predict` writes."""
    tree = {"checkpoint": checkpoint, "dataset": songs, "splits": ["train"], "decoding": decoding, "cache": cache}
    predict(parse_config(PredictConfig, tree | {"output": str(folder)}, "test"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nobody_listens_twice(songs: str, checkpoint: str, tmp_path: Path, calls: list[int]) -> None:
    cache = {"uri": str(tmp_path / "cache")}
    first = predicted(tmp_path / "1", songs, checkpoint, cache, threshold=0.2)
    assert len(first) == 2 * len(calls) > 0  # a call a song, as short as these are
    calls.clear()
    assert predicted(tmp_path / "2", songs, checkpoint, cache, threshold=0.2) == first
    other = predicted(tmp_path / "3", songs, checkpoint, cache, threshold=0.4)
    assert {name for name in first if first[name] != other[name]} == {name for name in first if "predictions" in name}
    tree = {"truth": {"dataset": songs, "splits": ["train"]}, "checkpoint": checkpoint, "cache": cache}
    mined = mine(parse_config(MineNegativesConfig, tree | {"output": str(tmp_path / "mined")}, "test"))
    assert mined.report.findings.recordings == len(first) / 2
    assert calls == []

    changed = Checkpoint.from_bytes(Path(checkpoint).read_bytes(), checkpoint)
    next(iter(changed.weights.values())).add_(0.01)
    (tmp_path / "changed.pt").write_bytes(changed.to_bytes())
    predicted(tmp_path / "4", songs, str(tmp_path / "changed.pt"), cache, threshold=0.2)
    assert len(calls) == len(first) / 2


def test_nor_to_a_window(songs: str, checkpoint: str, tmp_path: Path, calls: list[int]) -> None:
    assert run("make", "boundary-pack", f"events={songs}", f"output={tmp_path}/pack", "splits=[train]").exit_code == 0
    model = {"checkpoint": checkpoint, "dataset": songs, "cache": {"uri": str(tmp_path / "cache")}}
    tree = {"labels": f"{tmp_path}/pack/labels.jsonl", "model": model, "draws": {"num_draws": 100}, "threshold": 0.0001}
    config = parse_config(BoundariesConfig, tree, "test")
    first = check(config).report.findings
    assert len(calls) > 10
    calls.clear()
    assert check(config).report.findings == first
    assert calls == []
