"""One model on several conditions: every corpus as drums alone and as full mix, and music without drums.

A *condition* is a set of recordings of one kind, with its truth and the stored predictions of other systems. The
headline is the mean over conditions of the micro F-measure, so that no corpus drowns the rest. Intervals come from
drawing recordings within each condition (`metrics.bootstrap`).

The model writes its predictions below ``output`` and is then judged from its files, like any other system.
"""

import glob
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field, model_validator
from tqdm import tqdm

from drumline.core.artifacts import join, write_bytes
from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.evaluation.config import EvaluationConfig, ScoringConfig, SystemConfig
from drumline.evaluation.predict import hits_as_json
from drumline.evaluation.references import ReferenceConfig
from drumline.evaluation.scoring import find_cases, score_cases
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.metrics.events import Events
from drumline.metrics.scores import micro, scores
from drumline.metrics.tally import columns_of
from drumline.metrics.vocabulary import LABEL_NAMES, VOCABULARIES

Transcribe = Callable[[Sequence[Path]], tuple[Events, float]]
"""Files that sound together -> hits, and the duration [s]."""

_VOCABULARY: Final = "5"
_WINDOW_S: Final = 0.05
_CLASSES: Final = VOCABULARIES[_VOCABULARY].classes


class ConditionConfig(Config):
    """Recordings of one kind."""

    name: str
    """What the tables call it."""
    recordings: tuple[str, ...] = Field(min_length=1)
    """Files or glob patterns. Of folders, all audio files together are one recording (drums and backing, say)."""
    truth: ReferenceConfig
    """The annotation."""
    systems: tuple[SystemConfig, ...] = ()
    """Others that are judged on the same recordings, from their files; one name may have several."""
    counts: bool = True
    """Whether it belongs to the mean over conditions."""


class ConditionsConfig(Config):
    """A model and the conditions that it is judged on: ``configs/evaluate_model/dev.yaml``."""

    name: str
    """The report's title."""
    model: str = ""
    """A package, by name or folder; the released one if empty."""
    preset: str = ""
    """How activations become hits; the package's own if empty."""
    checkpoint: str = ""
    """A training checkpoint instead of a package, or a training run's output: then its best."""
    calibration: str = ""
    """Of a checkpoint: its ``class_thresholds.json``."""
    conditions: tuple[ConditionConfig, ...] = Field(min_length=1)
    """What the model is judged on."""
    drumless: tuple[str, ...] = ()
    """Recordings without drums, files or glob patterns: every hit in them is false."""
    rival: str = ""
    """The system that the model is compared with, in every condition that has it."""
    output: str
    """A local folder for the predictions and the report."""
    bootstrap: BootstrapConfig = BootstrapConfig()

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.checkpoint and (self.model or self.preset):
            raise ValueError("set either `checkpoint` or `model` and `preset`")
        if self.calibration and not self.checkpoint:
            raise ValueError("`calibration` belongs to a `checkpoint`; a package has its own")
        if len({condition.name for condition in self.conditions}) < len(self.conditions):
            raise ValueError("conditions: two have the same name")
        return self


@dataclass(frozen=True)
class ConditionScore:
    """The model, and perhaps its rival, in one condition."""

    name: str
    counts: NDArray[np.int64]
    """[recordings, classes, (TP, FP, FN)]."""
    rival: NDArray[np.int64] | None
    """Likewise, of the same recordings."""
    in_mean: bool


@dataclass(frozen=True)
class Conditions:
    """What was found. F-measures are shares."""

    scores: tuple[ConditionScore, ...]
    false_hits: dict[str, int]
    """Class -> hits in recordings without drums."""
    drumless_minutes: float
    headline: dict[str, float]
    """``f``, ``f_low``, ``f_high``: the mean over conditions; with a rival ``rival_f``, ``delta`` and its limits."""
    table: str
    """As Markdown."""


def is_conditions(path: str | Path) -> bool:
    """Whether a YAML file is a `ConditionsConfig` rather than an `EvaluationConfig`."""
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return False  # whoever reads it says what is wrong
    return isinstance(tree, dict) and "conditions" in tree


def judge_conditions(config: ConditionsConfig, transcribe: Transcribe, *, system: str) -> Conditions:
    """Transcribe and judge every condition; write ``report.json``, ``report.md`` and the predictions.

    Parameters
    ----------
    config
        The conditions.
    transcribe
        The model.
    system
        What the tables call the model.

    Raises
    ------
    ConfigError
        If a pattern matches nothing, or a truth or predictions are missing.
    """
    found = {condition.name: _recordings(condition.recordings) for condition in config.conditions}
    drumless = _recordings(config.drumless) if config.drumless else []
    total = sum(map(len, found.values())) + len(drumless)
    with tqdm(total=total, unit="recording", desc="transcribing", mininterval=1.0) as progress:
        for condition in config.conditions:
            for name, files in found[condition.name]:
                events, duration_s = transcribe(files)
                uri = join(config.output, "predictions", condition.name, f"{name}.json")
                write_bytes(uri, json.dumps(hits_as_json(events, duration_s)).encode())
                progress.update()
        false_hits = np.zeros(len(LABEL_NAMES), dtype=np.int64)
        seconds = 0.0
        for _, files in drumless:
            events, duration_s = transcribe(files)
            false_hits += np.bincount(events.label, minlength=len(LABEL_NAMES))
            seconds += duration_s
            progress.update()
    judged = tuple(_score(condition, config, system) for condition in config.conditions)
    result = Conditions(
        judged,
        {label: int(count) for label, count in zip(LABEL_NAMES, false_hits, strict=True) if count},
        seconds / 60,
        _headline(judged, config.bootstrap),
        "",
    )
    result = Conditions(**{**result.__dict__, "table": _table(result, config, system)})
    write_bytes(join(config.output, "report.json"), json.dumps(_as_json(result, system), indent=1).encode())
    write_bytes(join(config.output, "report.md"), result.table.encode())
    return result


def _recordings(patterns: Sequence[str]) -> list[tuple[str, list[Path]]]:
    """Name and files of each recording. Raises ConfigError for a pattern without any."""
    found: dict[str, list[Path]] = {}
    for pattern in patterns:
        paths = [Path(path) for path in sorted(glob.glob(pattern, recursive=True))] or [Path(pattern)]
        for path in paths:
            files = sorted(path.glob("*.flac")) if path.is_dir() else [path]
            if not files or not all(file.is_file() for file in files):
                raise ConfigError(f"{pattern}: no such recording")
            name = path.name if path.is_dir() else path.stem.partition(".")[0]
            found[str(path) if name in found else name] = files
    return list(found.items())


def _score(condition: ConditionConfig, config: ConditionsConfig, system: str) -> ConditionScore:
    ours = _counts(
        condition, SystemConfig(name=system, predictions=join(config.output, "predictions", condition.name)), config
    )
    rival: dict[str, NDArray[np.int64]] = {}
    for other in condition.systems:
        if other.name == config.rival:
            rival |= _counts(condition, other, config)
    songs = sorted(set(ours) & set(rival or ours))
    return ConditionScore(
        condition.name,
        np.stack([ours[song] for song in songs]),
        np.stack([rival[song] for song in songs]) if rival else None,
        condition.counts,
    )


def _counts(condition: ConditionConfig, system: SystemConfig, config: ConditionsConfig) -> dict[str, NDArray[np.int64]]:
    """Counts [classes, (TP, FP, FN)] of a system by recording. Raises ConfigError where one cannot be read."""
    evaluation = EvaluationConfig(
        name=condition.name,
        truths=(condition.truth,),
        systems=(system,),
        output=config.output,
        unmatched="ignore",
        scoring=ScoringConfig(windows_s=(_WINDOW_S,), vocabulary=_VOCABULARY),
    )
    scored = score_cases(find_cases(evaluation), evaluation)
    if scored.unread:
        raise ConfigError(f"{condition.name}: {scored.unread[0].song}: {scored.unread[0].reason}")
    songs = scored.songs[condition.truth.name, system.name]
    return {song.song: song.counts[0, columns_of(_VOCABULARY)] for song in songs}


def _headline(judged: Sequence[ConditionScore], config: BootstrapConfig) -> dict[str, float]:
    """Means over conditions and their limits, recordings drawn within each condition."""
    counted = [score for score in judged if score.in_mean]
    random = np.random.default_rng(config.seed)
    means, deltas = [], []
    tail = (1 - config.level) / 2
    for draw in range(config.num_draws + 1):  # the first draw is the recordings as they are
        ours, theirs = [], []
        for score in counted:
            num = len(score.counts)
            chosen = np.arange(num) if draw == 0 else random.integers(num, size=num)
            ours.append(_micro_f(score.counts[chosen]))
            if score.rival is not None:
                theirs.append((ours[-1], _micro_f(score.rival[chosen])))
        means.append(float(np.mean(ours)))
        deltas.append(
            [float(np.mean([f - r for f, r in theirs])), float(np.mean([r for _, r in theirs]))] if theirs else []
        )
    low, high = np.quantile(means[1:], [tail, 1 - tail])
    headline = {"f": means[0], "f_low": float(low), "f_high": float(high)}
    if deltas[0]:
        d_low, d_high = np.quantile([delta for delta, _ in deltas[1:]], [tail, 1 - tail])
        headline |= {
            "rival_f": deltas[0][1],
            "delta": deltas[0][0],
            "delta_low": float(d_low),
            "delta_high": float(d_high),
        }
    return headline


def _delta_limits(score: ConditionScore, config: BootstrapConfig) -> tuple[float, float]:
    assert score.rival is not None
    random = np.random.default_rng(config.seed)
    num, tail = len(score.counts), (1 - config.level) / 2
    draws = [
        _micro_f(score.counts[chosen]) - _micro_f(score.rival[chosen])
        for chosen in random.integers(num, size=(config.num_draws, num))
    ]
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def _micro_f(counts: NDArray[np.int64]) -> float:
    return float(micro(counts.sum(axis=0).astype(np.float64)).f)


def _class_f(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return scores(counts.sum(axis=0).astype(np.float64)).f


def _table(result: Conditions, config: ConditionsConfig, system: str) -> str:
    rival = config.rival or "–"
    head = [
        "condition",
        "recordings",
        system,
        rival,
        "difference (interval)",
        *(f"{name} (of {rival})" for name in _CLASSES),
    ]
    rows = []
    for score in result.scores:
        f, classes = _micro_f(score.counts), _class_f(score.counts)
        if score.rival is None:
            told = [_percent(f), "–", "–", *(_percent(value) for value in classes)]
        else:
            other, others = _micro_f(score.rival), _class_f(score.rival)
            low, high = _delta_limits(score, config.bootstrap)
            told = [
                _percent(f), _percent(other), f"{100 * (f - other):+.1f} ({100 * low:+.1f} to {100 * high:+.1f})",
                *(f"{_percent(mine)} ({_percent(its)})" for mine, its in zip(classes, others, strict=True)),
            ]  # fmt: skip
        rows.append([score.name + ("" if score.in_mean else " (not in the mean)"), str(len(score.counts)), *told])
    h = result.headline
    mean = [
        "**mean over conditions**",
        "",
        f"**{_percent(h['f'])}** ({_percent(h['f_low'])} to {_percent(h['f_high'])})",
    ]
    if "delta" in h:
        mean += [
            _percent(h["rival_f"]),
            f"{100 * h['delta']:+.1f} ({100 * h['delta_low']:+.1f} to {100 * h['delta_high']:+.1f})",
        ]
    rows.append(mean + [""] * (len(head) - len(mean)))
    lines = [f"{config.name}: micro F-measure in %, five classes, ±50 ms.", "", _row(head), "|" + "---|" * len(head)]
    lines += [_row(row) for row in rows]
    if result.drumless_minutes:
        per_minute = {name: count / result.drumless_minutes for name, count in result.false_hits.items()}
        worst = ", ".join(
            f"{name} {rate:.1f}" for name, rate in sorted(per_minute.items(), key=lambda item: -item[1])[:4]
        )
        lines += [
            "",
            f"Music without drums, {result.drumless_minutes:.0f} minutes: "
            f"{sum(per_minute.values()):.1f} false hits per minute{f' ({worst})' if worst else ''}.",
        ]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _percent(value: float) -> str:
    return "–" if np.isnan(value) else f"{100 * value:.1f}"


def _as_json(result: Conditions, system: str) -> dict[str, object]:
    def of(counts: NDArray[np.int64]) -> dict[str, object]:
        sums = counts.sum(axis=0)
        values = scores(sums.astype(np.float64))
        return {
            "f": round(_micro_f(counts), 5),
            "classes": {
                name: {"tp": int(tp), "fp": int(fp), "fn": int(fn), "f": None if np.isnan(f) else round(float(f), 5)}
                for name, (tp, fp, fn), f in zip(_CLASSES, sums, values.f, strict=True)
            },
        }

    return {
        "system": system,
        "headline": {name: round(value, 5) for name, value in result.headline.items()},
        "conditions": {
            score.name: {
                "recordings": len(score.counts),
                "in_mean": score.in_mean,
                "system": of(score.counts),
                "rival": of(score.rival) if score.rival is not None else None,
            }
            for score in result.scores
        },
        "drumless": {
            "minutes": round(result.drumless_minutes, 3),
            "false_hits": result.false_hits,
            "per_minute": round(sum(result.false_hits.values()) / result.drumless_minutes, 4)
            if result.drumless_minutes
            else None,
        },
    }
