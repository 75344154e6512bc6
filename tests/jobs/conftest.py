"""What the tests of whole jobs share: small libraries of songs, free ports, the bytes of a dataset, the commands."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from drumline.core.artifacts import filesystem, join
from drumline.dataset.config import BuildConfig
from drumline.rendering.demo_library import SONGS, DemoSong, make_demo_library
from drumline.rendering.patterns import STYLES

ROOT = Path(__file__).parents[2]
FEW = tuple(replace(SONGS[number], num_bars=8) for number in (0, 1, 3, 18))
"""Short songs: a stem beside a .chart, stems beside a notes.mid, a .sng, and one without audio, which is rejected."""
MANY = tuple(
    DemoSong(
        f"Song {n}",
        tuple(STYLES)[n % len(STYLES)],
        ((0, 100.0 + 3 * n),),
        codec="wav",
        num_bars=12,
        artist=f"Band {n}",
        charter=f"C {n}",
    )
    for n in range(32)
)


@pytest.fixture(scope="session")
def few_songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of the songs in `FEW`."""
    folder = tmp_path_factory.mktemp("few") / "library"
    make_demo_library(folder, FEW)
    return folder


def config_for(library: str | Path, output: str | Path, address: str = "local") -> BuildConfig:
    """A build of a library with several small shards."""
    tree = {
        "name": "test",
        "roots": [{"uri": str(library)}],
        "output": str(output),
        "shards": {"target_mb": 0.5},
        "run": {"ray": {"address": address, "num_cpus": 2 if address == "local" else None}},
    }
    return BuildConfig.model_validate(tree, strict=False)


def content(output: str) -> dict[str, bytes]:
    """Every byte of a dataset, wherever it is, without the work and the run reports beside it."""
    fs, path = filesystem(output)
    names = (name.removeprefix(f"{path}/") for name in fs.find(path))
    return {name: fs.cat_file(f"{path}/{name}") for name in names if not name.startswith("_")}


def products(output: str) -> list[str]:
    """The finished songs of a build under way."""
    fs, path = filesystem(join(output, "_work", "songs"))
    fs.invalidate_cache()
    return [name for name in fs.find(path) if name.endswith(".parquet")]


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nothing listens on; different from each other."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that a test started, and all that it started, at once: nothing they hold is kept."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    process.wait()
    for child in family:
        if child.is_running():
            child.kill()
    psutil.wait_procs(family, timeout=10)


def run_command(program: str, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``drumline`` or ``jobs/build_dataset.py`` as a user does, with more environment variables."""
    script = Path(sys.executable).with_name("drumline") if program == "drumline" else ROOT / program
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "library"), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
