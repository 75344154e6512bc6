"""The wheel holds what an installation without the checkout needs."""

import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "library" / "drumline"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel of a copy of the sources: setuptools leaves `build` and `.egg-info` beside what it builds."""
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(
        ROOT / "library", folder / "library", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "*.part")
    )
    run = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", "dist", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    (built,) = (folder / "dist").glob("drumline-*.whl")
    return zipfile.ZipFile(built)


def test_it_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    sources = {
        f"drumline/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".part"
    }
    needed = {"drumline/py.typed", "drumline/dataset/templates/card.html.j2", "drumline/core/templates/page.css.j2"}
    models = {name for name in sources if name.startswith("drumline/models/")}
    assert needed <= sources
    assert {Path(name).name for name in models} >= {"package.json", "model.int8.onnx", "card.md"}
    assert sources - set(wheel.namelist()) == set()


def test_it_holds_the_licence_and_says_so(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    (licence,) = (name for name in wheel.namelist() if name.endswith("/licenses/LICENSE"))
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
    head = Parser().parsestr(wheel.read(metadata).decode())
    assert head["License-Expression"] == "Apache-2.0 AND CC-BY-4.0"
    assert head.get_all("License-File") == ["LICENSE"]
    assert "Typing :: Typed" in head.get_all("Classifier", [])
