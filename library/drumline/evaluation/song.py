"""Score of one song: all counts that the report needs, small enough for thousands of songs.

All but offsets and confidences are arrays of fixed shape that can be summed over songs. C classes of the detailed
vocabulary, W windows. Everything but ``counts`` uses the first window.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import LABEL_NAMES, VOCABULARIES
from drumline.evaluation.config import ScoringConfig
from drumline.evaluation.references import ReferenceSong, Truth
from drumline.metrics.confusion import VARIATIONS, confusion, variation_confusion
from drumline.metrics.edits import correct, edit_counts
from drumline.metrics.judgement import judge
from drumline.metrics.paired import openness_moments, velocity_moments
from drumline.metrics.rhythm import NOTE_VALUES, TEMPO_BANDS, Among, ioi_counts, subdivision_counts
from drumline.metrics.tally import tally
from drumline.metrics.timing import offsets

AMONG: Final[tuple[Among, ...]] = ("class", "any")
"""Neighbours of inter-onset intervals: the next hit of the same class, and the next hit of any class."""
EDIT_VOCABULARIES: Final = ("5", "8")
"""Edit vocabularies: the five classes that most systems output, and the eight game lanes of published results."""


@dataclass(frozen=True)
class SongScore:
    """Counts of one system on one song."""

    song: str
    source: str
    domain: str
    genre: str
    duration_s: float
    counts: NDArray[np.int64]
    """Event counts [W, 28, 3] of `metrics.tally.tally`."""
    labels: NDArray[np.int64]
    """Number of estimates by label [labels]."""
    num_hits: int
    """Number of hits in the truth."""
    drum: NDArray[np.int64]
    """Class [K] and offset [K] of each true positive."""
    offset_s: NDArray[np.float64]
    velocity: NDArray[np.float64]
    """Velocity error moments [C, 7] of `metrics.paired.moments`."""
    openness: NDArray[np.float64]
    """Openness error moments [7]."""
    confusion: NDArray[np.int64]
    """Confusion counts [C + 1, C + 1]."""
    variations: Mapping[str, NDArray[np.int64]]
    """Articulation confusions [V, V] by branch."""
    ioi: Mapping[str, NDArray[np.int64]]
    """Interval counts [C, bins, 4] of `metrics.rhythm.ioi_counts` by neighbour."""
    subdivisions: Mapping[str, NDArray[np.int64]]
    """Note value counts [C, bands, note values, 2] by neighbour; zeros without a tempo."""
    edits: Mapping[str, NDArray[np.int64]]
    """Edit counts [classes + 1, 4] of `metrics.edits.edit_counts` by vocabulary."""
    confidence: NDArray[np.float32]
    """Confidence of each evaluated estimate that has one [M], and whether it was correct [M]."""
    right: NDArray[np.bool_]


def score_song(song: ReferenceSong, truth: Truth, estimate: Events, config: ScoringConfig) -> SongScore:
    """Score one system's hits on one song."""
    vocabulary = VOCABULARIES[config.vocabulary]
    num_classes, window_s = len(vocabulary.classes), config.windows_s[0]
    reference, unannotated = truth.events, truth.unannotated
    judged = judge(reference, estimate, vocabulary=vocabulary, window_s=window_s, unannotated=unannotated)
    found = offsets(reference, estimate, judgement=judged)
    scored = judged.charged & np.isfinite(estimate.confidence)
    subdivisions: dict[str, NDArray[np.int64]] = {
        among: np.zeros((num_classes, len(TEMPO_BANDS), len(NOTE_VALUES), 2), np.int64) for among in AMONG
    }
    if truth.tempo is not None:
        for among in AMONG:
            subdivisions[among] = subdivision_counts(
                reference,
                judged,
                tempo=truth.tempo,
                offset_s=truth.tempo_offset_s,
                num_classes=num_classes,
                among=among,
            )
    return SongScore(
        song=song.name,
        source=song.source,
        domain=song.domain,
        genre=truth.genre,
        duration_s=truth.duration_s,
        counts=tally(reference, estimate, windows_s=config.windows_s, unannotated=unannotated),
        labels=np.bincount(estimate.label, minlength=len(LABEL_NAMES)),
        num_hits=len(reference),
        drum=found.drum,
        offset_s=found.offset_s,
        velocity=velocity_moments(reference, estimate, judgement=judged, num_classes=num_classes),
        openness=openness_moments(reference, estimate, judgement=judged),
        confusion=confusion(reference, estimate, vocabulary=vocabulary, window_s=window_s, unannotated=unannotated),
        variations={
            branch: variation_confusion(reference, estimate, branch=branch, window_s=window_s) for branch in VARIATIONS
        },
        ioi={
            among: ioi_counts(reference, estimate, judgement=judged, num_classes=num_classes, among=among)
            for among in AMONG
        },
        subdivisions=subdivisions,
        edits={name: _edits(truth, estimate, name, window_s) for name in EDIT_VOCABULARIES},
        confidence=estimate.confidence[scored],
        right=judged.estimate_partner[scored] >= 0,
    )


def _edits(truth: Truth, estimate: Events, vocabulary: str, window_s: float) -> NDArray[np.int64]:
    words = VOCABULARIES[vocabulary]
    correction = correct(truth.events, estimate, vocabulary=words, window_s=window_s, unannotated=truth.unannotated)
    return edit_counts(truth.events, estimate, correction=correction, vocabulary=words)
