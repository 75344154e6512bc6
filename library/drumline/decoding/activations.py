"""Frame-wise outputs of a model for a song, and their file format.

A file is a NumPy ``.npz`` with the fields of `Activations` by name; ``hop`` and ``rate_hz`` give the grid. Values are
stored as float16: steps of at most 0.0005 in a probability.
"""

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.errors import DrumlineError
from drumline.core.grid import Grid
from drumline.core.taxonomy import CLASSES

Frames = NDArray[np.float32]

_FIELDS: Final = ("probability", "onset", "offset", "velocity")


@dataclass(frozen=True)
class Activations:
    """One song. T frames, C classes."""

    grid: Grid
    classes: tuple[str, ...]
    """Names of the C columns, each one of `taxonomy.CLASSES`."""
    probability: Frames
    """[T, C], 0 to 1: a stroke of this class begins in this frame."""
    onset: Frames
    """[T], 0 to 1: any stroke of a predicted class."""
    offset: Frames
    """[T], frames from a frame's centre to the onset near it; meant only where a stroke is."""
    velocity: Frames
    """[T, C], 0 to 1; meant only where a stroke is."""

    def __post_init__(self) -> None:
        frames, columns = self.probability.shape
        if columns != len(self.classes) or not set(self.classes) <= set(CLASSES):
            raise ValueError(f"{columns} columns for the classes {', '.join(self.classes)}")
        if self.velocity.shape != (frames, columns) or self.onset.shape != (frames,) or self.offset.shape != (frames,):
            raise ValueError(f"arrays of different lengths for {frames} frames")

    def cut(self, first: int, last: int) -> "Activations":
        """Frames ``first`` up to ``last``: views, not copies."""
        return Activations(self.grid, self.classes, *(getattr(self, name)[first:last] for name in _FIELDS))

    def rounded(self) -> "Activations":
        """As a file keeps it. What is decoded is rounded first, so that fresh and kept activations give equal hits."""
        parts = (getattr(self, name).astype(np.float16).astype(np.float32) for name in _FIELDS)
        return Activations(self.grid, self.classes, *parts)

    @staticmethod
    def joined(pieces: Sequence["Activations"]) -> "Activations":
        """Pieces of one song, at least one, one after the other."""
        parts = (np.concatenate([getattr(piece, name) for piece in pieces]) for name in _FIELDS)
        return Activations(pieces[0].grid, pieces[0].classes, *parts)

    def to_bytes(self) -> bytes:
        """The file."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            hop=self.grid.hop,
            rate_hz=self.grid.rate_hz,
            classes=np.array(self.classes),
            probability=self.probability.astype(np.float16),
            onset=self.onset.astype(np.float16),
            offset=self.offset.astype(np.float16),
            velocity=self.velocity.astype(np.float16),
        )
        return buffer.getvalue()

    @staticmethod
    def from_bytes(data: bytes, location: str) -> "Activations":
        """The inverse of `to_bytes`, to float16. Raises DrumlineError where it is no such file."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                return Activations(
                    Grid(int(file["hop"]), int(file["rate_hz"])),
                    tuple(str(name) for name in file["classes"]),
                    *(file[name].astype(np.float32) for name in _FIELDS),
                )
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise DrumlineError(f"{location}: not an activations file ({error})") from error
