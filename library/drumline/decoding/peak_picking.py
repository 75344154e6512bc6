"""Peak picking over streamed activations, followed by song-level rules.

1. Peaks are picked per class, or per drum with ``one_kind``: local maxima that reach the class's threshold and have
   enough onset activation (``onset_threshold``). Of two peaks nearer than the class's spacing the stronger stays. A
   drum's activation is the sum over its classes, and the hit gets the likeliest of them: a tom that may be high or
   middle is reported as a tom all the same.
2. Of a simultaneous ride and crash only the more confident is reported (``ride_crash_margin``): one cymbal is easily
   taken for both, and few drummers hit both at once.

A hit's time is its frame plus the model's sub-frame offset. Only peaks are kept in memory, so memory does not grow with
the song, and chunks of any length give the same hits as the whole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit, logit

from drumline.core.grid import Grid
from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import BRANCH_OF
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peaks import maxima, strongest

MAX_OFFSET_FRAMES: Final = 1.5
"""Sub-frame offsets are clipped to this: beyond the neighbouring frame the offset head is wrong."""


@dataclass(frozen=True)
class DecodedHits:
    """Hits of a song [N], and the probability of each branch at each hit."""

    events: Events
    branches: Mapping[str, NDArray[np.float32]]
    """Instrument (`taxonomy.BRANCHES`) -> probability of any of its classes [N]; ``onset`` -> onset activation [N]."""


@dataclass(frozen=True)
class Peaks:
    """Peaks of activations. Every array has one row for each peak."""

    frame: NDArray[np.int64]
    """Frame index from the start of the song."""
    column: NDArray[np.int64]
    """Column of the activations: the class."""
    confidence: NDArray[np.float32]
    """Calibrated activation of the class or drum, 0 to 1."""
    offset: NDArray[np.float32]
    """Sub-frame offset [frames]."""
    velocity: NDArray[np.float32]
    """Velocity, 0 to 1."""
    onset: NDArray[np.float32]
    """Greatest onset activation within reach."""
    probability: NDArray[np.float32]
    """Probability of every class at the peak's frame [N, C], before calibration."""

    def where(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Peaks":
        """The peaks of a mask [N], or at indices."""
        return Peaks(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    @staticmethod
    def joined(parts: Sequence["Peaks"]) -> "Peaks":
        """Concatenate the peaks of consecutive parts."""
        return Peaks(*(np.concatenate([getattr(part, name) for part in parts]) for name in Peaks.__dataclass_fields__))


@dataclass(frozen=True)
class PeakCandidates:
    """All peaks of a song above a low threshold, by frame and then class; `select_hits` keeps some of them."""

    grid: Grid
    classes: tuple[str, ...]
    peaks: Peaks


def decode(chunks: Iterable[Activations], config: DecodeConfig, calibration: Calibration | None = None) -> DecodedHits:
    """Turn the activations of a song into hits.

    Parameters
    ----------
    chunks : iterable of Activations
        Consecutive chunks of one song, at least one, of any length.
    config : DecodeConfig
        Thresholds, spacings and rules.
    calibration : Calibration, optional
        Temperatures, thresholds and time offsets by class; its thresholds replace those of ``config``.

    Returns
    -------
    DecodedHits
        Hits in time order; times in seconds from the start of the first chunk.

    Raises
    ------
    ValueError
        If there is no chunk.

    Examples
    --------
    >>> import numpy as np
    >>> from drumline.core.grid import HIGH
    >>> probability = np.zeros((100, 1), dtype=np.float32)
    >>> probability[50] = 0.9
    >>> flat = np.zeros(100, dtype=np.float32)
    >>> song = Activations(HIGH, ("kick",), probability, flat, flat, probability)
    >>> decode([song], DecodeConfig(threshold=0.5)).events.time_s.round(3)
    array([0.29])
    """
    return select_hits(find_candidates(chunks, config, calibration), config, calibration)


def select_hits(
    candidates: PeakCandidates, config: DecodeConfig, calibration: Calibration | None = None
) -> DecodedHits:
    """Turn candidates into hits; they must have been found with thresholds no higher than the configuration's.

    Parameters and results are those of `decode`, but for the candidates. A parameter sweep finds candidates once and
    selects for every point.
    """
    times_s, found = select_peaks(candidates, config, calibration)
    classes = candidates.classes
    events = Events.of(
        times_s,
        [classes[column] for column in found.column],
        velocity=np.clip(found.velocity, 0, 1),
        confidence=found.confidence,
    )
    # An instrument's probability is the sum over its classes; only a flat network's may exceed 1.
    sums = {name: found.probability[:, columns].sum(axis=1) for name, columns in _drums(classes).items()}
    return DecodedHits(events, {**{name: np.minimum(total, 1.0) for name, total in sums.items()}, "onset": found.onset})


def select_peaks(
    candidates: PeakCandidates, config: DecodeConfig, calibration: Calibration | None = None
) -> tuple[NDArray[np.float64], Peaks]:
    """The peaks that become hits, in time order, and their times [N] in seconds."""
    grid, classes, found = candidates.grid, candidates.classes, candidates.peaks
    thresholds = np.zeros(len(classes))
    for name, columns in _output_classes(classes, config).items():
        thresholds[columns] = threshold_of(config, calibration, name)
    least = thresholds.astype(np.float32)  # as `maxima` compares
    found = found.where((found.confidence >= least[found.column]) & (found.onset >= config.onset_threshold))
    instruments = [BRANCH_OF[name] for name in classes]
    spacing = [_spacing_frames(config, name, grid) for name in classes]
    for columns in _output_classes(classes, config).values():
        found = found.where(_spaced(found, columns, min(spacing[column] for column in columns)))
    is_ride, is_crash = (np.array([name == drum for name in instruments])[found.column] for drum in ("ride", "crash"))
    margin = config.ride_crash_margin
    found = found.where(~(_outranked(found, is_ride, is_crash, margin) | _outranked(found, is_crash, is_ride, margin)))

    shift_s = np.zeros(len(classes))
    for name, columns in _output_classes(classes, config).items():
        shift_s[columns] = _shift_s(calibration, name)
    offset = np.clip(found.offset, -MAX_OFFSET_FRAMES, MAX_OFFSET_FRAMES)
    times_s = np.maximum((found.frame + offset) / grid.frame_rate_hz + shift_s[found.column], 0.0)
    order = np.argsort(times_s, kind="stable")
    return times_s[order], found.where(order)


def find_candidates(
    chunks: Iterable[Activations], config: DecodeConfig, calibration: Calibration | None = None
) -> PeakCandidates:
    """All peaks that reach the configuration's thresholds. Raises ValueError if there is no chunk."""
    grid: Grid | None = None
    classes: tuple[str, ...] = ()
    found: list[Peaks] = []
    for start, window, first, last in _windows(chunks, reach=config.reach_frames):
        grid, classes = window.grid, window.classes
        peaks = _peaks_of(window, config, calibration)
        peaks = peaks.where((peaks.frame >= first) & (peaks.frame < last))
        found.append(replace(peaks, frame=peaks.frame + start))
    if grid is None:
        raise ValueError("a song has at least one chunk")
    return PeakCandidates(grid, classes, Peaks.joined(found))


def _windows(chunks: Iterable[Activations], *, reach: int) -> Iterator[tuple[int, Activations, int, int]]:
    """Windows of a song: first frame, activations, and the range of the window's frames that can be decided.

    A frame is decided by ``reach`` frames on either side, and by whether the one before it is as high.
    """
    window, start, decided = None, 0, 0
    for chunk in chunks:
        window = chunk if window is None else Activations.joined([window, chunk])
        last = max(decided, start + len(window.onset) - reach)
        yield start, window, decided - start, last - start
        decided, kept = last, max(start, last - reach - 1)
        window, start = window.cut(kept - start, len(window.onset)), kept
    if window is not None:
        yield start, window, decided - start, len(window.onset)


def _drums(classes: Sequence[str]) -> dict[str, list[int]]:
    """Instrument -> columns of its classes."""
    drums: dict[str, list[int]] = {}
    for column, name in enumerate(classes):
        drums.setdefault(BRANCH_OF[name], []).append(column)
    return drums


def _output_classes(classes: Sequence[str], config: DecodeConfig) -> dict[str, list[int]]:
    """Drum or class in which peaks are picked -> its columns."""
    return _drums(classes) if config.one_kind else {name: [column] for column, name in enumerate(classes)}


def _peaks_of(window: Activations, config: DecodeConfig, calibration: Calibration | None) -> Peaks:
    reach, output_classes = config.reach_frames, _output_classes(window.classes, config)
    # Only a flat network's sum may exceed 1.
    sums = [np.minimum(window.probability[:, columns].sum(axis=1), 1.0) for columns in output_classes.values()]
    activation = np.stack(sums, axis=1)
    if calibration is not None:
        activation = calibration.temper(activation, tuple(output_classes)).astype(np.float32)
    onset = ndimage.maximum_filter1d(window.onset, 2 * reach + 1, mode="constant")
    frames, likeliest, confidences = [], [], []
    for output, (name, columns) in enumerate(output_classes.items()):
        found = maxima(activation[:, output], threshold=threshold_of(config, calibration, name), reach=reach)
        frames.append(found)
        probability = window.probability[found][:, columns]
        if calibration is not None:
            probability = probability * calibration.weights(name, [window.classes[column] for column in columns])
        likeliest.append(np.array(columns)[probability.argmax(axis=1)])
        confidences.append(activation[found, output])
    frame, column = np.concatenate(frames), np.concatenate(likeliest)
    order = np.lexsort((column, frame))
    frame, column = frame[order], column[order]
    return Peaks(
        frame=frame,
        column=column,
        confidence=np.concatenate(confidences)[order],
        offset=window.offset[frame],
        velocity=window.velocity[frame, column],
        onset=onset[frame],
        probability=window.probability[frame],
    )


def threshold_of(config: DecodeConfig, calibration: Calibration | None, name: str) -> float:
    """Least activation of a hit of a drum or class: the calibration's, else the configuration's, shifted in log-odds.

    Examples
    --------
    >>> threshold_of(DecodeConfig(threshold=0.5, thresholds={"kick": 0.3}), None, "kick")
    0.3
    """
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


def _spaced(found: Peaks, columns: Sequence[int], spacing: float) -> NDArray[np.bool_]:
    """Mask of the peaks [N] that are kept when those of some columns, taken as one class, keep a distance in frames."""
    members = np.isin(found.column, columns)
    stay = ~members
    stay[members] = strongest(found.frame[members], found.confidence[members], spacing=spacing)
    return stay


def _outranked(found: Peaks, members: NDArray[np.bool_], rivals: NDArray[np.bool_], margin: float) -> NDArray[np.bool_]:
    """Mask of the members [N] that have a rival within one frame with a confidence higher by more than the margin."""
    if not (members.any() and rivals.any()):
        return np.zeros(len(members), dtype=bool)
    strongest_rival = np.zeros(int(found.frame[-1]) + 3, dtype=np.float32)  # a frame more on either side
    for step in (-1, 0, 1):
        np.maximum.at(strongest_rival, found.frame[rivals] + 1 + step, found.confidence[rivals])
    return members & (strongest_rival[found.frame + 1] - found.confidence > margin)
