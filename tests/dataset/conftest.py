"""One demo library and one dataset built from it, shared by the tests that only read them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from drumline.dataset.build import BuildResult, build
from drumline.dataset.config import BuildConfig
from drumline.rendering.demo_library import make_demo_library

ConfigMaker = Callable[..., BuildConfig]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The songs of `make demo`."""
    folder = tmp_path_factory.mktemp("demo") / "library"
    make_demo_library(folder)
    return folder


@pytest.fixture(scope="session")
def config_for(library: Path) -> ConfigMaker:
    """The configuration of `make demo` for an output, with changes."""

    def make(output: Path, **changes: object) -> BuildConfig:
        tree = {
            "name": "demo",
            "roots": [{"uri": str(library)}],
            "output": str(output),
            "domains": "all",
            "shards": {"target_mb": 4},
            "run": {"ray": {"address": "local", "num_cpus": 2}},
        }
        return BuildConfig.model_validate({**tree, **changes}, strict=False)

    return make


@pytest.fixture(scope="session")
def dataset(config_for: ConfigMaker, tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    """The demo dataset, built once."""
    return build(config_for(tmp_path_factory.mktemp("built") / "dataset"))
