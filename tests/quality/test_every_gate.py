"""Every gate of every command: at its limit it passes, a millionth beyond it fails. None is forgotten."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.quality.files import write_dataset, write_lines

from drumline.commands import collect, manifests, mine, quality
from drumline.core.config import Config, parse_config
from drumline.quality.gates import Gate
from drumline.quality.health import check as health_check
from drumline.quality.outcome import CheckResult, publish

A_MILLIONTH = 1e-6
Tree = dict[str, Any]


def hit(label: str, at_s: float, **more: Any) -> Tree:
    told = {"audio_path": "a.wav", "session_id": "s", "onset_time": at_s, "split": "train"}
    return told | {"components": [{"label": label, "velocity": 0.5}], **more}


EVENTS = [
    *(hit("kick", n / 4) for n in range(8)),
    hit("kick", 0.0, is_synthetic=True),
    hit("gong", 3.0, session_id="t", techniques=["flam", "xyz"]),
]


def events(folder: Path) -> str:
    return write_lines(folder / "events.jsonl", EVENTS)


def alignment(folder: Path) -> Tree:
    rng = np.random.default_rng(0)
    clicks = np.zeros(44_100 * 15)
    for at in np.arange(1, 28) * 22_050 + rng.integers(-900, 900, 27):
        clicks[at : at + 2_000] += rng.standard_normal(2_000) * np.exp(-np.arange(2_000) / 300)
    mics = {name: str(folder / f"{name}.wav") for name in ("one", "two")}
    soundfile.write(mics["one"], 0.2 * clicks, 44_100)
    soundfile.write(mics["two"], 0.1 * np.roll(clicks, 5), 44_100)
    told = [(5.0, "aligned", 100.0), (20.0, "forced", 10.0), (2.0, "unconfirmed", 0.0)]
    songs = [
        {"song_id": str(n), "key": f"r/{n}", "domain": "mix", "alignment": verdict, "residual_ms": off, "num_hits": 1,
         "drift_ppm": drift}
        for n, (off, verdict, drift) in enumerate(told)
    ]  # fmt: skip
    return {"mics": mics, "dataset": write_dataset(folder / "set", songs)}


def bootstrap(folder: Path) -> Tree:
    truth = [{"sample_id": str(n), "labels": ["kick", "snare"][n % 2 :], "openness": 0.5, "velocity": 0.5}
             for n in range(8)]  # fmt: skip
    files = {
        name: write_lines(
            folder / f"{name}.jsonl",
            [{"sample_id": str(n), "labels": ["kick"] * (n % 3 > 0) + ["snare"], "openness_pred": n / 10 * scale,
              "velocity_pred": 0.4 * scale} for n in range(8)],
        )
        for name, scale in (("predictions", 1.0), ("baseline", 0.5))
    }  # fmt: skip
    return {"truth": write_lines(folder / "truth.jsonl", truth), **files, "draws": {"num_draws": 100}}


def boundaries(folder: Path) -> Tree:
    truth = [{"sample_id": str(n), "labels": ["kick"], "edge": ("leading", "trailing")[n % 2]} for n in range(6)]
    told, whole = ([{"sample_id": str(n), "labels": ["kick"] * (n >= k)} for n in range(6)] for k in (2, 1))
    files = {"labels": truth, "predictions": told, "whole_file": whole}
    paths = {name: write_lines(folder / f"{name}.jsonl", rows) for name, rows in files.items()}
    return paths | {"draws": {"num_draws": 100}}


def health_report(folder: Path, rows: list[Tree]) -> str:
    events_file = write_lines(folder / "e.jsonl", rows)
    (folder / "m.json").write_text(json.dumps({"split_durations_seconds": {"train": 360 * len(rows)}}))
    config = health_check.HealthConfig(events=events_file, metadata=str(folder / "m.json"))
    publish(health_check.run(config), str(folder))
    return str(folder / "report.json")


def health(folder: Path) -> Tree:
    (folder / "m.json").write_text('{"split_durations_seconds": {"train": 1800}}')
    (folder / "t.json").write_text('{"techniques": [{"id": "flam"}]}')
    return {
        "events": events(folder), "metadata": str(folder / "m.json"), "taxonomy": str(folder / "t.json"),
        "required_labels": ["kick"], "required_techniques": ["flam"],
    }  # fmt: skip


def collecting(folder: Path) -> Tree:
    for name, level in (("kick", 0.1), ("snare", 0.0), ("gong", 0.1)):
        (folder / "shots" / name).mkdir(parents=True)
        soundfile.write(folder / "shots" / name / "1.wav", np.full(800, level), 8_000)
    return {"collection": str(folder / "c"), "folders": [str(folder / "shots")], "dry_run": True}


def collection(folder: Path) -> Tree:
    rows = [hit("kick", 0.0, sample_id=str(n), session_id=f"s{n}", audio_path=f"audio/{n}.wav") for n in range(12)]
    (folder / "c" / "audio").mkdir(parents=True)
    for name in (*range(11), "stray"):
        soundfile.write(folder / "c" / "audio" / f"{name}.wav", np.full(800, 0.1), 8_000)
    write_lines(folder / "c" / "events.jsonl", [*rows, hit("crash", 0.0, sample_id="x", audio_path="audio/0.wav")])
    return {"collection": str(folder / "c")}


def openness(folder: Path) -> Tree:
    curve = {"curve_id": "c", "breakpoints": [{"raw": 0, "normalized": 0}, {"raw": 127, "normalized": 1}]}
    (folder / "c.json").write_text(json.dumps({"vendors": {"a": {"b": curve}}}))
    parts = [{"openness_raw": 200, "openness_curve_id": "c", "openness": 0.4}, {"openness_raw": 1}]
    rows = [hit("kick", n, components=[{"label": "hihat_open"} | part]) for n, part in enumerate(parts)]
    return {"events": write_lines(folder / "h.jsonl", rows), "curves": str(folder / "c.json")}


def negatives(folder: Path) -> Tree:
    told = [{"sample_id": str(n), "predicted_labels": ["kick"], "confidence": n / 10} for n in range(10)]
    return {"samples": {"predictions": write_lines(folder / "p.jsonl", told)}}


def open_set(folder: Path) -> Tree:
    truth = [{"sample_id": str(n), "is_known": n % 2 == 0} for n in range(12)]
    told = [{"sample_id": str(n), "scores": {"kick": (n * 7 % 12) / 12}} for n in range(12)]
    paths = {"truth": write_lines(folder / "t.jsonl", truth), "predictions": write_lines(folder / "p.jsonl", told)}
    return paths | {"draws": {"num_draws": 100}}


CASES: Mapping[str, tuple[str, str, Callable[[Path], Tree], tuple[str, ...]]] = {
    # command: (module, configuration, its input, sections that hold limits)
    "check alignment": ("alignment.check", "AlignmentCheckConfig", alignment, ("gates", "charts")),
    "check bootstrap": ("bootstrap.check", "BootstrapCheckConfig", bootstrap, ("gates",)),
    "check boundaries": ("boundaries.check", "BoundariesConfig", boundaries, ("gates",)),
    "check health": ("health.check", "HealthConfig", health, ("gates",)),
    "check open-set": ("open_set", "OpenSetConfig", open_set, ("gates",)),
    "compare health": (
        "health.compare", "CompareHealthConfig",
        lambda f: {"candidate": health_report(f / "a", EVENTS[3:]), "baseline": health_report(f / "b", EVENTS)},
        ("gates",),
    ),
    "compare manifests": (
        "compare_manifests", "CompareManifestsConfig",
        lambda f: {"candidate": write_lines(f / "a.jsonl", [*EVENTS[:-1], hit("crash", 9.0)]), "baseline": events(f)},
        ("gates",),
    ),
    "make boundary-pack": (
        "boundaries.pack", "BoundaryPackConfig",
        lambda f: {"events": events(f), "windows": {"window_ms": 500, "hop_ms": 250, "margin_ms": 60}}, ("gates",),
    ),
    "merge manifests": (
        "manifests.merge", "MergeConfig",
        lambda f: {"events": [write_lines(f / "a.jsonl", [hit("kick", 0, sample_id="x", drummer_id="1")]),
                              write_lines(f / "b.jsonl", [hit("kick", 1, sample_id="x", drummer_id="2")] * 2)]},
        ("gates",),
    ),
    "annotate techniques": (
        "techniques.annotate", "AnnotateConfig",
        lambda f: health(f) and {"events": events(f), "taxonomy": str(f / "t.json"), "required": ["flam"]}, ("gates",),
    ),
    "normalize openness": ("manifests.openness", "OpennessConfig", openness, ("gates",)),
    "derive weights": (
        "manifests.weights", "DeriveWeightsConfig",
        lambda f: {"events": events(f), "rule": {"min_weight": 0.5}}, ("gates",),
    ),
    "collect add": (
        "collect.add", "AddConfig",
        lambda f: collecting(f) and {"collection": str(f / "c"), "audio": str(f / "shots" / "kick" / "1.wav"),
                                     "onset_s": 0.01, "components": ["kick"], "dry_run": True}, ("gates",),
    ),
    "collect import": ("collect.importing", "ImportConfig", collecting, ("gates",)),
    "collect stats": ("collect.stats", "StatsConfig", collection, ("gates",)),
    "collect export": ("collect.export", "ExportCollectionConfig", collection, ("gates",)),
    "mine negatives": ("negatives.mine", "MineNegativesConfig", negatives, ("gates",)),
}  # fmt: skip
ELSEWHERE = {"check ready", "collect extract"}
"""The gates of its steps; those of `collect add`."""


def commands() -> set[str]:
    groups = (quality.check, quality.compare, quality.make, manifests.merge, manifests.annotate, manifests.normalize,
              manifests.derive, collect.collect, mine.mine)  # fmt: skip
    return {f"{group.name} {name}" for group in groups for name in group.commands}


def test_every_command_has_a_case() -> None:
    assert CASES.keys() | ELSEWHERE == commands()


def limits_of(model: type[Config]) -> list[str]:
    return [name for name, field in model.model_fields.items() if "Limit" in str(field.annotation)]


@dataclass(frozen=True)
class Command:
    """A command with its input."""

    check: Callable[[Any], CheckResult]
    model: type[Config]
    tree: Tree
    limits: Mapping[str, list[str]]
    """Section -> its fields that hold limits."""

    def gates(self, limits: Tree) -> dict[str, Gate]:
        """The gates of a run with these limits, by name."""
        report = self.check(parse_config(self.model, self.tree | limits, location="test")).report
        return {gate.name: gate for gate in report.gates}

    def location(self, gate: str) -> tuple[str, ...] | None:
        """Where a gate's limit stands in the configuration; None where the input asks for it by itself."""
        words = gate.split(".")
        for section, fields in self.limits.items():
            for at, word in enumerate(words):
                if word in fields:
                    return section, word, *([".".join(words[at + 1 :])] if word in KEYED else [])
        return None


KEYED = {"f": "kick", "delta": "f_macro", "recall": "kick", "hours": "train"}
"""Sections of limits by name, and one of the names."""


def opened(command: str, folder: Path) -> Command:
    module, name, make, sections = CASES[command]
    package = import_module(f"drumline.quality.{module}")
    model = getattr(package, name)
    writes = {"output": str(folder / "out"), "dry_run": True}
    tree = {**{key: value for key, value in writes.items() if key in model.model_fields}, **make(folder)}
    limits = {section: limits_of(model.model_fields[section].annotation) for section in sections}
    return Command(package.run, model, tree, limits)


def set_at(places: Mapping[tuple[str, ...], Tree]) -> Tree:
    """A configuration's sections with limits at these places."""
    tree: Tree = {}
    for location, limit in places.items():
        node = tree
        for word in location[:-1]:
            node = node.setdefault(word, {})
        node[location[-1]] = limit
    return tree


@pytest.mark.parametrize("command", CASES)
def test_at_its_limit_it_passes_and_beyond_it_fails(command: str, tmp_path: Path) -> None:
    one = opened(command, tmp_path)
    fields = [(section, field) for section, own in one.limits.items() for field in own]
    wide = {
        (*location, KEYED[location[1]]) if location[1] in KEYED else location: {"at_most": 1e9} for location in fields
    }
    measured = {name: gate.value for name, gate in one.gates(set_at(wide)).items() if gate.value is not None}
    first: dict[tuple[str, ...], str] = {}  # one gate of each limit: label_drop judges every label
    for name in measured:
        if location := one.location(name):
            first.setdefault(location, name)
    assert {location[:2] for location in first} == set(fields), "a gate that measures nothing here"
    for rule, off, verdict in (
        ("at_least", 0.0, "passed"), ("at_least", A_MILLIONTH, "failed"),
        ("at_most", 0.0, "passed"), ("at_most", -A_MILLIONTH, "failed"),
    ):  # fmt: skip
        gates = one.gates(set_at({location: {rule: measured[name] + off} for location, name in first.items()}))
        assert {name: gates[name].verdict for name in first.values()} == dict.fromkeys(first.values(), verdict)
