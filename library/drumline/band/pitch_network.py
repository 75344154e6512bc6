"""Pitch activations of a recording by the network of Basic Pitch, on ONNX Runtime.

R. M. Bittner, J. J. Bosch, D. Rubinstein, G. Meseguer-Brocal, S. Ewert: "A Lightweight Instrument-Agnostic Model for
Polyphonic Note Transcription and Multipitch Estimation", ICASSP 2022. The graph lies in ``basic_pitch/`` with its
licence (Apache-2.0) and notice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from drumline.audio.recording import Recording
from drumline.core.grid import RATE_HZ

GRAPH: Final = Path(__file__).parent / "basic_pitch" / "model.onnx"
LOWEST_PITCH: Final = 21
"""MIDI pitch of the first of 88 bins."""
BINS_PER_SEMITONE: Final = 3
"""Bins of the contour in a semitone; the middle one is in tune."""
HOP_S: Final = 256 / RATE_HZ
"""Time between frames [s]."""

_HOP: Final = 256
_WINDOW: Final = 43_844
_EDGE: Final = 15
"""Frames at each end of a window that its neighbours cover."""
_FRAMES: Final = 141
"""Frames that a window answers for."""

OnProgress = Callable[[float], None]
"""Progress callback: seconds of audio just processed."""


@dataclass(frozen=True, eq=False)
class PitchActivations:
    """Probabilities by frame; frame t lies at ``t * HOP_S``."""

    onset: NDArray[np.float32]
    """Whether a note starts [T, 88]."""
    note: NDArray[np.float32]
    """Whether a note sounds [T, 88]."""
    contour: NDArray[np.float32]
    """Where the fundamental frequency is [T, 264], `BINS_PER_SEMITONE` to a semitone."""


class PitchNetwork:
    """The loaded graph."""

    def __init__(self, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(GRAPH), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._outputs = [f"StatefulPartitionedCall:{number}" for number in (2, 1, 0)]  # onset, note, contour

    def activations(self, recording: Recording, on_progress: OnProgress = lambda seconds: None) -> PitchActivations:
        """Activations of a whole recording; memory grows by 150 kB a second of audio.

        Parameters
        ----------
        recording
            Mono at `RATE_HZ`.
        on_progress
            Called after each window.

        Returns
        -------
        PitchActivations
            One frame every `HOP_S`, up to the recording's end.
        """
        onsets, notes, contours = [], [], []
        for window in _windows(recording):
            onset, note, contour = self._session.run(self._outputs, {self._input: window[None, :, None]})
            kept = slice(_EDGE, _EDGE + _FRAMES)
            onsets.append(onset[0, kept])
            notes.append(note[0, kept])
            contours.append(contour[0, kept])
            on_progress(_FRAMES * HOP_S)
        length = 1 + recording.num_samples // _HOP
        return PitchActivations(*(np.concatenate(parts)[:length] for parts in (onsets, notes, contours)))


def _windows(recording: Recording) -> Iterator[NDArray[np.float32]]:
    """Windows [_WINDOW] whose frame `_EDGE` follows the last frame kept of the one before; silence beyond the ends."""
    for start in range(-_EDGE * _HOP, recording.num_samples, _FRAMES * _HOP):
        read = recording.read(max(0, start), start + _WINDOW)
        before = max(0, -start)
        yield np.pad(read, (before, _WINDOW - before - len(read)))
