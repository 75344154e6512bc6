"""Thousands of decodings of one development set, each as good as a whole evaluation and a hundred times faster.

What a song may hold is found once: its peaks above a low threshold (`decoding.strokes.candidates`). A decoding only
chooses among them. Songs stand one after the other on one long time line, far enough apart that no hit of one can meet
a stroke of another, so that one pass over arrays decodes and scores them all.
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
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.strokes import Candidates, DecodeConfig, Peaks, candidates, choose, threshold_of
from drumline.evaluation.references import ReferenceSong, find_references
from drumline.evaluation.scoring import predictions_of
from drumline.metrics.events import Events
from drumline.metrics.scores import COUNTS, macro, micro
from drumline.metrics.tally import tally_one
from drumline.metrics.vocabulary import VOCABULARIES
from drumline.tuning.config import DecodingsConfig

_FLOOR: Final = 0.05
"""Candidates reach this, or the lowest threshold that any decoding so far has asked for."""
_APART_S: Final = 5.0
"""Between two songs on the time line: more than any window, and any spacing."""


@dataclass(frozen=True)
class Case:
    """One song of the development set: small."""

    reference: ReferenceSong
    activations: str
    """URI."""


def cases_of(config: DecodingsConfig) -> list[Case]:
    """The development set. Raises ConfigError where names do not match, or nothing is there."""
    references = find_references(config.truth)
    told = predictions_of(config.system, references, unmatched=config.unmatched)
    cases = [Case(each, told[each.name].activations) for each in references if each.name in told]
    if missing := next((case.reference.name for case in cases if not case.activations), ""):
        raise ConfigError(f"{missing}: no activations to decode; `unmatched: ignore` leaves such songs out")
    return cases


@dataclass(frozen=True)
class _Song:
    case: Case
    num_frames: int
    start_frame: int
    """On the time line."""


class Judge:
    """Some songs of a development set, ready to be decoded in any way."""

    def __init__(self, cases: Sequence[Case], config: DecodingsConfig) -> None:
        """Reads truths and activations. Raises DrumlineError for the first file that is damaged."""
        self.config = config
        self.vocabulary = VOCABULARIES[config.vocabulary]
        calibration = config.system.calibration
        self.calibration = read_calibration(calibration) if calibration else None
        self.digests: dict[str, str] = {}
        """Of what each song's score depends on, by name."""
        self._songs: dict[tuple[object, ...], list[_Song]] = defaultdict(list)
        """Groups that can share a time line: of one grid, and of sources that leave out the same classes."""
        self._references: dict[tuple[object, ...], Events] = {}
        self._candidates: dict[tuple[object, ...], tuple[float, Candidates]] = {}
        truths = defaultdict(list)
        for case in cases:
            data = read_bytes(case.activations)
            heard, truth = Activations.from_bytes(data, case.activations), case.reference.read()
            digest = hashlib.sha256(data + truth.events.time_s.tobytes() + truth.events.label.tobytes())
            self.digests[case.reference.name] = digest.hexdigest()
            group = (heard.grid, heard.classes, tuple(sorted(truth.unannotated)))
            songs, rate_hz = self._songs[group], heard.grid.frame_rate_hz
            start = songs[-1].start_frame + songs[-1].num_frames + round(_APART_S * rate_hz) if songs else 0
            songs.append(_Song(case, len(heard.onset), start))
            truths[group].append(truth.events.shifted(start / rate_hz))
        self._references = {group: Events.joined(events) for group, events in truths.items()}

    def counts(self, decoding: DecodeConfig) -> NDArray[np.int64]:
        """True and false positives, and misses, of these songs [classes, 3]."""
        total = np.zeros((len(self.vocabulary.classes), len(COUNTS)), np.int64)
        for group in self._songs:
            found = choose(self._found(group, decoding), decoding, self.calibration).events
            window_s, unannotated = self.config.window_s, group[-1]
            assert isinstance(unannotated, tuple)
            total += tally_one(
                self._references[group], found, self.vocabulary, window_s=window_s, unannotated=unannotated
            )
        return total

    def _found(self, group: tuple[object, ...], decoding: DecodeConfig) -> Candidates:
        """Candidates of a group, found again where a decoding looks at peaks in another way or asks for lower ones."""
        key = (group, decoding.reach_frames, decoding.one_kind)
        _, classes, _ = group
        names = {*decoding.thresholds, *classes, *(self.calibration.labels if self.calibration else ())}  # type: ignore[misc]
        least = min(threshold_of(decoding, self.calibration, name) for name in names)
        known = self._candidates.get(key)
        if known is None or known[0] > least:
            floor = min(least, _FLOOR)
            known = self._candidates[key] = floor, self._search(self._songs[group], decoding, floor)
        return known[1]

    def _search(self, songs: Sequence[_Song], decoding: DecodeConfig, floor: float) -> Candidates:
        low = decoding.model_copy(update={"threshold": floor, "thresholds": {}, "threshold_log_odds": 0.0})
        calibration = without_thresholds(self.calibration)
        parts: list[Peaks] = []
        for song in songs:
            uri = song.case.activations
            found = candidates([Activations.from_bytes(read_bytes(uri), uri)], low, calibration)
            peaks = found.peaks
            # No hit is before its song, as no hit of a single one is before 0.
            within = np.maximum(peaks.offset, -peaks.frame.astype(np.float32))
            parts.append(replace(peaks, frame=peaks.frame + song.start_frame, offset=within))
        return replace(found, peaks=Peaks.joined(parts))


def score(counts: NDArray[np.int64], config: DecodingsConfig) -> float:
    """F of counts [classes, 3]; 0 where there was nothing to be found."""
    found = (micro if config.mean == "micro" else macro)(counts).f
    return 0.0 if np.isnan(found) else float(found)


def without_thresholds(calibration: Calibration | None) -> Calibration | None:
    """A calibration less its thresholds."""
    if calibration is None:
        return None
    bare: Mapping[str, object] = {
        name: label.model_copy(update={"threshold": 0.0}) for name, label in calibration.labels.items()
    }
    return calibration.model_copy(update={"labels": bare})
