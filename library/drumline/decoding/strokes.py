"""Activations, in pieces of any length, to the strokes of a song: peaks, then what only the whole can decide.

1. Each drum has its peaks (``one_kind``), or each class: local maxima that reach a threshold of its own; an onset head
   that is silent there takes them away (``onset_threshold``). Two hits of one are never nearer than its spacing: the
   stronger stays. A drum's activation is the sum of those of its kinds, and its stroke of the likeliest kind: a tom
   that may be high or middle is a tom all the same.
2. A tom and a cymbal within one frame are both kept only if the weaker is nearly as sure (``tom_cymbal_margin``): a
   cymbal's attack over a tom, or a tom's under a cymbal, is the commonest false stroke. Likewise a ride and a crash
   (``ride_crash_margin``): one cymbal is easily taken for both, and few drummers strike both at once.

A hit's time is its frame plus the model's own sub-frame offset. Only peaks are remembered, so memory does not grow with
the song; pieces give what the whole gives.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer
from scipy import ndimage
from scipy.special import expit, logit

from drumline.core.config import Config
from drumline.core.grid import Grid
from drumline.core.taxonomy import BRANCHES
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration
from drumline.decoding.dense import MicroConfig
from drumline.decoding.peaks import maxima, strongest
from drumline.metrics.events import Events

MOST_OFFSET_FRAMES: Final = 1.5
"""What an offset head may add: beyond the neighbouring frame it is wrong."""

_INSTRUMENT: Final = {name: instrument for instrument, states in BRANCHES.items() for name in states}
_TOMS, _CYMBALS = frozenset({"tom"}), frozenset({"hihat", "ride", "crash"})


class DecodeConfig(Config):
    """How activations become hits: these keys, or the name of a preset (``default``, ``conservative``, ``aggressive``)
    that sets them. A calibration (`class_thresholds.json`) stands above the thresholds here."""

    threshold: float = Field(default=0.5, ge=0, le=1)
    """The least activation of a hit, for those not named in ``thresholds``."""
    thresholds: dict[str, float] = Field(default={})
    """By class; with ``one_kind`` by drum (kick, snare, tom, hihat, ride, crash)."""
    spacing_ms: float = Field(default=30.0, ge=0)
    """The least distance of two hits of a class, for classes not named in ``spacings_ms`` [ms]."""
    spacings_ms: dict[str, float] = Field(default={})
    """By class [ms]."""
    reach_frames: int = Field(default=2, ge=1)
    """A maximum is one among so many frames on either side."""
    threshold_log_odds: float = Field(default=0.0, ge=-10, le=10)
    """Added to the log-odds of every threshold, calibrated ones too: above 0 there are fewer hits."""
    onset_threshold: float = Field(default=0.0, ge=0, le=1)
    """What the onset head must say within ``reach_frames`` of a hit; 0 asks nothing."""
    one_kind: bool = False
    """Whether a stroke is found as its drum's and then is of one kind: head or rim, open or closed, one tom."""
    tom_cymbal_margin: float = Field(default=1.0, ge=0, le=1)
    """Of a tom and a cymbal in the same frame or neighbouring ones, the weaker goes if it is less sure by more."""
    ride_crash_margin: float = Field(default=1.0, ge=0, le=1)
    """Likewise of a ride and a crash: at 0 only the surer stays."""
    micro: MicroConfig | None = None
    """Read dense passages again with the package's micro model; null reads once."""

    @property
    def again(self) -> "DecodeConfig":
        """How what the micro model says of a dense passage becomes hits."""
        if self.micro is None:
            return self
        spacing = {"spacing_ms": self.micro.spacing_ms, "spacings_ms": self.micro.spacings_ms}
        return self.model_copy(update={**spacing, "micro": None})

    @model_serializer(mode="wrap")
    def _as_ever(self, told: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is off: a configuration that never heard of it keeps its fingerprint."""
        off = {"threshold_log_odds": 0.0, "onset_threshold": 0.0, "one_kind": False, "tom_cymbal_margin": 1.0,
               "ride_crash_margin": 1.0, "micro": None}  # fmt: skip
        return {name: value for name, value in told(self).items() if name not in off or value != off[name]}


@dataclass(frozen=True)
class Strokes:
    """The hits of a song [N], and what each branch said where they are."""

    events: Events
    branches: Mapping[str, NDArray[np.float32]]
    """Instrument (`taxonomy.BRANCHES`) -> probability of any of its classes [N]; ``onset`` likewise."""


@dataclass(frozen=True)
class Peaks:
    """Peaks of some classes. Every array has a row for each."""

    frame: NDArray[np.int64]
    column: NDArray[np.int64]
    """Of the activations: the class."""
    confidence: NDArray[np.float32]
    offset: NDArray[np.float32]
    velocity: NDArray[np.float32]
    onset: NDArray[np.float32]
    """The greatest onset activation within reach."""
    probability: NDArray[np.float32]
    """[N, C], before the calibration: what the model said of all classes there."""

    def where(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Peaks":
        return Peaks(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    @staticmethod
    def joined(parts: Sequence["Peaks"]) -> "Peaks":
        """Peaks of parts that come one after the other."""
        return Peaks(*(np.concatenate([getattr(each, name) for each in parts]) for name in Peaks.__dataclass_fields__))


@dataclass(frozen=True)
class Candidates:
    """What may be a stroke: all peaks of a song by frame and then by class, some of which `choose` keeps."""

    grid: Grid
    classes: tuple[str, ...]
    peaks: Peaks


def strokes(pieces: Iterable[Activations], config: DecodeConfig, calibration: Calibration | None = None) -> Strokes:
    """The strokes of a song whose activations come in pieces, at least one, one after the other."""
    return choose(candidates(pieces, config, calibration), config, calibration)


def choose(candidates: Candidates, config: DecodeConfig, calibration: Calibration | None = None) -> Strokes:
    """The strokes among candidates that were found with thresholds no higher, and else alike."""
    times_s, found = chosen_peaks(candidates, config, calibration)
    classes = candidates.classes
    events = Events.of(
        times_s,
        [classes[column] for column in found.column],
        velocity=np.clip(found.velocity, 0, 1),
        confidence=found.confidence,
    )
    # An instrument's probability is the sum over its kinds; only a flat network's may go above 1.
    sums = {name: found.probability[:, columns].sum(axis=1) for name, columns in _drums(classes).items()}
    return Strokes(events, {**{name: np.minimum(each, 1.0) for name, each in sums.items()}, "onset": found.onset})


def chosen_peaks(
    candidates: Candidates, config: DecodeConfig, calibration: Calibration | None = None
) -> tuple[NDArray[np.float64], Peaks]:
    """The peaks that become strokes, in order of their times, and these times [N] in seconds."""
    grid, classes, found = candidates.grid, candidates.classes, candidates.peaks
    thresholds = np.zeros(len(classes))
    for name, columns in _voices(classes, config).items():
        thresholds[columns] = threshold_of(config, calibration, name)
    least = thresholds.astype(np.float32)  # as `maxima` compares
    found = found.where((found.confidence >= least[found.column]) & (found.onset >= config.onset_threshold))
    instruments = [_INSTRUMENT[name] for name in classes]
    spacing = [_spacing_frames(config, name, grid) for name in classes]
    for columns in _voices(classes, config).values():
        found = found.where(_apart(found, columns, min(spacing[column] for column in columns)))
    rivals = ((_TOMS, _CYMBALS, config.tom_cymbal_margin), ({"ride"}, {"crash"}, config.ride_crash_margin))
    for some, others, margin in rivals:
        one, other = (np.isin(instruments, list(names))[found.column] for names in (some, others))
        found = found.where(~(_outdone(found, one, other, margin) | _outdone(found, other, one, margin)))

    shift_s = np.zeros(len(classes))
    for name, columns in _voices(classes, config).items():
        shift_s[columns] = _shift_s(calibration, name)
    within = np.clip(found.offset, -MOST_OFFSET_FRAMES, MOST_OFFSET_FRAMES)
    times_s = np.maximum((found.frame + within) / grid.frame_rate_hz + shift_s[found.column], 0.0)
    order = np.argsort(times_s, kind="stable")
    return times_s[order], found.where(order)


def candidates(
    pieces: Iterable[Activations], config: DecodeConfig, calibration: Calibration | None = None
) -> Candidates:
    """What reaches a threshold of the configuration."""
    grid: Grid | None = None
    classes: tuple[str, ...] = ()
    found: list[Peaks] = []
    for start, window, first, last in _windows(pieces, reach=config.reach_frames):
        grid, classes = window.grid, window.classes
        peaks = _peaks_of(window, config, calibration)
        peaks = peaks.where((peaks.frame >= first) & (peaks.frame < last))
        found.append(replace(peaks, frame=peaks.frame + start))
    if grid is None:
        raise ValueError("a song has at least one piece")
    return Candidates(grid, classes, Peaks.joined(found))


def _windows(pieces: Iterable[Activations], *, reach: int) -> Iterator[tuple[int, Activations, int, int]]:
    """Windows of a song: the frame where one begins, it, and which of its frames it can decide.

    A frame is decided by ``reach`` frames on either side, and whether the one before it is as high.
    """
    window, start, decided = None, 0, 0
    for piece in pieces:
        window = piece if window is None else Activations.joined([window, piece])
        last = max(decided, start + len(window.onset) - reach)
        yield start, window, decided - start, last - start
        decided, kept = last, max(start, last - reach - 1)
        window, start = window.cut(kept - start, len(window.onset)), kept
    if window is not None:
        yield start, window, decided - start, len(window.onset)


def _drums(classes: Sequence[str]) -> dict[str, list[int]]:
    """The columns of each instrument."""
    drums: dict[str, list[int]] = {}
    for column, name in enumerate(classes):
        drums.setdefault(_INSTRUMENT[name], []).append(column)
    return drums


def _voices(classes: Sequence[str], config: DecodeConfig) -> dict[str, list[int]]:
    """What has peaks of its own, and its columns."""
    return _drums(classes) if config.one_kind else {name: [column] for column, name in enumerate(classes)}


def _peaks_of(window: Activations, config: DecodeConfig, calibration: Calibration | None) -> Peaks:
    reach, voices = config.reach_frames, _voices(window.classes, config)
    # Only a flat network's sum may go above 1.
    sums = [np.minimum(window.probability[:, columns].sum(axis=1), 1.0) for columns in voices.values()]
    confidence = np.stack(sums, axis=1)
    if calibration is not None:
        confidence = calibration.temper(confidence, tuple(voices)).astype(np.float32)
    onset = ndimage.maximum_filter1d(window.onset, 2 * reach + 1, mode="constant")
    frames, kinds, sure = [], [], []
    for voice, (name, columns) in enumerate(voices.items()):
        found = maxima(confidence[:, voice], threshold=threshold_of(config, calibration, name), reach=reach)
        frames.append(found)
        likely = window.probability[found][:, columns]
        if calibration is not None:
            likely = likely * calibration.weights(name, [window.classes[column] for column in columns])
        kinds.append(np.array(columns)[likely.argmax(axis=1)])
        sure.append(confidence[found, voice])
    frame, column = np.concatenate(frames), np.concatenate(kinds)
    order = np.lexsort((column, frame))
    frame, column = frame[order], column[order]
    return Peaks(
        frame=frame,
        column=column,
        confidence=np.concatenate(sure)[order],
        offset=window.offset[frame],
        velocity=window.velocity[frame, column],
        onset=onset[frame],
        probability=window.probability[frame],
    )


def threshold_of(config: DecodeConfig, calibration: Calibration | None, name: str) -> float:
    """What a peak of a drum or a class must reach."""
    threshold = config.thresholds.get(name, config.threshold)
    if calibration is not None and name in calibration.labels and calibration.labels[name].threshold > 0:
        threshold = calibration.labels[name].threshold
    if not config.threshold_log_odds:
        return threshold
    return float(expit(logit(threshold) + config.threshold_log_odds))


def _shift_s(calibration: Calibration | None, name: str) -> float:
    return calibration.labels[name].offset_s if calibration is not None and name in calibration.labels else 0.0


def _spacing_frames(config: DecodeConfig, name: str, grid: Grid) -> float:
    return config.spacings_ms.get(name, config.spacing_ms) / 1000 * grid.frame_rate_hz


def _apart(found: Peaks, columns: Sequence[int], spacing: float) -> NDArray[np.bool_]:
    """Which peaks stay [N] where those of some classes, taken together, keep their distance in frames."""
    mine = np.isin(found.column, columns)
    stay = ~mine
    stay[mine] = strongest(found.frame[mine], found.confidence[mine], spacing=spacing)
    return stay


def _outdone(found: Peaks, mine: NDArray[np.bool_], others: NDArray[np.bool_], margin: float) -> NDArray[np.bool_]:
    """Which of mine [N] have, within one frame, one of the others that is surer by more than the margin."""
    if not (mine.any() and others.any()):
        return np.zeros(len(mine), dtype=bool)
    loudest = np.zeros(int(found.frame[-1]) + 3, dtype=np.float32)  # a frame more on either side
    for step in (-1, 0, 1):
        np.maximum.at(loudest, found.frame[others] + 1 + step, found.confidence[others])
    return mine & (loudest[found.frame + 1] - found.confidence > margin)
