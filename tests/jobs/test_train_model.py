"""`drumline train` as a person meets it: what it explains, and which mistakes it tells before any work."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from tests.jobs.conftest import ROOT, run_command
from tests.training.songs import train_config, write_songs

from drumline.cli import main
from drumline.core.config import load_config
from drumline.training.config import TrainConfig

PRESETS = sorted((ROOT / "configs" / "train_model").glob("*.yaml"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_songs(tmp_path_factory.mktemp("songs") / "dataset", train=1, validation=1, duration_s=3.0)


@pytest.fixture
def config(dataset: str, tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(train_config(dataset, tmp_path / "run").model_dump(mode="json")))
    return file


@pytest.mark.parametrize("command", [("drumline", "train"), ("jobs/train_model.py",)], ids=["drumline", "job"])
def test_help_and_explain(command: tuple[str, ...]) -> None:
    done = run_command(*command, "--help")
    assert done.returncode == 0
    for word in ("Train a model", "NAME=VALUE", "configs/train_model/demo.yaml", "resume an interrupted run"):
        assert word in done.stdout
    explained = run_command(*command, "--explain")
    assert explained.returncode == 0
    for key in ("clip_norm", "num_workers", "every_steps", "spec_augment"):
        assert key in explained.stdout


@pytest.mark.parametrize("file", PRESETS, ids=lambda file: file.stem)
def test_every_preset_is_a_configuration(file: Path) -> None:
    assert load_config(TrainConfig, file).max_epochs > 1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seeds=1", "seeds: unknown key; did you mean seed?"),
        ("dataset=nowhere", "no manifest.json: not a dataset"),
        ("validation.split=test", "no shard in split 'test'"),
        ("workers.num_workers=3", "sampling.batch_size 4 must divide by workers.num_workers 3"),
        ("features.bands=64", "model.bands 32 and model.spectra 1 must match the features"),
        ("start.checkpoint=nowhere.pt", "nowhere.pt: no checkpoint can be read there"),
        ("stages=[{name: a, epochs: 1, freeze: [x]}]", "no parameter's name begins with 'x'"),
    ],
)
def test_whatever_cannot_be_run_is_told_before_any_work(override: str, message: str, config: Path) -> None:
    done = CliRunner().invoke(main, ["train", str(config), override])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("drumline: ")
    assert message in done.stderr
    assert not (config.parent / "run").exists()
