"""One model on several conditions: every corpus as drums alone and as full mix, and music without drums.

A *condition* is a set of recordings of one kind, with its truth and the stored predictions of other systems. The
headline is the mean over conditions of the micro F-measure, so that no corpus drowns the rest. Intervals come from
drawing recordings within each condition (`metrics.bootstrap`).

The model writes its predictions below ``output`` and is then judged from its files, like any other system.
"""

import glob
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from tqdm import tqdm

from drumline.core.artifacts import join, refuse_foreign_json, write_bytes
from drumline.core.config import Config, read_yaml_file
from drumline.core.errors import ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import LABEL_NAMES
from drumline.evaluation.condition_report import (
    VOCABULARY,
    WINDOW_S,
    Conditions,
    ConditionScore,
    as_json,
    as_markdown,
    as_svg,
)
from drumline.evaluation.config import EvaluationConfig, ScoringConfig, SystemConfig
from drumline.evaluation.grids import FindTempo, score_grids
from drumline.evaluation.predictions import hits_as_json
from drumline.evaluation.references import ReferenceConfig
from drumline.evaluation.scoring import Case, find_cases, score_cases
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.metrics.tally import columns_of

Transcribe = Callable[[Sequence[Path]], tuple[Events, float]]
"""Transcription function: simultaneous files -> hits and duration [s]."""


class ConditionConfig(Config):
    """A set of recordings of one kind, with ground truth."""

    name: str
    """Name in the tables."""
    recordings: tuple[str, ...] = Field(min_length=1)
    """Files or glob patterns; all audio files of a folder form one recording (for example drums and backing)."""
    truth: ReferenceConfig
    """Ground truth of the recordings."""
    systems: tuple[SystemConfig, ...] = ()
    """Other systems, evaluated from their files; several entries may have one name."""
    counts: bool = True
    """Whether the condition counts in the mean over conditions."""


class ConditionsConfig(Config):
    """A model and the conditions that it is evaluated on: ``configs/evaluate_model/dev.yaml``."""

    name: str
    """Title of the report."""
    model: str = ""
    """Model package, by name or folder; the released model if empty."""
    preset: str = ""
    """Decoding preset; the package's default if empty."""
    checkpoint: str = ""
    """Training checkpoint, or output folder of a run (its best checkpoint), instead of a package."""
    calibration: str = ""
    """Calibration file ``class_thresholds.json`` of the checkpoint."""
    conditions: tuple[ConditionConfig, ...] = Field(min_length=1)
    """Conditions to evaluate."""
    drumless: tuple[str, ...] = ()
    """Recordings without drums (files or glob patterns), where every hit is a false positive."""
    rival: str = ""
    """Name of the system that the model is compared with, in every condition that has it."""
    output: str
    """Local folder for predictions and report."""
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


def is_conditions(path: str | Path) -> bool:
    """Whether a YAML file is a `ConditionsConfig` rather than an `EvaluationConfig`."""
    try:
        tree = read_yaml_file(path)
    except ConfigError:
        return False  # whoever reads it says what is wrong
    return isinstance(tree, dict) and "conditions" in tree


def judge_conditions(
    config: ConditionsConfig, transcribe: Transcribe, *, system: str, find_tempo: FindTempo | None = None
) -> Conditions:
    """Transcribe and judge every condition; write ``report.json``, ``report.md``, ``report.svg`` and the predictions.

    Parameters
    ----------
    config
        The conditions.
    transcribe
        The model.
    system
        What the tables call the model.
    find_tempo
        Beat tracker whose beats and bars are scored where a truth has a tempo map; None scores none.

    Raises
    ------
    ConfigError
        If a pattern matches nothing, or a truth or predictions are missing.
    """
    refuse_foreign_json(
        join(config.output, "report.json"), keys=("headline", "conditions"), beside=("report.md", "report.svg")
    )
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
    scores = tuple(_score(condition, config, system, find_tempo) for condition in config.conditions)
    named = {label: int(count) for label, count in zip(LABEL_NAMES, false_hits, strict=True) if count}
    result = Conditions(system, config.rival, scores, named, seconds / 60, config.bootstrap)
    write_bytes(join(config.output, "report.json"), json.dumps(as_json(result), indent=1).encode())
    write_bytes(join(config.output, "report.svg"), as_svg(result, title=config.name).encode())
    write_bytes(join(config.output, "report.md"), as_markdown(result, title=config.name).encode())
    return result


def _recordings(patterns: Sequence[str]) -> list[tuple[str, list[Path]]]:
    """Name and files of each recording. Raises ConfigError for a pattern without matches."""
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


def _score(
    condition: ConditionConfig, config: ConditionsConfig, system: str, find_tempo: FindTempo | None
) -> ConditionScore:
    written = SystemConfig(name=system, predictions=join(config.output, "predictions", condition.name))
    evaluation = _evaluation(condition, written, config)
    cases = find_cases(evaluation)
    ours = _counts(cases, evaluation)
    rival: dict[str, NDArray[np.int64]] = {}
    for other in condition.systems:
        if other.name == config.rival:
            of_rival = _evaluation(condition, other, config)
            rival |= _counts(find_cases(of_rival), of_rival)
    songs = sorted(set(ours) & set(rival or ours))
    return ConditionScore(
        condition.name,
        np.stack([ours[song] for song in songs]),
        np.stack([rival[song] for song in songs]) if rival else None,
        condition.counts,
        () if find_tempo is None else score_grids(cases, system, find_tempo),
    )


def _counts(cases: list[Case], evaluation: EvaluationConfig) -> dict[str, NDArray[np.int64]]:
    """Counts [classes, (TP, FP, FN)] of a system by recording. Raises ConfigError if a recording cannot be read."""
    scored = score_cases(cases, evaluation)
    if scored.unread:
        raise ConfigError(f"{evaluation.name}: {scored.unread[0].song}: {scored.unread[0].reason}")
    (truth,), (system,) = evaluation.truths, evaluation.systems
    songs = scored.songs[truth.name, system.name]
    return {song.song: song.counts[0, columns_of(VOCABULARY)] for song in songs}


def _evaluation(condition: ConditionConfig, system: SystemConfig, config: ConditionsConfig) -> EvaluationConfig:
    return EvaluationConfig(
        name=condition.name,
        truths=(condition.truth,),
        systems=(system,),
        output=config.output,
        unmatched="ignore",
        scoring=ScoringConfig(windows_s=(WINDOW_S,), vocabulary=VOCABULARY),
    )
