"""Fast scoring of many decoder settings on one development set: the scores of a full evaluation, 100 times faster.

The peaks of each song above a low threshold are found once (`decoding.peak_picking.candidates`); decoder settings only
select among them. Songs are placed one after the other on one time line, with gaps larger than any matching window, so
that one pass over arrays decodes and scores them all.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.artifacts import read_bytes
from drumline.core.errors import ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import VOCABULARIES
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import PeakCandidates, Peaks, find_candidates, select_hits, threshold_of
from drumline.evaluation.references import ReferenceSong, find_references
from drumline.evaluation.scoring import predictions_of
from drumline.metrics.scores import COUNTS, macro, micro
from drumline.metrics.tally import tally_one
from drumline.tuning.config import DecodingsConfig

_FLOOR: Final = 0.05
"""Threshold of candidates, unless decoder settings use a lower one."""
_SONG_GAP_S: Final = 5.0
"""Gap between two songs on the time line [s]: more than any window or spacing."""


@dataclass(frozen=True)
class DevelopmentSong:
    """A song of the development set."""

    reference: ReferenceSong
    """Reference hits."""
    activations: str
    """URI of its activations."""


def development_songs(config: DecodingsConfig) -> list[DevelopmentSong]:
    """List the songs of the development set.

    Raises
    ------
    ConfigError
        Names of references and activations do not match, or there is no song.
    """
    references = find_references(config.truth)
    predictions = predictions_of(config.system, references, unmatched=config.unmatched)
    cases = [
        DevelopmentSong(reference, predictions[reference.name].activations)
        for reference in references
        if reference.name in predictions
    ]
    if missing := next((case.reference.name for case in cases if not case.activations), ""):
        raise ConfigError(f"{missing}: no activations to decode; `unmatched: ignore` leaves such songs out")
    return cases


@dataclass(frozen=True)
class _PlacedSong:
    case: DevelopmentSong
    num_frames: int
    start_frame: int
    """Position on the time line."""


class DecodeScorer:
    """Scores decoder settings on songs of a development set.

    Parameters
    ----------
    cases
        Songs, whose references and activations are read.
    config
        Vocabulary, mean and matching window.

    Raises
    ------
    DrumlineError
        A file is damaged.
    """

    def __init__(self, cases: Sequence[DevelopmentSong], config: DecodingsConfig) -> None:
        self.config = config
        self.vocabulary = VOCABULARIES[config.vocabulary]
        calibration = config.system.calibration
        self.calibration = read_calibration(calibration) if calibration else None
        self.digests: dict[str, str] = {}
        """SHA-256 of activations and reference hits by song name."""
        self._songs: dict[tuple[object, ...], list[_PlacedSong]] = defaultdict(list)
        """Groups that can share a time line: same grid, classes and unannotated classes."""
        self._references: dict[tuple[object, ...], Events] = {}
        self._candidates: dict[tuple[object, ...], tuple[float, PeakCandidates]] = {}
        truths = defaultdict(list)
        for case in cases:
            data = read_bytes(case.activations)
            activations, truth = Activations.from_bytes(data, case.activations), case.reference.read()
            digest = hashlib.sha256(data + truth.events.time_s.tobytes() + truth.events.label.tobytes())
            self.digests[case.reference.name] = digest.hexdigest()
            group = (activations.grid, activations.classes, tuple(sorted(truth.unannotated)))
            songs, rate_hz = self._songs[group], activations.grid.frame_rate_hz
            start = songs[-1].start_frame + songs[-1].num_frames + round(_SONG_GAP_S * rate_hz) if songs else 0
            songs.append(_PlacedSong(case, len(activations.onset), start))
            truths[group].append(truth.events.shifted(start / rate_hz))
        self._references = {group: Events.joined(events) for group, events in truths.items()}

    def counts(self, decoding: DecodeConfig) -> NDArray[np.int64]:
        """Count true positives, false positives and misses of decoder settings, int64 [classes, 3]."""
        total = np.zeros((len(self.vocabulary.classes), len(COUNTS)), np.int64)
        for group in self._songs:
            found = select_hits(self._candidates_of(group, decoding), decoding, self.calibration).events
            window_s, unannotated = self.config.window_s, group[-1]
            assert isinstance(unannotated, tuple)
            total += tally_one(
                self._references[group], found, self.vocabulary, window_s=window_s, unannotated=unannotated
            )
        return total

    def _candidates_of(self, group: tuple[object, ...], decoding: DecodeConfig) -> PeakCandidates:
        """PeakCandidates of a group, searched again if other peak settings or a lower threshold need it."""
        key = (group, decoding.reach_frames, decoding.one_kind)
        _, classes, _ = group
        names = {*decoding.thresholds, *classes, *(self.calibration.labels if self.calibration else ())}  # type: ignore[misc]
        least = min(threshold_of(decoding, self.calibration, name) for name in names)
        known = self._candidates.get(key)
        if known is None or known[0] > least:
            floor = min(least, _FLOOR)
            known = self._candidates[key] = floor, self._search(self._songs[group], decoding, floor)
        return known[1]

    def _search(self, songs: Sequence[_PlacedSong], decoding: DecodeConfig, floor: float) -> PeakCandidates:
        low = decoding.model_copy(update={"threshold": floor, "thresholds": {}, "threshold_log_odds": 0.0})
        calibration = without_thresholds(self.calibration)
        parts: list[Peaks] = []
        for song in songs:
            uri = song.case.activations
            found = find_candidates([Activations.from_bytes(read_bytes(uri), uri)], low, calibration)
            peaks = found.peaks
            # No hit precedes its song, as no hit of a single song precedes 0.
            within = np.maximum(peaks.offset, -peaks.frame.astype(np.float32))
            parts.append(replace(peaks, frame=peaks.frame + song.start_frame, offset=within))
        return replace(found, peaks=Peaks.joined(parts))


def score(counts: NDArray[np.int64], config: DecodingsConfig) -> float:
    """F-measure of counts [classes, 3]; 0 if it is undefined."""
    found = (micro if config.mean == "micro" else macro)(counts).f
    return 0.0 if np.isnan(found) else float(found)


def without_thresholds(calibration: Calibration | None) -> Calibration | None:
    """Copy of a calibration without its thresholds."""
    if calibration is None:
        return None
    bare: Mapping[str, object] = {
        name: label.model_copy(update={"threshold": 0.0}) for name, label in calibration.labels.items()
    }
    return calibration.model_copy(update={"labels": bare})
