"""Fit a `class_thresholds.json` (`decoding.calibration`) on a development set.

For each label that the system tells, or for each drum where its decoding finds strokes of drums (``one_kind``), in this
order:

1. **offset**: minus the median offset of its right hits, found again after each move until it stands (a window cuts
   off the far side of a system that is always late);
2. **temperature**: what makes the confidences of its hits most likely, given which were right;
3. **threshold**: the tempered confidence of greatest F;
4. **kinds**, of a drum: what makes the kinds of the strokes that it finds by these numbers most likely.

Hits come from predictions with confidences, or are picked from activations at a low threshold, so that the fitted one
may also lie below that of the present decoding. A label with fewer strokes than ``min_strokes`` is left as it is.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from drumline.core.artifacts import read_bytes
from drumline.core.config import Config, fingerprint
from drumline.core.errors import DrumlineError
from drumline.core.events import UNCLEAR
from drumline.core.taxonomy import BRANCHES, LABELS, labels_within
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import MOST_OFFSET_S, Calibration, LabelCalibration, write_calibration
from drumline.decoding.strokes import Candidates, candidates
from drumline.evaluation.config import SystemConfig
from drumline.evaluation.pairing import Unmatched
from drumline.evaluation.references import ReferenceConfig, find_references
from drumline.evaluation.scoring import predictions_of
from drumline.metrics.calibration import best_threshold, cooled, offset_correction_s, shifts_of_kinds, temperature
from drumline.metrics.events import Events
from drumline.metrics.judgement import Judgement, judge
from drumline.metrics.scores import scores
from drumline.metrics.timing import offsets
from drumline.metrics.vocabulary import LABEL_NAMES, Vocabulary

_MOST_MOVES: Final = 5
_STANDS_S: Final = 0.0002
_WITH_PEDAL: Final = frozenset({"hihat", *BRANCHES["hihat"]} - {"hihat_pedal"})
_LOWEST_PEAK: Final = 0.02
"""Candidates from activations start here."""
_MOST_SHIFT: Final = 2.0
"""Of a kind's log-probability: the development set's shares of kinds are not everybody's."""


class CalibrationConfig(Config):
    """What is fitted, on what."""

    truth: ReferenceConfig
    """The development set. Of a dataset: its validation split, never the test split."""
    system: SystemConfig
    """Whose confidences: predictions that have them, or activations."""
    output: str
    """The file to write: ``.../class_thresholds.json``."""
    window_s: float = Field(default=0.05, gt=0, le=0.2)
    """How near a hit must be to a stroke to count as it [s]."""
    temperatures: bool = True
    """Fit temperatures."""
    thresholds: bool = True
    """Fit thresholds."""
    offsets: bool = True
    """Fit constant offsets."""
    kinds: bool = True
    """Fit how much of each kind a drum tells, where strokes of drums are found in activations."""
    min_strokes: int = Field(default=30, ge=1)
    """Labels with fewer strokes in the development set stay as they are."""
    unmatched: Unmatched = "error"
    """As in an evaluation."""

    @model_validator(mode="after")
    def _not_on_what_is_judged(self) -> Self:
        if self.truth.dataset and "test" in self.truth.splits:
            raise ValueError("truth.splits: what is fitted on the test split cannot be judged on it; use [validation]")
        if self.system.calibration:
            raise ValueError("system.calibration: fit on what the system says by itself")
        return self


@dataclass(frozen=True)
class Song:
    """One song of the development set."""

    reference: Events
    estimate: Events
    unannotated: tuple[str, ...]
    activations: str = ""
    """URI of what the estimate was picked from, if it was."""


@dataclass(frozen=True)
class Fitted:
    """A calibration, and F of each label on the development set without and with it."""

    calibration: Calibration
    f: Mapping[str, tuple[float, float]]


def calibrate(config: CalibrationConfig) -> Fitted:
    """Fit and write. Raises ConfigError where the configuration cannot be run, DrumlineError where no hit can serve."""
    songs = read_songs(config)
    fitted = fit(songs, config)
    write_calibration(fitted.calibration, config.output)
    return fitted


def read_songs(config: CalibrationConfig) -> list[Song]:
    """The development set. Raises DrumlineError, or ChartError for the first file that is damaged."""
    references = find_references(config.truth)
    system = config.system
    if system.activations:
        lowest = {"threshold": _LOWEST_PEAK, "thresholds": {}, "threshold_log_odds": 0.0}
        decoding = system.decoding.model_copy(update=lowest)
        system = system.model_copy(update={"decoding": decoding, "predictions": ""})
    told = predictions_of(system, references, unmatched=config.unmatched)
    songs = []
    for reference in references:
        if reference.name in told:
            truth = reference.read()
            prediction = told[reference.name]
            songs.append(Song(truth.events, prediction.read(), truth.unannotated, prediction.activations))
    return songs


def fit(songs: Sequence[Song], config: CalibrationConfig) -> Fitted:
    """Fit every label that the system tells. Raises DrumlineError where no hit has a confidence."""
    if not any(np.isfinite(song.estimate.confidence).any() for song in songs):
        raise DrumlineError(
            f"{config.system.name}: no hit has a confidence; predictions need `confidence`, or give `activations`"
        )
    used = [LABEL_NAMES[label] for label in sorted({int(label) for song in songs for label in song.estimate.label})]
    names = [name for name in used if LABELS[name]]
    by_drum = bool(config.system.activations) and config.system.decoding.one_kind
    if by_drum:
        names = [drum for drum, kinds in BRANCHES.items() if kinds.keys() & set(names)]
    calibration = Calibration(
        fingerprint=fingerprint(config.model_dump(mode="json", exclude={"output"}), _digest(songs)),
        system=config.system.name,
        num_songs=len(songs),
        window_s=config.window_s,
        labels={name: _fit_label(name, songs, config) for name in names},
    )
    if by_drum and config.kinds:
        calibration = _with_kinds(calibration, songs, config)
    after = [Song(song.reference, calibration.apply(song.estimate), song.unannotated) for song in songs]
    f = {name: (_f(name, songs, config), _f(name, after, config)) for name in names}
    return Fitted(calibration, f)


def _fit_label(name: str, songs: Sequence[Song], config: CalibrationConfig) -> LabelCalibration:
    mine = [_only(song, name) for song in songs]
    offset_s = 0.0
    judged = [_judge(song, name, config) for song in mine]
    strokes = sum(int(each.wanted.sum()) for each in judged)
    matched = sum(len(each.pairs) for each in judged)
    told = LabelCalibration(num_references=strokes, num_matched=matched)
    if strokes < config.min_strokes:
        return told
    for _ in range(_MOST_MOVES if config.offsets else 0):
        found = [
            offsets(song.reference, song.estimate, judgement=each) for song, each in zip(mine, judged, strict=True)
        ]
        move_s = offset_correction_s(np.concatenate([each.offset_s for each in found]), min_count=config.min_strokes)
        offset_s = float(np.clip(offset_s + move_s, -MOST_OFFSET_S, MOST_OFFSET_S))
        if abs(move_s) < _STANDS_S:
            break
        mine = [Song(song.reference, song.estimate.shifted(move_s), song.unannotated) for song in mine]
        judged = [_judge(song, name, config) for song in mine]
    confidence, right = _outcomes(mine, judged)
    if len(confidence) == 0:
        return told.model_copy(update={"offset_s": round(offset_s, 5)})
    t = temperature(confidence, right) if config.temperatures else 1.0
    t = 1.0 if np.isnan(t) else round(t, 5)
    best = best_threshold(cooled(confidence, t), right, num_reference=strokes).confidence
    threshold = best if config.thresholds and not np.isnan(best) else 0.0
    return told.model_copy(update={"temperature": t, "threshold": round(threshold, 5), "offset_s": round(offset_s, 5)})


def _with_kinds(calibration: Calibration, songs: Sequence[Song], config: CalibrationConfig) -> Calibration:
    """The same with what a drum's kinds are shifted by, from the peaks that reach its threshold."""
    heard = [(song, _peaks(song, calibration, config)) for song in songs]
    fitted = {
        drum: label.model_copy(update={"kinds": _fit_kinds(drum, heard, config)})
        for drum, label in calibration.labels.items()
    }
    return calibration.model_copy(update={"labels": fitted})


def _peaks(song: Song, calibration: Calibration, config: CalibrationConfig) -> Candidates:
    activations = Activations.from_bytes(read_bytes(song.activations), song.activations)
    return candidates([activations], config.system.decoding, calibration)


def _fit_kinds(drum: str, heard: Sequence[tuple[Song, Candidates]], config: CalibrationConfig) -> dict[str, float]:
    classes = heard[0][1].classes
    kinds = [kind for kind in BRANCHES[drum] if kind in classes]
    if len(kinds) < 2:
        return {}
    columns = [classes.index(kind) for kind in kinds]
    told, truth = list[NDArray[np.float32]](), list[int]()
    for song, found in heard:
        mine = found.peaks.where(np.isin(found.peaks.column, columns))
        hits = Events.of(mine.frame / found.grid.frame_rate_hz, [classes[column] for column in mine.column])
        pairs = _judge(_only(replace(song, estimate=hits), drum), drum, config).pairs
        played = [LABEL_NAMES[label] for label in song.reference.label[pairs[:, 0]]]
        sure = np.isin(played, kinds)
        told.append(mine.probability[pairs[sure, 1]][:, columns])
        truth += [kinds.index(kind) for kind in played if kind in kinds]
    if len(truth) < config.min_strokes:
        return {}
    shifts = shifts_of_kinds(np.concatenate(told), truth, most=_MOST_SHIFT)
    return dict(zip(kinds, shifts.round(3).tolist(), strict=True))


def _only(song: Song, name: str) -> Song:
    kinds = [LABEL_NAMES.index(kind) for kind in labels_within(name)]
    reference = song.reference
    if name in _WITH_PEDAL:  # nobody is asked for it, and whoever says hi-hat there is not wrong
        pedal, unclear = LABEL_NAMES.index("hihat_pedal"), LABEL_NAMES.index(UNCLEAR)
        reference = replace(reference, label=np.where(reference.label == pedal, unclear, reference.label).astype("i1"))
    return Song(reference, song.estimate.select(np.isin(song.estimate.label, kinds)), song.unannotated)


def _judge(song: Song, name: str, config: CalibrationConfig) -> Judgement:
    """One label as a vocabulary of its own: strokes that may be another kind excuse a hit and are not wanted."""
    alone = Vocabulary(name, {name: LABELS[name]})
    return judge(
        song.reference, song.estimate, vocabulary=alone, window_s=config.window_s, unannotated=song.unannotated
    )


def _outcomes(songs: Sequence[Song], judged: Sequence[Judgement]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidences of scored hits and whether they were right."""
    charged = [each.charged & np.isfinite(song.estimate.confidence) for song, each in zip(songs, judged, strict=True)]
    confidence = [song.estimate.confidence[which] for song, which in zip(songs, charged, strict=True)]
    right = [each.estimate_partner[which] >= 0 for each, which in zip(judged, charged, strict=True)]
    return np.concatenate(confidence).astype(np.float64), np.concatenate(right)


def _f(name: str, songs: Sequence[Song], config: CalibrationConfig) -> float:
    counts = np.zeros(3)
    for song in songs:
        judged = _judge(_only(song, name), name, config)
        right = len(judged.pairs)
        counts += (right, int(judged.charged.sum()) - right, int(judged.wanted.sum()) - right)
    return float(scores(counts).f)


def _digest(songs: Sequence[Song]) -> str:
    """Of every stroke and hit."""
    digest = hashlib.sha256()
    for song in songs:
        for events in (song.reference, song.estimate):
            for column in (events.time_s, events.label, events.confidence):
                digest.update(column.tobytes())
    return digest.hexdigest()
