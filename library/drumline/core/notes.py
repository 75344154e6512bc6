"""Pitched notes as arrays."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Notes:
    """Notes of one instrument, in order of their onsets.

    Examples
    --------
    >>> notes = Notes.of([(0.5, 1.0, 60, 0.8, 0.9), (0.0, 0.5, 64, 0.7, 0.6)])
    >>> notes.pitch.tolist()
    [64, 60]
    """

    start_s: NDArray[np.float64]
    """Onsets [N], in seconds."""
    end_s: NDArray[np.float64]
    """Offsets [N], in seconds."""
    pitch: NDArray[np.int64]
    """MIDI pitches [N]; 60 is middle C."""
    velocity: NDArray[np.float64]
    """Velocities [N], 0 to 1."""
    confidence: NDArray[np.float64]
    """Confidences [N], 0 to 1."""

    @classmethod
    def of(cls, rows: Iterable[tuple[float, float, int, float, float]]) -> Self:
        """Notes of rows (start_s, end_s, pitch, velocity, confidence) in any order."""
        table = np.array(sorted(rows), dtype=np.float64).reshape(-1, 5)
        return cls(table[:, 0], table[:, 1], table[:, 2].astype(np.int64), table[:, 3], table[:, 4])

    def __len__(self) -> int:
        return len(self.start_s)

    def select(self, kept: NDArray[np.bool_]) -> "Notes":
        """Notes where a mask [N] is true."""
        return Notes(*(getattr(self, field.name)[kept] for field in fields(self)))

    @property
    def intervals_s(self) -> NDArray[np.float64]:
        """Onsets and offsets [N, 2], in seconds."""
        return np.stack([self.start_s, self.end_s], axis=1)
