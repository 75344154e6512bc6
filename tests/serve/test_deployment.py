"""What `serve deploy` and `drumline serve` are given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ray.serve._private.api import call_user_app_builder_with_args_if_necessary
from ray.serve.schema import ServeDeploySchema
from serve.app import application
from serve.errors import Problem
from serve.keys import VARIABLE, hash_key
from serve.model import open_model
from serve.parameters import DecodeParameters
from serve.settings import Jobs, Settings
from tests.export.tiny import write_package

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.decoding.presets import PRESETS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "int8")


def test_ray_accepts_the_file_and_we_its_arguments(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ServeDeploySchema.model_validate(yaml.safe_load((ROOT / "serve" / "config.yaml").read_text()))
    (deployed,) = config.applications
    assert deployed.import_path == "serve.app:application"
    settings = parse_config(Settings, deployed.args, "config.yaml")
    assert settings.workers.max_replicas == 16
    monkeypatch.setenv(VARIABLE, f"app:{hash_key('x')}")
    args = {**deployed.args, "model": str(package), "keys_file": "", "jobs": {"store": str(tmp_path)}}
    assert call_user_app_builder_with_args_if_necessary(application, args)


def test_nothing_but_loopback_without_keys(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    args = {"model": str(package), "host": "0.0.0.0", "jobs": {"store": str(tmp_path)}}
    with pytest.raises(ConfigError, match="API keys are needed"):
        application(args)
    assert application({**args, "host": "::1"})


def test_a_preset_that_takes_a_second_model_says_so_where_there_is_none(package: Path, tmp_path: Path) -> None:
    model = open_model(Settings(model=str(package), jobs=Jobs(store=str(tmp_path))))
    assert model.presets == PRESETS
    with pytest.raises(Problem, match=r"it takes a micro model, and tiny 1\.0 names none; available presets: default"):
        model.decode_config(DecodeParameters(preset="micro"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "API keys are needed"),
        (["limits.max_uplod_mb=1"], "did you mean limits.max_upload_mb?"),
        (["--model", "nowhere"], "nowhere: no model package there"),
        (["keys_file=/nowhere"], "/nowhere: cannot be read"),
    ],
)
def test_mistakes_are_told_before_ray_starts(package: Path, arguments: list[str], message: str) -> None:
    command = [sys.executable, "-c", "from drumline.cli import main; main()", "serve"]
    if "--model" not in arguments:
        arguments = ["--model", str(package), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "library")}
    run = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 2, run.stderr
    assert message in run.stderr


def test_the_client_imports_nothing_heavy() -> None:
    code = "import sys, drumline.client; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "library")}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert not set(run.stdout.split()) & {"ray", "torch", "numpy", "onnxruntime", "fastapi", "serve"}
