"""How fast songs are transcribed: one on two cores, a library, what was heard before, and the decoder alone.

The model is the small preset with random weights, so it says nothing sensible as fast as a trained one would. Songs are
rendered. Each transcriber runs in a process of its own, imports and loading included; a rival beside them, where
``DRUMLINE_RIVAL`` is the command that transcribes the file whose path is put at its end.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import soundfile
from tests.bench.processes import measured
from tests.bench.recordings import rendered
from tests.bench.tables import table
from tests.decoding.slow import slow_decode
from tests.export.tiny import tiny_network, write_package

from drumline.core.grid import RATE_HZ
from drumline.core.hit_arrays import Events
from drumline.decoding.cache import ActivationsCache, RecordingActivations
from drumline.decoding.peak_picking import decode
from drumline.model.config import PRESETS
from drumline.transcription.engine import Engine, open_engine
from drumline.transcription.sources import find_sources, open_recording, sha256_of

RIVAL = "DRUMLINE_RIVAL"
CPUS = 2
_INTERVAL_S = 0.05
_ONE = """
import json, resource, sys
from pathlib import Path
from drumline.transcription.command import Job, run
from drumline.transcription.engine import open_engine
from drumline.transcription.outputs import plan_outputs
from drumline.transcription.sources import find_sources
from drumline.transcription.transcribe import Timing
model, precision, threads, output, *songs, report = sys.argv[1:]
onnx = precision != "torch"
way = {"precision": precision} if onnx else {"runtime": "torch"}
engine = open_engine(model, threads=int(threads), **way)
sources = find_sources(songs, "auto")
failed = run(sources, Job(engine, "auto", Timing(), plan_outputs("midi", output, sources), True))
used = resource.getrusage(resource.RUSAGE_SELF)
# Of this program alone: ru_maxrss remembers what the process was before it.
peak_kb = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
told = {"failed": failed, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": peak_kb / 1024}
Path(report).write_text(json.dumps(told))
"""
"""What `drumline transcribe` does, with torch as well."""


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Everything that is claimed of transcribing."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        network = tiny_network(**PRESETS["small"])
        model = write_package(folder / "small-0", "float32", "int8", network=network)
        song = write_song(folder / "song.ogg", seconds=60.0 if quick else 240.0)
        found = {"speed": speed(model, song, folder, say=say)}
        found["cache"] = cached(model, song, folder, say=say)
        found["decoder"] = decoder(model, song, seconds=20.0 if quick else 60.0)
        say(f"decoder: {found['decoder']['ratio']:.0f} times the naive one")
        found["library"] = library(model, folder, num_songs=8 if quick else 48, say=say)
        return found


def write_song(path: Path, *, seconds: float, number: int = 0) -> Path:
    """A rendered song, repeated up to a length; stereo at 44.1 kHz."""
    mono = rendered(number, kit=number % 3, mixed=True).samples
    mono = np.resize(np.repeat(mono, 2), round(seconds * 2 * RATE_HZ))
    with soundfile.SoundFile(path, "w", 2 * RATE_HZ, 2) as file:
        for start in range(0, len(mono), 1 << 16):  # libsndfile breaks on long writes of Vorbis
            file.write(np.stack([mono[start : start + (1 << 16)]] * 2, axis=1) * 0.5)
    return path


def speed(model: Path, song: Path, folder: Path, *, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One song, by each runtime with one and with two threads; a rival where there is one."""
    seconds = soundfile.info(song).duration
    rows = []
    for name, precision in (("ONNX int8", "int8"), ("ONNX float32", "float32"), ("torch", "torch")):
        # torch's threads wait spinning: with two, on a machine that others use, a minute of audio takes minutes.
        for threads in (1,) if precision == "torch" else (1, CPUS):
            runs = [one(model, precision, threads, [song], folder) for _ in range(3)]
            best = min(runs, key=lambda run: run["cpu_s"])
            rows.append({"way": f"{name}, {threads} threads", "seconds": seconds, **best})
            say(f"{rows[-1]['way']}: {best['cpu_s']:.1f} CPU-s, {best['wall_s']:.1f} s")
    if rival := os.environ.get(RIVAL):
        usage = measured(["sh", "-c", f"{rival} {shlex.quote(str(song))} && echo {{}} > $0"], interval_s=_INTERVAL_S)
        told = {"cpu_s": usage.cpu_s, "wall_s": usage.wall_s, "peak_mb": usage.total_rss_mb}
        rows.append({"way": f"rival: {rival}", "seconds": seconds, **told})
    return rows


def one(model: Path, precision: str, threads: int, songs: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Songs in a fresh process, one after the other."""
    report = folder / "one.json"
    command = [sys.executable, "-c", _ONE, str(model), precision, str(threads), str(folder / "midi")]
    started_s = time.perf_counter()
    subprocess.run([*command, *map(str, songs), str(report)], check=True, capture_output=True)
    told = json.loads(report.read_text())
    if told["failed"]:
        raise RuntimeError(f"{told['failed']} songs failed, which are all sound")
    return {**told, "wall_s": time.perf_counter() - started_s}


def cached(model: Path, song: Path, folder: Path, *, say: Callable[[str], None]) -> dict[str, float]:
    """A song from its file to its strokes: heard, and then only decoded again, by another threshold; model loaded."""
    engine = lively(open_engine(str(model), precision="int8", threads=CPUS), song, share=0.004)
    other = lively(engine, song, share=0.005)
    cache = ActivationsCache(str(folder / "cache"), 10**9)
    cold: list[Spent] = []
    again: list[Spent] = []
    hits = 0
    for _ in range(5):
        with spent(cold):
            inferred, digest = infer_song(engine, song)
            hits = len(decoded(engine, inferred))
        cache.put(engine.key(digest), inferred)
        with spent(again), song.open("rb") as file:
            kept = cache.get(other.key(sha256_of([file])))
            assert kept is not None
            decoded(other, kept)
    found = {
        "cold_cpu_s": median(each.cpu_s for each in cold),
        "cached_cpu_s": median(each.cpu_s for each in again),
        "cold_s": median(each.wall_s for each in cold),
        "cached_s": median(each.wall_s for each in again),
    }
    found["cpu_ratio"], found["ratio"] = (found[f"cold_{n}"] / found[f"cached_{n}"] for n in ("cpu_s", "s"))
    say(f"cached: {1000 * found['cached_cpu_s']:.0f} CPU-ms instead of {1000 * found['cold_cpu_s']:.0f}")
    return {**found, "size_mb": len(inferred.to_bytes()) / 1e6, "hits": hits}


@dataclass
class Spent:
    """Time, of this process and in all."""

    cpu_s: float = 0.0
    wall_s: float = 0.0


@contextmanager
def spent(on: list[Spent]) -> Iterator[None]:
    """Note what the block takes."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    yield
    on.append(Spent(time.process_time() - cpu_s, time.perf_counter() - wall_s))


def lively(engine: Engine, song: Path, *, share: float) -> Engine:
    """With a threshold that this share of all activations reaches: random weights are never sure."""
    threshold = float(np.quantile(infer_song(engine, song)[0].activations.probability, 1 - share))
    return replace(engine, decoding=engine.decoding.model_copy(update={"threshold": threshold}))


def decoded(engine: Engine, inferred: RecordingActivations) -> Events:
    return engine.decode(inferred, engine.decoding)[0].events


def infer_song(engine: Engine, song: Path) -> tuple[RecordingActivations, str]:
    """What the model says of a file."""
    (source,) = find_sources([str(song)], "auto")
    recording, audio = open_recording(source, "auto")
    with recording:
        ((_, activations),) = engine.network.infer_batched([("song", recording)])
        return RecordingActivations.of(activations.rounded(), recording), audio.sha256


def decoder(model: Path, song: Path, *, seconds: float) -> dict[str, float]:
    """Strokes of activations beside the decoder by the words of its definition, which finds the same."""
    engine = lively(open_engine(str(model), precision="int8"), song, share=0.004)
    whole = infer_song(engine, song)[0].activations
    part = whole.cut(0, round(seconds * whole.grid.frame_rate_hz))
    slow: list[Spent] = []
    with spent(slow):
        expected = slow_decode(part, engine.decoding)
    fast: list[Spent] = []
    for _ in range(5):
        with spent(fast):
            found = decode([part], engine.decoding)
    assert len(found.events) == len(expected)
    told = {"seconds": seconds, "hits": len(expected), "slow_s": slow[0].cpu_s}
    fast_s = median(each.cpu_s for each in fast)
    return told | {"fast_s": fast_s, "ratio": slow[0].cpu_s / fast_s}


def library(model: Path, folder: Path, *, num_songs: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Songs of a minute, to MIDI: a plain loop with two threads; the job with two workers; the job again, cached."""
    songs = folder / "songs"
    songs.mkdir()
    for number in range(num_songs):
        write_song(songs / f"{number:03}.ogg", seconds=60.0, number=number)
    alone = one(model, "int8", CPUS, sorted(songs.iterdir()), folder)
    rows = {"loop": {"wall_s": alone["wall_s"], "cpu_s": alone["cpu_s"]}}
    say(f"loop: {alone['wall_s']:.0f} s")
    changes = {"job": ["preset=default"], "job, cached": ["preset=aggressive", "formats=[midi, json]"]}
    for way, own in changes.items():
        output = folder / way.replace(", ", "-")
        arguments = [
            *("jobs/transcribe_library.py", "configs/transcribe_library/cpu.yaml"),
            *(f"library={songs}", f"output={output}", f"model={model}", f"cache.uri={folder / 'shared'}"),
            *("precision=int8", f"run.ray.num_cpus={CPUS}", "run.ray.address=local", *own),
        ]
        started_s = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        wall_s = time.perf_counter() - started_s
        (report,) = (output / "_runs").iterdir()
        told = json.loads(report.read_text())
        summary = told["about"]["summary"]
        assert summary["songs"] == num_songs
        assert summary["cached"] == (num_songs if "cached" in way else 0)
        rows[way] = {"wall_s": wall_s, "session_s": summary["wall_s"], "cpu_s": told["cpu_s"]}
        say(f"{way}: {wall_s:.0f} s")
    return {"songs": num_songs, "ways": rows}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """Four tables."""
    speeds = [
        [row["way"], row["cpu_s"], row["wall_s"], row["seconds"] / row["cpu_s"], row["seconds"] / row["wall_s"],
         row["peak_mb"]]
        for row in found["speed"]
    ]  # fmt: skip
    seconds = found["speed"][0]["seconds"]
    head = [f"a song of {seconds:.0f} s, fresh process", "CPU s", "wall s", "x real time a CPU s", "x real time", "MB"]
    parts = [table(head, speeds, markdown=markdown)]
    if not os.environ.get(RIVAL):
        parts.append(f"No rival beside them: {RIVAL} is not set.")
    cache, decoding, job = found["cache"], found["decoder"], found["library"]
    parts.append(
        table(
            ["file to strokes, model loaded, int8", "cold s", "cached s", "ratio", "MB", "hits"],
            [
                ["CPU", *(cache[name] for name in ("cold_cpu_s", "cached_cpu_s", "cpu_ratio", "size_mb", "hits"))],
                ["wall", *(cache[name] for name in ("cold_s", "cached_s", "ratio")), None, None],
            ],
            markdown=markdown,
        )
    )
    parts.append(
        table(
            ["decoding, s of audio", "hits", "CPU s", "naive CPU s", "ratio"],
            [[decoding["seconds"], *(decoding[name] for name in ("hits", "fast_s", "slow_s", "ratio"))]],
            markdown=markdown,
        )
    )
    ways = [
        [way, row["wall_s"], row.get("session_s"), job["songs"] / row["wall_s"] * 3600, row["cpu_s"]]
        for way, row in job["ways"].items()
    ]
    head = [
        f"{job['songs']} songs of a minute",
        "wall s",
        "of these with Ray up",
        "songs an hour",
        "CPU s of the songs",
    ]
    parts.append(table(head, ways, markdown=markdown))
    return "\n\n".join(parts)
