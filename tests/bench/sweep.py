"""Sweeps: what Tune costs beside the same trainings in a plain loop, and how many decodings a second are judged.

Trainings are of a tiny network on a few songs, one at a time on both ways, on one private Ray that is up already: what
is left of their time is processes, checkpoints and waiting. Decodings are of rendered strokes and a model that errs;
beside them the same points decoded and scored song by song, as an evaluation does it.
"""

import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from tests.bench.tables import table
from tests.evaluation.conftest import write_songs as write_hits
from tests.training.songs import train_config, write_songs
from tests.tuning.test_decodings import SECONDS, a_song

from drumline.core.artifacts import read_bytes
from drumline.core.config import changed, parse_config
from drumline.decoding.activations import Activations
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import decode
from drumline.metrics.tally import tally
from drumline.runtime.session import session
from drumline.training.distributed import prepare, run
from drumline.tuning.config import DecodingsConfig, ParameterConfig, SweepConfig
from drumline.tuning.decode_scorer import DecodeScorer, development_songs
from drumline.tuning.search import draws
from drumline.tuning.space import Space
from drumline.tuning.sweep import Again
from drumline.tuning.trainings import sweep_trainings

PEAK = "stages.0.schedule.peak"


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds a trial of each way, and points a CPU second."""
    peaks, songs, points = ([0.001, 0.002], 4, 5) if quick else ([0.001, 0.002, 0.004, 0.008], 200, 40)
    with tempfile.TemporaryDirectory() as folder:
        trainings = _trainings(Path(folder), peaks, say)
        decodings = _decodings(Path(folder), songs, points, say)
    return {**trainings, **decodings}


def report(result: dict[str, Any], *, markdown: bool) -> str:
    """For people."""
    rows = [[way, result[name], result[name] - result["loop_s"]] for way, name in _WAYS]
    told = table(["tiny trainings, one at a time", "s a training", "more, s"], rows, markdown=markdown)
    rows = [
        ["candidates found once", result["points_s"], result["points_s"] / result["plain_s"]],
        ["song by song", result["plain_s"], 1.0],
    ]
    head = [f"decodings of {result['songs']} songs, {result['strokes']:,} strokes", "points a CPU second", "ratio"]
    return f"{told}\n\n{table(head, rows, markdown=markdown)}"


_WAYS = (("plain loop", "loop_s"), ("sweep on Ray Tune", "sweep_s"))


def _trainings(folder: Path, peaks: list[float], say: Callable[[str], None]) -> dict[str, Any]:
    base = train_config(
        write_songs(folder / "dataset"), folder / "unused", stages=[{"name": "all", "epochs": 3}],
        logs={"pictures": 0, "tensorboard": False},
    )  # fmt: skip
    (folder / "base.yaml").write_text(yaml.safe_dump(base.model_dump(mode="json")))
    tree = {
        "name": "bench",
        "output": str(folder / "sweep"),
        "train": {"config": str(folder / "base.yaml"), "concurrent": 1},
        "space": {PEAK: {"grid": peaks}},
        "search": {"method": "grid"},
        "ray": {"address": "local", "num_cpus": 2},
    }
    prepare()
    found = {}
    with session(base.ray):
        run(base)  # processes that import torch once
        since = time.perf_counter()
        for number, peak in enumerate(peaks):
            config = changed(base, {PEAK: peak}, location="bench")
            run(config.model_copy(update={"output": f"{folder}/loop{number}"}))
        found["loop_s"] = (time.perf_counter() - since) / len(peaks)
        say(f"plain loop: {found['loop_s']:.1f} s a training")
        since = time.perf_counter()
        trials, _ = sweep_trainings(parse_config(SweepConfig, tree, "bench"), Again())
        found["sweep_s"] = (time.perf_counter() - since) / len(peaks)
        say(f"sweep: {found['sweep_s']:.1f} s a training")
    assert [trial.state for trial in trials] == ["finished"] * len(peaks)
    return found


def _decodings(folder: Path, num_songs: int, num_points: int, say: Callable[[str], None]) -> dict[str, Any]:
    songs = {f"Song {seed}": a_song(seed) for seed in range(num_songs)}
    write_hits(folder / "songs", {name: hits for name, (hits, _) in songs.items()})
    (folder / "activations").mkdir()
    for name, (_, heard) in songs.items():
        (folder / "activations" / f"{name}.npz").write_bytes(heard.to_bytes())
    tree = {
        "truth": {"roots": [{"uri": str(folder / "songs")}]},
        "system": {"name": "model", "activations": str(folder / "activations"), "decoding": "default"},
    }
    config = parse_config(DecodingsConfig, tree, "bench")
    cases = development_songs(config)
    judge = DecodeScorer(cases, config)
    space = {"threshold": ParameterConfig(uniform=(0.1, 0.7)), "spacing_ms": ParameterConfig(uniform=(20.0, 60.0))}
    base = config.system.decoding
    decodings = [
        changed(base, point, location="bench") for point in itertools.islice(draws(Space.of(space), 0), num_points)
    ]
    judge.counts(decodings[0])
    points_s = _per_cpu_second(decodings, judge.counts)

    def plain(decoding: DecodeConfig) -> None:
        for case in cases:
            heard = Activations.from_bytes(read_bytes(case.activations), case.activations)
            truth = case.reference.read()
            tally(truth.events, decode([heard], decoding).events, unannotated=truth.unannotated)

    plain_s = _per_cpu_second(decodings[:3], plain)
    say(f"{points_s:.1f} points a CPU second, {plain_s:.2f} song by song")
    num_strokes = sum(len(hits) for hits, _ in songs.values())
    minutes = num_songs * SECONDS / 60
    return {"points_s": points_s, "plain_s": plain_s, "songs": num_songs, "strokes": num_strokes, "minutes": minutes}


def _per_cpu_second(decodings: list[DecodeConfig], judge: Callable[[DecodeConfig], object]) -> float:
    since = time.process_time()
    for decoding in decodings:
        judge(decoding)
    return len(decodings) / (time.process_time() - since)
