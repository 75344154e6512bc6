"""Hits: what a drummer played, in any source.

Times are seconds on the source's own clock ("chart time") until alignment adds the song's ``offset_s``:
``audio_s = chart_s + offset_s``, so a positive offset means that the audio starts late.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from drumline.core.taxonomy import LABELS

CHARTED_FLAGS: Final = ("accent", "ghost", "flam", "double_kick", "roll", "approximate")
"""``roll``: inside a charted roll lane, so its rhythm is approximate. ``approximate``: a fill or free passage."""

FLAGS: Final = (*CHARTED_FLAGS, "faint", "covered")
"""``faint``: played, but not heard (`rendering.audibility`): nothing is learnt or judged there. ``covered``: heard with
the drums alone, not under the backing; a dataset holds it as ``faint`` in mixes and not at all elsewhere."""

EVIDENCE: Final = ("gem", "animation", "elite", "performance", "annotation", "transcription")
"""Evidence of a label: a game lane, Rock Band animation notes, an elite-drums track, a played MIDI note, a person
listening, or a model (pseudo-labels). Lanes are a majority guess (facts in docs/formats.md), others are statements."""


UNCLEAR: Final = "unclear"


@dataclass(frozen=True, slots=True)
class Hit:
    """One stroke on one piece of the kit."""

    time_s: float
    """Seconds from the start of the source's clock."""
    label: str
    """A name in `taxonomy.LABELS`."""
    velocity: float | None = None
    """Loudness of the stroke, 0 to 1; None where the source does not tell."""
    flags: tuple[str, ...] = ()
    """Names from `FLAGS`, in that order."""
    evidence: str = "annotation"
    """A name from `EVIDENCE`."""
    openness: float | None = None
    """Hi-hat openness, 0 closed to 1 open; None where unknown or not a hi-hat."""
    source_name: str = ""
    """The source's own word for it: ``RDB``, ``china``, ``pitch 26``, ``yellow cymbal``."""
    tick: int | None = None
    """Position in the source's ticks where it has them."""

    @property
    def judged_label(self) -> str:
        """Label that systems are evaluated on: inaudible hits are optional."""
        return judged_label(self.label, self.flags)

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise ValueError(f"label {self.label!r} is not one of {', '.join(LABELS)}")
        if self.velocity is not None and not 0.0 <= self.velocity <= 1.0:
            raise ValueError(f"velocity {self.velocity} of {self.label} at {self.time_s} s is outside 0..1")


def judged_label(label: str, flags: Collection[str]) -> str:
    """The label, or `UNCLEAR` of a faint stroke."""
    return UNCLEAR if "faint" in flags else label


def flags_heard(flags: Collection[str], *, with_backing: bool) -> tuple[str, ...]:
    """The flags of a stroke in one recording: what a backing covers is faint with it, and as good as any without."""
    relevant = {"faint" if flag == "covered" else flag for flag in flags if with_backing or flag != "covered"}
    return tuple(flag for flag in FLAGS if flag in relevant)


def sorted_hits(hits: list[Hit]) -> tuple[Hit, ...]:
    """Hits in time order; ties in label order, so that equal inputs give equal bytes."""
    return tuple(sorted(hits, key=lambda hit: (hit.time_s, hit.label, hit.source_name)))
