"""Notes from pitch activations, and the corrections that an instrument allows.

`create_notes` follows section 2.3 of the paper that `band.pitch_network` names: onsets above a threshold become notes,
latest first, which last until their activation stays low; what still sounds afterwards becomes notes too.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.band.pitch_network import BINS_PER_SEMITONE, HOP_S, LOWEST_PITCH, PitchActivations
from drumline.core.config import Config
from drumline.core.notes import Notes

_TOLERANCE: Final = 11
"""Frames for which a note may stay below its threshold before it ends."""
_HARMONICS: Final = (12, 19, 24, 28, 31, 34, 36)
"""Semitones from a fundamental to its second to eighth harmonic."""
_TOGETHER_S: Final = 0.05
_MOST_OVERLAPS: Final = 200
"""Candidates before a note that may precede it in a melody."""
_BEND_BINS: Final = 2 * BINS_PER_SEMITONE


class NoteConfig(Config):
    """Thresholds of note creation, chosen on rendered parts (docs/results.md)."""

    onset_threshold: float = 0.6
    """Onset probability above which a note starts."""
    note_threshold: float = 0.4
    """Activation above which a note sounds."""
    shortest_s: float = 0.06
    """Shortest note [s]."""
    harmonic_ratio: float = 0.7
    """A note on a harmonic of a stronger one, of the same onset, is left out below this ratio of their activations."""


@dataclass(frozen=True, eq=False)
class _Piano:
    """Activations that are used up while notes are created."""

    left: NDArray[np.float32]
    threshold: float

    def end_after(self, start: int, key: int, *, step: int = 1) -> int:
        """First frame, going by ``step`` from ``start``, after which the activation stays low."""
        frame, low, limit = start + step, 0, len(self.left) if step > 0 else -1
        while frame != limit and low < _TOLERANCE:
            low = low + 1 if self.left[frame, key] < self.threshold else 0
            frame += step
        return frame - step * low

    def use(self, start: int, end: int, key: int) -> None:
        """Remove a note and what leaks into its neighbouring semitones."""
        self.left[start:end, max(0, key - 1) : key + 2] = 0.0


def create_notes(activations: PitchActivations, config: NoteConfig, *, pitches: tuple[int, int] = (21, 108)) -> Notes:
    """Notes of all pitches in a range.

    Parameters
    ----------
    activations
        The network's output.
    config
        Thresholds.
    pitches
        Lowest and highest MIDI pitch of the instrument.

    Returns
    -------
    Notes
        Velocities are the confidences: the mean activation of each note.
    """
    keys = slice(pitches[0] - LOWEST_PITCH, pitches[1] - LOWEST_PITCH + 1)
    note = activations.note[:, keys]
    piano = _Piano(note.copy(), config.note_threshold)
    shortest = round(config.shortest_s / HOP_S)
    found: list[tuple[int, int, int]] = []
    frames, peaks = _peaks(activations.onset[:, keys], config.onset_threshold)
    for start, key in zip(frames[::-1].tolist(), peaks[::-1].tolist(), strict=True):  # latest first
        end = piano.end_after(start, key)
        if end - start >= shortest:
            found.append((start, end, key))
            piano.use(start, end, key)
    for start, key in _strongest_first(piano.left, config.note_threshold):
        if piano.left[start, key] > 0:
            first, end = piano.end_after(start, key, step=-1) + 1, piano.end_after(start, key)
            if end - first >= max(shortest, _TOLERANCE):
                found.append((first, end, key))
            piano.use(first, end, key)
    rows = []
    for start, end, key in found:
        confidence = float(min(1.0, note[start:end, key].mean()))
        rows.append((start * HOP_S, end * HOP_S, key + pitches[0], confidence, confidence))
    return Notes.of(rows)


def without_harmonics(notes: Notes, ratio: float) -> Notes:
    """Notes without those that are overtones of a stronger note that starts with them.

    Parameters
    ----------
    notes
        Notes of one instrument.
    ratio
        Share of the lower note's confidence under which the higher one is taken for its overtone.
    """
    kept = np.ones(len(notes), dtype=bool)
    for index in range(len(notes)):
        interval = notes.pitch[index] - notes.pitch
        below = np.isin(interval, _HARMONICS) & (np.abs(notes.start_s - notes.start_s[index]) <= _TOGETHER_S)
        kept[index] = not np.any(below & (notes.confidence[index] < ratio * notes.confidence))
    return notes.select(kept)


def monophonic(notes: Notes, activations: PitchActivations, *, cost: float = 0.02) -> Notes:
    """The sequence of notes, one at a time, over which the sum of activation times duration is largest.

    Parameters
    ----------
    notes
        Candidates; each ends where the next chosen one starts.
    activations
        The network's output that they were created from.
    cost
        What a note must bring beyond silence or the note before, in seconds of full activation.

    Returns
    -------
    Notes
        The chosen notes, without overlaps.
    """
    sums = np.pad(np.cumsum(activations.note, axis=0), ((1, 0), (0, 0))) * HOP_S
    keys = notes.pitch - LOWEST_PITCH
    starts, ends = (np.round(times_s / HOP_S).astype(np.int64) for times_s in (notes.start_s, notes.end_s))
    total, previous = np.zeros(len(notes)), np.full(len(notes), -1)  # of sequences that end before each note
    for index in range(len(notes)):
        last = max(0, index - _MOST_OVERLAPS)
        until = np.minimum(ends[last:index], starts[index])
        gained = sums[until, keys[last:index]] - sums[starts[last:index], keys[last:index]] - cost
        reached = np.where(starts[last:index] < starts[index], total[last:index] + gained, -np.inf)
        if len(reached) and (best := int(reached.argmax())) >= 0 and reached[best] > total[last]:
            total[index], previous[index] = reached[best], last + best
        elif last:
            total[index], previous[index] = total[last], previous[last]
    final = total + sums[np.minimum(ends, len(sums) - 1), keys] - sums[starts, keys] - cost if len(notes) else total
    kept, index = np.zeros(len(notes), dtype=bool), int(final.argmax()) if len(notes) else -1
    while index >= 0:
        kept[index] = True
        index = int(previous[index])
    chosen = notes.select(kept)
    end_s = np.minimum(chosen.end_s, np.append(chosen.start_s[1:], np.inf))
    return replace(chosen, end_s=end_s)


def pitch_bend(activations: PitchActivations, start_s: float, end_s: float, pitch: int) -> NDArray[np.float64]:
    """Deviation from a note's pitch at each of its frames [F], in semitones.

    Centroid of the contour within two semitones, weighted towards the note's own pitch.
    """
    middle = (pitch - LOWEST_PITCH) * BINS_PER_SEMITONE + BINS_PER_SEMITONE // 2
    low, high = max(0, middle - _BEND_BINS), min(activations.contour.shape[1], middle + _BEND_BINS + 1)
    offsets = np.arange(low, high) - middle
    weights = np.exp(-0.5 * (offsets / BINS_PER_SEMITONE) ** 2)
    frames = activations.contour[round(start_s / HOP_S) : round(end_s / HOP_S), low:high] ** 2 * weights
    total = frames.sum(axis=1)
    bend = np.where(total > 0, frames @ offsets / np.maximum(total, 1e-9), 0.0) / BINS_PER_SEMITONE
    return np.asarray(bend, dtype=np.float64)


def _peaks(onset: NDArray[np.float32], threshold: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frames and keys of local maxima in time above a threshold, in order of time."""
    before = np.pad(onset, ((1, 0), (0, 0)))[:-1]
    after = np.pad(onset, ((0, 1), (0, 0)))[1:]
    frames, keys = np.nonzero((onset >= threshold) & (onset > before) & (onset >= after))
    return frames, keys


def _strongest_first(left: NDArray[np.float32], threshold: float) -> list[tuple[int, int]]:
    frames, keys = np.nonzero(left > threshold)
    order = np.argsort(-left[frames, keys], kind="stable")
    return list(zip(frames[order].tolist(), keys[order].tolist(), strict=True))
