"""How fast a corpus is rendered: whole runs of `drumline render-corpus`, Ray included, effects off and all on.

A run is a process of its own, as a person starts it: imports, Ray's start and end, planning, kits, FLAC. Speed is
seconds of audio for each second of processor time of the process and all it started, and for each second of wall time
and CPU.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from tests.bench.tables import table
from tests.conftest import CORPUS

from drumline.rendering.production import presets

ROOT = Path(__file__).parents[2]
CPUS = 2
SOUNDFONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
"""Of Debian's package timgm6mb-soundfont."""


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """One row a way to render."""
    if not CORPUS.is_dir():
        return {"skipped": "rendering: the corpus is not beside this checkout (../shared/corpus)"}
    rows = []
    for name, changes in ways().items():
        with tempfile.TemporaryDirectory() as folder:
            row = {"way": name} | run(Path(folder), changes, hours=0.2 if quick else 4.0)
        rows.append(row)
        say(f"{name}: {row['cpu_speed']:.0f} times real time a CPU second")
    return {"ways": rows}


def ways() -> dict[str, dict[str, Any]]:
    """What differs from the defaults in each run."""
    everything = _always(presets.WILD.model_dump(mode="json"))
    off = {"production": presets.OFF.model_dump(mode="json"), "mixes": 0.0}
    band = {"accompaniment": {"soundfonts": [str(SOUNDFONT)]}} if SOUNDFONT.exists() else {}
    told = "a band through a SoundFont" if band else "oscillators as backing"
    return {
        "effects off, drums alone": off,
        f"effects drawn as by default, drums and {told}": band,
        f"every effect on, drums and {told}": band | {"production": everything},
    }


def _always(tree: Any) -> Any:
    """A production that draws every effect, with Vorbis as its codec."""
    if isinstance(tree, dict):
        return {key: 1.0 if key.endswith("probability") else _always(value) for key, value in tree.items()} | (
            {"names": ["vorbis"]} if "names" in tree else {}
        )
    return tree


def run(folder: Path, changes: dict[str, Any], *, hours: float) -> dict[str, float]:
    """A corpus of Groove on two kits at 44.1 kHz."""
    kits = CORPUS / "kits"
    config = {
        "name": "bench",
        "output": str(folder / "corpus"),
        "performances": [{"uri": str(CORPUS / "groove_trainval.zip")}],
        "kits": [{"uri": str(kits / "avl" / "Black_Pearl_5pc.sfz")}, {"uri": str(kits / "colombo")}],
        "kit_use": {"tuned": 0.0},
        "hours": hours,
        "run": {"ray": {"address": "local", "num_cpus": CPUS}},
        **changes,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started_s = time.perf_counter()
    subprocess.run(
        [sys.executable, "jobs/render_corpus.py", str(folder / "config.yaml")],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    wall_s = time.perf_counter() - started_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(next((folder / "corpus" / "_runs").iterdir()).read_text())
    audio_s = report["audio_hours"] * 3600
    # The driver's own time, and its songs' in Ray's workers, which are no children of its.
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime + report["cpu_s"]
    return {"audio_s": audio_s, "cpu_speed": audio_s / cpu_s, "wall_speed": audio_s / wall_s / CPUS}


def report(result: dict[str, Any], *, markdown: bool) -> str:
    """The rows as a table."""
    if "skipped" in result:
        return str(result["skipped"])
    rows = [
        (row["way"], f"{row['audio_s'] / 3600:.1f}", f"{row['cpu_speed']:.0f}", f"{row['wall_speed']:.0f}")
        for row in result["ways"]
    ]
    head = ("rendering at 44.1 kHz, mono", "hours", "times real time, a CPU second", "a second and CPU, Ray included")
    return table(head, rows, markdown=markdown)
