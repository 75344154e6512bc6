"""Frame activations of any system against the strokes: what needs no threshold and no peak picking.

Activations are judged by branch (`core.taxonomy.BRANCHES`). The states of a branch exclude each other, so the columns
that belong to it are added up: snare = head + rim. A column that no single branch holds (``cymbal``) is left out. A
stroke's own frame is positive; frames around it are masked: a ridge of a few frames is as good as a peak.

The file of a song is a NumPy ``.npz``: our own (`decoding.activations`), or one with ``activations`` [T, C] (0 to 1),
``classes`` (C labels) and ``frame_rate_hz``. Frame t stands for the time t / frame_rate_hz.
"""

import io
import zipfile
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.errors import ChartError
from drumline.core.taxonomy import BRANCHES, LABELS
from drumline.core.vocabularies import CERTAIN, INSTRUMENTS, OUTSIDE
from drumline.decoding.activations import Activations
from drumline.evaluation.estimates import label_of
from drumline.evaluation.references import Truth
from drumline.metrics.frames import frame_counts, frame_histogram

MASKED: Final = -1
_THRESHOLD: Final = 0.5


@dataclass(frozen=True)
class FrameScores:
    """Frame activations of a system in one song."""

    values: NDArray[np.float32]
    """Activations [T, C], 0 to 1."""
    labels: tuple[str, ...]
    """Labels of the columns."""
    frame_rate_hz: float

    def by_branch(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Activations of the six branches [T, 6], and which branches the system outputs [6]."""
        sums = np.zeros((len(self.values), len(BRANCHES)), dtype=np.float32)
        annotated = np.zeros(len(BRANCHES), dtype=bool)
        for index, states in enumerate(BRANCHES.values()):
            columns = [c for c, label in enumerate(self.labels) if LABELS[label] and LABELS[label] <= states.keys()]
            sums[:, index] = np.minimum(self.values[:, columns].sum(axis=1), 1.0)
            annotated[index] = bool(columns)
        return sums, annotated


@dataclass(frozen=True)
class BranchFrames:
    """Frame counts of one song or of several."""

    histogram: NDArray[np.int64]
    """Histograms [6, 2, bins] of `metrics.frames.frame_histogram`."""
    counts: NDArray[np.int64]
    """Counts [6, (TP, FP, FN)] of frames at a threshold of 0.5."""

    def __add__(self, other: "BranchFrames") -> "BranchFrames":
        return BranchFrames(self.histogram + other.histogram, self.counts + other.counts)


def read_frames(data: bytes, location: str) -> FrameScores:
    """Read an activation file. Raises ChartError if it is invalid, DrumlineError if one of ours is damaged."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            if "activations" in file:
                values = np.asarray(file["activations"], dtype=np.float32)
                labels = tuple(label_of(str(name), f"{location}: classes") for name in file["classes"])
                rate_hz = float(file["frame_rate_hz"])
            else:
                ours = Activations.from_bytes(data, location)
                values, labels, rate_hz = ours.probability, ours.classes, ours.grid.frame_rate_hz
    except (ValueError, KeyError, OSError, TypeError, zipfile.BadZipFile) as error:
        raise ChartError(location, f"no .npz of activations, classes and frame_rate_hz ({error})") from error
    if values.ndim != 2 or values.shape[1] != len(labels) or not rate_hz > 0:
        raise ChartError(location, f"activations of shape {values.shape} for {len(labels)} classes at {rate_hz:g} Hz")
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ChartError(location, "activations must be probabilities, 0 to 1 (are these logits?)")
    return FrameScores(values, labels, rate_hz)


def branch_frames(truth: Truth, frames: FrameScores, *, mask_s: float) -> BranchFrames:
    """Frame counts of one song."""
    values, annotated = frames.by_branch()
    wanted = frame_targets(truth, num_frames=len(values), frame_rate_hz=frames.frame_rate_hz, mask_s=mask_s)
    wanted[:, ~annotated] = MASKED
    return BranchFrames(frame_histogram(values, wanted), frame_counts(values, wanted, threshold=_THRESHOLD))


def frame_targets(truth: Truth, *, num_frames: int, frame_rate_hz: float, mask_s: float) -> NDArray[np.int8]:
    """Targets of each branch [T, 6]: 1, 0, or `MASKED` near hits and where the source leaves the branch open."""
    wanted = np.zeros((num_frames, len(BRANCHES)), dtype=np.int8)
    frame = np.floor(truth.events.time_s * frame_rate_hz + 0.5).astype(np.int64)
    reach = round(mask_s * frame_rate_hz)
    relations = INSTRUMENTS.relations[truth.events.label]
    for index, states in enumerate(BRANCHES.values()):
        for offset in range(-reach, reach + 1):
            near = frame[relations[:, index] != OUTSIDE] + offset
            wanted[near[(near >= 0) & (near < num_frames)], index] = MASKED
        own = frame[relations[:, index] == CERTAIN]
        wanted[own[(own >= 0) & (own < num_frames)], index] = 1
        if set(states) <= set(truth.unannotated):
            wanted[:, index] = MASKED
    return wanted
