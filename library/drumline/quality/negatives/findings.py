"""What `mine negatives` finds: a part of its ``report.json``, and the lines that it writes."""

from dataclasses import dataclass

from drumline.core.config import Config
from drumline.core.measure import Number


@dataclass(frozen=True)
class Candidate:
    """One estimate that nothing in the truth explains."""

    confidence: float
    label: str
    """What was heard."""
    recording: str
    """The song's name, or the sample."""
    onset_s: float | None
    """In the audio, where it is told."""
    instead_of: str
    """The true label near it; empty where nothing was played."""
    song_id: str
    """Of a dataset; empty elsewhere."""
    session_id: str
    audio_path: str
    domain: str
    certain: bool
    """Whether a truth says so: without one it is a candidate for a person's ear."""


class LabelNegatives(Config):
    """One label."""

    estimates: int
    """How often it was heard."""
    false_alarms: int
    """Of these, without a stroke that they may be."""
    confident: int
    """Of these, at the least confidence or above."""
    mined: int
    """Of these, written."""
    confidence: Number
    """Of the least confident that was written; null where none was."""
    by_confidence: tuple[int, ...]
    """False alarms by tenth of confidence."""


class NegativeFindings(Config):
    """What `mine negatives` found."""

    recordings: int
    """Songs, or samples, that were looked at."""
    estimates: int
    """Estimates with a judgement: those that may be a faint or half-known stroke have none."""
    false_alarms: int
    """Estimates that no stroke explains."""
    confident: int
    """Of these, at the least confidence or above."""
    mined: int
    """Of these, written."""
    without_confidence: int
    """False alarms of systems that do not tell how sure they are: never mined."""
    labels: dict[str, LabelNegatives]
    """By label."""
    instead_of: dict[str, dict[str, int]]
    """Confident false alarms by label, and by what was played there (empty: nothing)."""
    worst: dict[str, int]
    """The 20 recordings with most mined."""
    windows: int
    """Hard windows written; none without song ids."""
    window_s: float
    """Their length together [s]."""
