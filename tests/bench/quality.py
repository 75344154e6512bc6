"""How long the quality suite takes over a dataset of a million events, and the tools over as many lines.

One process for the checks of a dataset (its Parquet tables, a boundary pack of them, 100,000 judged samples), one for
the tools on events as JSON lines; each from start to reports and pages.
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from tests.bench.evaluation import make_dataset
from tests.bench.processes import measured
from tests.bench.tables import table

from drumline.core.config import parse_config

_SONGS: Final = 1_000
_EVENTS_A_SONG: Final = 1_000
_SAMPLES_A_SONG: Final = 100
_INTERVAL_S: Final = 0.2
_LIMIT_S: Final = 120.0
_LABELS: Final = ("kick", "snare", "hihat_closed", "hihat_open", "crash", "crash2", "ride_bow", "tom_low")

Trees = Mapping[str, tuple[str, str, dict[str, Any]]]
"""Step -> (module, configuration, its tree)."""


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Time and memory of both processes, step by step."""
    songs = 20 if quick else _SONGS
    folder = Path(tempfile.mkdtemp(prefix="drumline-bench-"))
    try:
        make_dataset(folder, songs=songs)
        make_samples(folder, songs=songs)
        say(f"{songs * _EVENTS_A_SONG:,} events made")
        found = {}
        for name in ("checks", "tools"):
            command = [sys.executable, "-m", "tests.bench.quality", str(folder), name]
            found[name] = asdict(measured(command, interval_s=_INTERVAL_S))
            say(f"{name}: {found[name]['wall_s']:.0f} s")
    finally:
        shutil.rmtree(folder)
    return {"events": songs * _EVENTS_A_SONG, "limit_s": _LIMIT_S, **found}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """The numbers for people."""
    rows: list[list[str | int | float | None]] = []
    for name in ("checks", "tools"):
        usage = found[name]
        rows += [[step, own["s"], own["cpu_s"], own["peak_mb"]] for step, own in usage["result"].items()]
        rows.append([f"all {name}, from start to end", usage["wall_s"], usage["cpu_s"], usage["driver_mb"]])
    verdict = "within" if found["checks"]["wall_s"] <= found["limit_s"] else "BEYOND"
    headers = [f"{found['events']:,} events", "wall s", "CPU s", "peak RSS so far, MiB"]
    return f"{table(headers, rows, markdown=markdown)}\n\nchecks: {verdict} {found['limit_s']:g} s"


def make_samples(folder: Path, *, songs: int) -> None:
    """Judged samples, and events as JSON lines, in two files that share a tenth."""
    rng = np.random.default_rng(0)
    with (folder / "truth.jsonl").open("w") as truth, (folder / "predictions.jsonl").open("w") as told:
        for n in range(songs * _SAMPLES_A_SONG):
            label, right = _LABELS[n % len(_LABELS)], bool(rng.random() < 0.9)
            known = {"sample_id": str(n), "session_id": str(n // _SAMPLES_A_SONG), "labels": [label]}
            truth.write(json.dumps(known | {"is_known": n % 5 > 0, "velocity": 0.5, "openness": 0.2}) + "\n")
            scores = {label: round(float(rng.uniform(0.5, 1)) * right, 4)}
            told.write(json.dumps({"sample_id": str(n), "scores": scores, "velocity_pred": 0.6}) + "\n")
    total = songs * _EVENTS_A_SONG
    with (folder / "one.jsonl").open("w") as one, (folder / "two.jsonl").open("w") as two:
        for n in range(total):
            line = json.dumps(_event(n, rng)) + "\n"
            if n < 0.55 * total:
                one.write(line)
            if n >= 0.45 * total:
                two.write(line)
    curve = {"curve_id": "c", "breakpoints": [{"raw": 0, "normalized": 0}, {"raw": 127, "normalized": 1}]}
    (folder / "curves.json").write_text(json.dumps({"vendors": {"Roland": {"TD-50": curve}}}))


def _event(number: int, rng: np.random.Generator) -> dict[str, Any]:
    label = _LABELS[int(rng.integers(len(_LABELS)))]
    part = {"label": label, "velocity": round(float(rng.random()), 3)}
    if label.startswith("hihat"):
        part["openness_raw"] = int(rng.integers(128))
    return {
        "sample_id": f"e{number}", "session_id": f"s{number // _EVENTS_A_SONG}", "drummer_id": "d",
        "source_set": "Groove", "is_synthetic": False, "audio_path": f"audio/{number // _EVENTS_A_SONG}.wav",
        "onset_time": round(number % _EVENTS_A_SONG * 0.12, 4), "tempo_bpm": 120.0, "meter": "4/4",
        "components": [part], "techniques": [], "bleed_level": "low", "mix_context": "full_mix",
        "device_vendor": "Roland", "device_model": "TD-50", "split": "train",
    }  # fmt: skip


def _checks(folder: Path) -> Trees:
    dataset = str(folder)
    samples = {"truth": f"{folder}/truth.jsonl", "predictions": f"{folder}/predictions.jsonl"}
    system = {"name": "system", "predictions": f"{folder}/predictions.parquet"}
    pack = {"labels": f"{folder}/out/boundary-pack/labels.jsonl"}
    health = f"{folder}/out/health/report.json"
    return {
        "health": ("health.check", "HealthConfig", {"events": dataset}),
        "alignment": ("alignment.check", "AlignmentCheckConfig", {"dataset": dataset}),
        "compare-health": ("health.compare", "CompareHealthConfig", {"candidate": health, "baseline": health}),
        "compare-manifests": (
            "compare_manifests", "CompareManifestsConfig", {"candidate": dataset, "baseline": dataset}
        ),
        "boundary-pack": ("boundaries.pack", "BoundaryPackConfig", {"events": dataset}),
        "boundaries": ("boundaries.check", "BoundariesConfig", pack | {"predictions": pack["labels"]}),
        "bootstrap": ("bootstrap.check", "BootstrapCheckConfig", samples),
        "open-set": ("open_set", "OpenSetConfig", samples),
        "mine-negatives": ("negatives.mine", "MineNegativesConfig", {"truth": {"dataset": dataset}, "system": system}),
    }  # fmt: skip


def _tools(folder: Path) -> Trees:
    files = {"events": [f"{folder}/one.jsonl", f"{folder}/two.jsonl"]}
    merged = {"events": f"{folder}/out/merge/events.jsonl"}
    return {
        "merge": ("manifests.merge", "MergeConfig", files),
        "openness": ("manifests.openness", "OpennessConfig", merged | {"curves": f"{folder}/curves.json"}),
        "techniques": ("techniques.annotate", "AnnotateConfig", merged),
        "weights": ("manifests.weights", "DeriveWeightsConfig", merged),
        "health, of lines": ("health.check", "HealthConfig", merged),
    }


def _run(folder: Path, name: str, result: Path) -> None:
    """The steps themselves, in a process of its own."""
    from drumline.quality.outcome import publish

    told = {}
    for step, (module, config, tree) in {"checks": _checks, "tools": _tools}[name](folder).items():
        started, used = time.monotonic(), time.process_time()
        package = import_module(f"drumline.quality.{module}")
        output = str(folder / "out" / step)
        publish(package.check(parse_config(getattr(package, config), tree | {"output": output}, "bench")), output)
        told[step] = {"s": time.monotonic() - started, "cpu_s": time.process_time() - used, "peak_mb": _peak_mb()}
    result.write_text(json.dumps(told))


def _peak_mb() -> float | None:
    """The largest resident set of this process so far; getrusage would tell its parent's, before exec."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)


if __name__ == "__main__":
    _run(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
