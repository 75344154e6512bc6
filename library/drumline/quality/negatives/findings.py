"""Findings of `mine negatives` in its report.json, and the candidates that it writes."""

from dataclasses import dataclass

from drumline.core.config import Config
from drumline.core.interval_value import Number


@dataclass(frozen=True)
class Candidate:
    """A false positive: an estimated hit that no hit of the ground truth explains."""

    confidence: float
    label: str
    """Predicted label."""
    recording: str
    """Name of the song, or id of the sample."""
    onset_s: float | None
    """Onset time in the audio [s], if known."""
    instead_of: str
    """True label near the onset; empty if there is none."""
    song_id: str
    """Song id in a dataset; empty elsewhere."""
    session_id: str
    audio_path: str
    domain: str
    certain: bool
    """Whether ground truth confirms that it is false; otherwise a person should listen to it."""


class LabelNegatives(Config):
    """Estimates and false positives of one label."""

    estimates: int
    """Number of estimates."""
    false_alarms: int
    """Number of false positives: estimates without a matching hit."""
    confident: int
    """Number of false positives with at least the required confidence."""
    mined: int
    """Number of mined false positives."""
    confidence: Number
    """Lowest confidence of the mined ones; null if none was mined."""
    by_confidence: tuple[int, ...]
    """False positives by tenth of confidence."""


class NegativeFindings(Config):
    """Findings of `mine negatives` in its report.json."""

    recordings: int
    """Number of songs or samples that were evaluated."""
    estimates: int
    """Number of evaluated estimates; estimates near inaudible or partly labelled hits are excluded."""
    false_alarms: int
    """Number of false positives: estimates without a matching hit."""
    confident: int
    """Number of false positives with at least the required confidence."""
    mined: int
    """Number of mined false positives."""
    without_confidence: int
    """Number of false positives without a confidence, which cannot be mined."""
    labels: dict[str, LabelNegatives]
    """Counts by label."""
    instead_of: dict[str, dict[str, int]]
    """Confident false positives by label and by the true label near them (empty for none)."""
    worst: dict[str, int]
    """The 20 recordings with the most mined false positives."""
    windows: int
    """Number of hard windows written; 0 without song ids."""
    window_s: float
    """Total length of the hard windows [s]."""
