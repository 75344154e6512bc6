"""Fit a `class_thresholds.json` (`decoding.calibration`) on a development set.

For each label that the system outputs, or for each drum where its decoding finds strokes of drums (``one_kind``), in
this order:

1. **offset**: minus the median offset of its right hits, found again after each move until it is stable (a window cuts
   off the far side of a system that is always late);
2. **temperature**: what makes the confidences of its hits most likely, given which were right;
3. **threshold**: the tempered confidence of greatest F among the hits that the decoder keeps at the thresholds of all
   others, a few rounds over (of a ride and a crash at once, say, it keeps one);
4. **kinds**, of a drum: what makes the kinds of the strokes that the decoder finds by these numbers most likely.

All hits come from the decoder that will be used (`evaluation.development_set`): of activations at a low threshold of
the label in question, so that the fitted one may also be below that of the present decoding. ``threshold_log_odds`` of
a preset is added to fitted thresholds, so they are fitted without it; the F that is reported is with it, as an
evaluation finds it. A label with fewer strokes than ``min_strokes`` is left as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from pydantic import Field, model_validator

from drumline.core.config import Config, fingerprint
from drumline.core.errors import DrumlineError
from drumline.core.taxonomy import BRANCHES, LABELS
from drumline.core.vocabularies import LABEL_NAMES
from drumline.decoding.calibration import (
    MOST_OFFSET_S,
    Calibration,
    LabelCalibration,
    refuse_foreign_calibration,
    write_calibration,
)
from drumline.evaluation.config import SystemConfig
from drumline.evaluation.development_set import (
    LOWEST_THRESHOLD,
    Decoded,
    DevelopmentSong,
    Found,
    digest,
    evaluated_f,
    fitted_f,
    outcomes,
    with_lowest_threshold,
)
from drumline.evaluation.kind_shifts import kind_shifts
from drumline.evaluation.pairing import Unmatched
from drumline.evaluation.references import ReferenceConfig, find_references
from drumline.evaluation.scoring import predictions_of
from drumline.metrics.calibration import best_threshold, offset_correction_s, temperature
from drumline.metrics.timing import offsets

_MOST_MOVES: Final = 5
_STABLE_S: Final = 0.0002
_MOST_ROUNDS: Final = 3
"""Fitting rounds of thresholds, which depend on each other only through spacings and margins."""


class CalibrationConfig(Config):
    """Development set, system and quantities of a calibration."""

    truth: ReferenceConfig
    """Development set; of a dataset its validation split, never the test split."""
    system: SystemConfig
    """System whose confidences are calibrated: predictions with confidences, or activations."""
    output: str
    """Calibration file to write: ``.../class_thresholds.json``."""
    window_s: float = Field(default=0.05, gt=0, le=0.2)
    """Largest distance of an estimate from the hit that it matches [s]."""
    temperatures: bool = True
    """Fit temperatures of confidences."""
    thresholds: bool = True
    """Fit thresholds of classes."""
    offsets: bool = True
    """Fit constant time offsets."""
    kinds: bool = True
    """Fit the balance of each drum's articulations, where drums are decoded from activations."""
    min_strokes: int = Field(default=30, ge=1)
    """Least number of hits of a label in the development set; labels with fewer stay uncalibrated."""
    unmatched: Unmatched = "error"
    """Handling of songs without predictions, as in an evaluation."""

    @model_validator(mode="after")
    def _not_on_what_is_judged(self) -> Self:
        if self.truth.dataset and "test" in self.truth.splits:
            raise ValueError("truth.splits: fitting on the test split would invalidate it; use [validation]")
        if self.system.calibration:
            raise ValueError("system.calibration: fit on the system's uncalibrated output")
        return self


@dataclass(frozen=True)
class Fitted:
    """A calibration, and the F-measure of each label on the development set without and with it.

    These are the F-measures of an evaluation of the system without and with the calibration.
    """

    calibration: Calibration
    f: Mapping[str, tuple[float, float]]


def calibrate(config: CalibrationConfig) -> Fitted:
    """Fit a calibration and write it. Raises ConfigError for an unusable configuration, DrumlineError without usable
    hits."""
    refuse_foreign_calibration(config.output)
    songs = read_songs(config)
    fitted = fit(songs, config)
    write_calibration(fitted.calibration, config.output)
    return fitted


def read_songs(config: CalibrationConfig) -> list[DevelopmentSong]:
    """Load the development set. Raises DrumlineError, or ChartError for the first damaged file."""
    references = find_references(config.truth)
    system = config.system
    if system.activations:
        system = system.model_copy(update={"predictions": ""})
    predictions = predictions_of(system, references, unmatched=config.unmatched)
    songs = []
    for reference in references:
        if reference.name in predictions:
            truth = reference.read()
            songs.append(DevelopmentSong(truth.events, truth.unannotated, predictions[reference.name]))
    return songs


def fit(songs: Sequence[DevelopmentSong], config: CalibrationConfig) -> Fitted:
    """Fit every label that the system outputs. Raises DrumlineError if no hit has a confidence."""
    decoding = config.system.decoding
    raw = [song.find(None).decode(with_lowest_threshold(decoding), None) for song in songs]
    if not any(np.isfinite(song.estimate.confidence).any() for song in raw):
        raise DrumlineError(
            f"{config.system.name}: no hit has a confidence; predictions need `confidence`, or give `activations`"
        )
    used = [LABEL_NAMES[label] for label in sorted({int(label) for song in raw for label in song.estimate.label})]
    labels = [name for name in used if LABELS[name]]
    by_drum = bool(config.system.activations) and decoding.one_kind
    names = [drum for drum, kinds in BRANCHES.items() if kinds.keys() & set(labels)] if by_drum else labels
    calibration = Calibration(
        fingerprint=fingerprint(config.model_dump(mode="json", exclude={"output"}), digest(raw)),
        system=config.system.name,
        num_songs=len(songs),
        window_s=config.window_s,
        labels={name: _with_offset_and_temperature(name, raw, config) for name in names},
    )
    if config.thresholds:
        calibration = _with_thresholds(calibration, [song.find(calibration) for song in songs], config)
    if by_drum and config.kinds:
        found = [song.find(calibration) for song in songs]
        shifts = kind_shifts(found, decoding, calibration, min_strokes=config.min_strokes)
        calibration = _updated(calibration, {drum: {"kinds": kinds} for drum, kinds in shifts.items()})
    return Fitted(calibration, _report(dict.fromkeys([*names, *labels]), songs, calibration))


def _report(
    names: Mapping[str, None], songs: Sequence[DevelopmentSong], calibration: Calibration
) -> dict[str, tuple[float, float]]:
    """F-measures without and with the calibration, from the decoding that an evaluation uses."""
    before, after = (
        [Decoded(song.reference, song.prediction.decode(each), song.unannotated) for song in songs]
        for each in (None, calibration)
    )
    window_s = calibration.window_s
    return {name: (evaluated_f(name, before, window_s), evaluated_f(name, after, window_s)) for name in names}


def _with_offset_and_temperature(name: str, raw: Sequence[Decoded], config: CalibrationConfig) -> LabelCalibration:
    songs = [song.only(name) for song in raw]
    judged = [song.judge(name, config.window_s) for song in songs]
    num_strokes = sum(int(each.wanted.sum()) for each in judged)
    label = LabelCalibration(num_references=num_strokes, num_matched=sum(len(each.pairs) for each in judged))
    if num_strokes < config.min_strokes:
        return label
    offset_s = 0.0
    for _ in range(_MOST_MOVES if config.offsets else 0):
        found = [
            offsets(song.reference, song.estimate, judgement=each) for song, each in zip(songs, judged, strict=True)
        ]
        move_s = offset_correction_s(np.concatenate([each.offset_s for each in found]), min_count=config.min_strokes)
        offset_s = float(np.clip(offset_s + move_s, -MOST_OFFSET_S, MOST_OFFSET_S))
        if abs(move_s) < _STABLE_S:
            break
        songs = [Decoded(song.reference, song.estimate.shifted(move_s), song.unannotated) for song in songs]
        judged = [song.judge(name, config.window_s) for song in songs]
    confidence, right = outcomes(songs, judged)
    fitted = temperature(confidence, right) if config.temperatures and len(confidence) else np.nan
    cooling = 1.0 if np.isnan(fitted) else round(float(fitted), 5)
    return label.model_copy(update={"temperature": cooling, "offset_s": round(offset_s, 5)})


def _with_thresholds(calibration: Calibration, found: Sequence[Found], config: CalibrationConfig) -> Calibration:
    """Calibration with the thresholds of the round with the highest mean F-measure."""
    decoding = config.system.decoding.model_copy(update={"threshold_log_odds": 0.0})
    names = [name for name, label in calibration.labels.items() if label.num_references >= config.min_strokes]
    best, best_f = calibration, -1.0
    for _ in range(_MOST_ROUNDS):
        fitted = {name: _threshold(name, calibration, found, config) for name in names}
        changed = _updated(calibration, {name: {"threshold": threshold} for name, threshold in fitted.items()})
        decoded = [song.decode(decoding, changed) for song in found]
        each_f = [fitted_f(name, decoded, config.window_s) for name in names]
        mean_f = sum(f for f in each_f if not np.isnan(f)) / max(1, len(each_f))
        if mean_f > best_f:
            best, best_f = changed, mean_f
        if changed == calibration:
            break
        calibration = changed
    return best


def _threshold(name: str, calibration: Calibration, found: Sequence[Found], config: CalibrationConfig) -> float:
    """Threshold with the highest F-measure while all others are fixed; 0 if undetermined."""
    alone = _updated(calibration, {name: {"threshold": 0.0}})
    decoding = with_lowest_threshold(config.system.decoding, name)
    decoded = [song.decode(decoding, alone).only(name) for song in found]
    confidence, right = outcomes(decoded, [song.judge(name, config.window_s) for song in decoded])
    best = best_threshold(confidence, right, num_reference=calibration.labels[name].num_references).confidence
    if np.isnan(best):
        return 0.0
    return round(max(best, LOWEST_THRESHOLD) if any(song.candidates for song in found) else best, 5)


def _updated(calibration: Calibration, changes: Mapping[str, Mapping[str, object]]) -> Calibration:
    labels = {
        name: label.model_copy(update=dict(changes[name])) if name in changes else label
        for name, label in calibration.labels.items()
    }
    return calibration.model_copy(update={"labels": labels})
