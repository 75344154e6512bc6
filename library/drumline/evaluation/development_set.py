"""The songs that a calibration is fitted on: what may be a hit in each, how the decoder chooses, how it is judged.

Everything is decoded by the decoder that will be used (`decoding.peak_picking`, or `Calibration.apply` where a system
writes hits): fitting changes its numbers, never its rules.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.artifacts import read_bytes
from drumline.core.hit_arrays import Events
from drumline.core.hits import UNCLEAR
from drumline.core.taxonomy import BRANCHES, LABELS, labels_within
from drumline.core.vocabularies import LABEL_NAMES, Vocabulary
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import PeakCandidates, find_candidates, select_hits
from drumline.evaluation.scoring import Prediction
from drumline.metrics.judgement import Judgement, judge
from drumline.metrics.scores import scores
from drumline.metrics.tally import tally_one

LOWEST_THRESHOLD: Final = 0.02
"""Confidence above which activations become candidates; the lower bound of fitted thresholds."""
_WITH_PEDAL: Final = frozenset({"hihat", *BRANCHES["hihat"]} - {"hihat_pedal"})


@dataclass(frozen=True)
class DevelopmentSong:
    """A song of the development set, with a system's output."""

    reference: Events
    unannotated: tuple[str, ...]
    prediction: Prediction

    def find(self, calibration: Calibration | None) -> "Found":
        """Candidate hits regardless of thresholds, with the confidences and articulations of a calibration."""
        if not self.prediction.activations or self.prediction.hits is not None:
            return Found(self, None, self.prediction.decode(None))
        data = read_bytes(self.prediction.activations)
        activations = Activations.from_bytes(data, self.prediction.activations)
        lowest = with_lowest_threshold(self.prediction.decoding)
        return Found(
            self, find_candidates([activations], lowest, calibration and calibration.without_thresholds()), None
        )


@dataclass(frozen=True)
class Found:
    """Candidate hits of one song, from activations or from hits with confidences."""

    song: DevelopmentSong
    candidates: PeakCandidates | None
    hits: Events | None

    def decode(self, decoding: DecodeConfig, calibration: Calibration | None) -> "Decoded":
        """Hits that the decoder keeps; the calibration must agree with that of `DevelopmentSong.find`."""
        if self.candidates is not None:
            events = select_hits(self.candidates, decoding, calibration).events
        else:
            assert self.hits is not None
            events = calibration.apply(self.hits) if calibration else self.hits
        return Decoded(self.song.reference, events, self.song.unannotated)


@dataclass(frozen=True)
class Decoded:
    """Ground-truth hits and decoded hits of one song."""

    reference: Events
    estimate: Events
    unannotated: tuple[str, ...]

    def only(self, name: str) -> "Decoded":
        """Restrict to one label, excusing estimates of optional hi-hats."""
        labels = [LABEL_NAMES.index(label) for label in labels_within(name)]
        reference = self.reference
        if name in _WITH_PEDAL:  # a system that has no pedal says hi-hat there, and is not wrong
            pedal, unclear = LABEL_NAMES.index("hihat_pedal"), LABEL_NAMES.index(UNCLEAR)
            reference = replace(
                reference, label=np.where(reference.label == pedal, unclear, reference.label).astype("i1")
            )
        return Decoded(reference, self.estimate.select(np.isin(self.estimate.label, labels)), self.unannotated)

    def judge(self, name: str, window_s: float) -> Judgement:
        """Vocabulary of one label: hits that may be another articulation excuse an estimate and are not required."""
        alone = Vocabulary(name, {name: LABELS[name]})
        return judge(self.reference, self.estimate, vocabulary=alone, window_s=window_s, unannotated=self.unannotated)


def with_lowest_threshold(decoding: DecodeConfig, name: str = "") -> DecodeConfig:
    """Decoding that keeps every candidate, of all labels or of one, without log-odds on thresholds."""
    if name:
        thresholds = {**decoding.thresholds, name: LOWEST_THRESHOLD}
        return decoding.model_copy(update={"thresholds": thresholds, "threshold_log_odds": 0.0})
    lowest = {"threshold": LOWEST_THRESHOLD, "thresholds": {}, "threshold_log_odds": 0.0}
    return decoding.model_copy(update=lowest)


def fitted_f(name: str, decoded: Sequence[Decoded], window_s: float) -> float:
    """F-measure of one label as computed during fitting."""
    counts = np.zeros(3)
    for song in (each.only(name) for each in decoded):
        judged = song.judge(name, window_s)
        right = len(judged.pairs)
        counts += (right, int(judged.charged.sum()) - right, int(judged.wanted.sum()) - right)
    return float(scores(counts).f)


def evaluated_f(name: str, decoded: Sequence[Decoded], window_s: float) -> float:
    """F-measure of one label, or of one drum with all its articulations, as an evaluation reports it."""
    vocabulary = Vocabulary(name, {name: frozenset(BRANCHES.get(name, LABELS[name]))})
    counts = np.zeros(3)
    for song in decoded:
        rows = tally_one(song.reference, song.estimate, vocabulary, window_s=window_s, unannotated=song.unannotated)
        counts += rows[0]
    return float(scores(counts).f)


def outcomes(decoded: Sequence[Decoded], judged: Sequence[Judgement]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidences of evaluated hits [N] and whether they were correct [N]."""
    charged = [each.charged & np.isfinite(song.estimate.confidence) for song, each in zip(decoded, judged, strict=True)]
    confidence = [song.estimate.confidence[which] for song, which in zip(decoded, charged, strict=True)]
    right = [each.estimate_partner[which] >= 0 for each, which in zip(judged, charged, strict=True)]
    return np.concatenate(confidence).astype(np.float64), np.concatenate(right)


def digest(decoded: Sequence[Decoded]) -> str:
    """SHA-256 over all hits of truth and estimates."""
    digested = hashlib.sha256()
    for song in decoded:
        for events in (song.reference, song.estimate):
            for column in (events.time_s, events.label, events.confidence):
                digested.update(column.tobytes())
    return digested.hexdigest()
