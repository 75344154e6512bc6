"""The wheel holds what an installation without the checkout needs, and works in an environment without extras."""

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import Distribution, distribution
from pathlib import Path

import numpy as np
import pytest
import soundfile
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "library" / "drumline"
CHART = """[Song]
{
  Resolution = 192
}
[SyncTrack]
{
  0 = TS 4
  0 = B 120000
}
[ExpertDrums]
{
  192 = N 0 0
  384 = N 1 0
}
"""


@pytest.fixture(scope="module")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of the sources: setuptools leaves `build` and `.egg-info` beside what it builds."""
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "configs", folder / "configs")
    shutil.copytree(
        ROOT / "library",
        folder / "library",
        symlinks=True,
        ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "*.part"),
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
    return built


@pytest.fixture(scope="module")
def wheel(wheel_file: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(wheel_file)


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
    configs = {f"drumline/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "configs").rglob("*.yaml")}
    assert len(configs) > 40
    assert (sources | configs) - set(wheel.namelist()) == set()


def test_it_holds_the_licence_and_says_so(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    (licence,) = (name for name in wheel.namelist() if name.endswith("/licenses/LICENSE"))
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
    head = Parser().parsestr(wheel.read(metadata).decode())
    assert head["License-Expression"] == "Apache-2.0 AND CC-BY-4.0"
    assert head.get_all("License-File") == ["LICENSE"]
    assert "Typing :: Typed" in head.get_all("Classifier", [])


@pytest.fixture(scope="module")
def light(wheel_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel and its requirements without extras.

    The requirements are links to the copies of this environment, because downloading them takes minutes.
    """
    folder = tmp_path_factory.mktemp("light") / "env"
    venv.create(folder)
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder / "bin/python"),
        "install",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*install, str(wheel_file)], check=True, capture_output=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (metadata,) = site.glob("drumline-*.dist-info")
    for required in requirements_of(Distribution.at(metadata)):
        for name in {file.parts[0] for file in required.files or () if ".." not in file.parts}:
            source = Path(str(required.locate_file(name)))
            if source.exists() and not (site / name).exists():
                (site / name).symlink_to(source)
    return folder / "bin"


def requirements_of(package: Distribution) -> list[Distribution]:
    """What a distribution requires without extras, directly and indirectly."""
    found: dict[str, Distribution] = {}
    pending = [package]
    while pending:
        for line in pending.pop().requires or ():
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            if name not in found and (not requirement.marker or requirement.marker.evaluate({"extra": ""})):
                found[name] = distribution(name)
                pending.append(found[name])
    return list(found.values())


def test_an_installation_without_extras_has_neither_torch_nor_ray_nor_arrow(light: Path, tmp_path: Path) -> None:
    code = "import json, importlib.util as u; print(json.dumps([bool(u.find_spec(n)) for n in %r]))"
    names = ["torch", "ray", "pyarrow", "s3fs", "drumline", "onnxruntime"]
    run = subprocess.run(
        [light / "python", "-c", code % names], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert json.loads(run.stdout) == [False, False, False, False, True, True]


def test_it_transcribes_inspects_and_evaluates(light: Path, tmp_path: Path) -> None:
    samples = 0.01 * np.random.default_rng(0).standard_normal(4 * 22_050)
    samples[11_025::11_025] += 0.5
    soundfile.write(tmp_path / "song.flac", samples, 22_050)

    def run(*command: str) -> str:
        done = subprocess.run(
            [light / command[0], *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run("drumline", "transcribe", "song.flac", "--format", "midi,json,chart", "--output", "out/")
    run("python", "-m", "drumline", "inspect", "out/song.chart")
    code = "import drumline; print(len(drumline.transcribe('song.flac').hits), drumline.read_chart('out/song.chart'))"
    assert int(run("python", "-c", code).split()[0]) >= 0
    run("drumline", "init", ".")
    truth = "truths=[{roots: [{uri: truth}]}]"
    (tmp_path / "truth" / "song").mkdir(parents=True)
    (tmp_path / "truth/song/notes.chart").write_text(CHART)
    settings = ("systems=[{name: itself, predictions: predictions}]", truth, "unmatched=ignore", "output=evaluated")
    (tmp_path / "predictions").mkdir()
    shutil.copy(tmp_path / "out/song.json", tmp_path / "predictions/song.json")
    (tmp_path / "empty.yaml").write_text("name: light\n")
    run("drumline", "evaluate", "empty.yaml", *settings)
    assert (tmp_path / "evaluated/report.html").is_file()


@pytest.mark.parametrize(
    ("command", "module", "extra"),
    [
        ("build-dataset configs/build_dataset/demo.yaml", "pyarrow", "cluster"),
        ("train configs/train_model/demo.yaml", "python_stretch", "train"),
        ("serve", "ray", "cluster"),
        ("check health events=events", "pyarrow", "cluster"),
    ],
)
def test_a_missing_extra_is_one_line(light: Path, tmp_path: Path, command: str, module: str, extra: str) -> None:
    subprocess.run([light / "drumline", "init", tmp_path], check=True, capture_output=True)
    run = subprocess.run(
        [light / "drumline", *command.split()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    line = f"drumline: this command needs {module}, which this installation lacks: pip install 'drumline[{extra}]'\n"
    assert (run.returncode, run.stderr) == (2, line)


def test_init_replaces_nothing(light: Path, tmp_path: Path) -> None:
    def init() -> subprocess.CompletedProcess[str]:
        return subprocess.run([light / "drumline", "init", tmp_path], capture_output=True, text=True, check=False)

    assert [init().returncode, init().returncode] == [0, 0]
    mine = tmp_path / "configs/train_model/demo.yaml"
    mine.write_text("epochs: 3\n")
    (tmp_path / "configs/train_model/small.yaml").unlink()
    refused = init()
    assert refused.returncode == 2
    assert "demo.yaml: exists with other contents" in refused.stderr
    assert mine.read_text() == "epochs: 3\n"
    assert not (tmp_path / "configs/train_model/small.yaml").exists()
