"""Hits of one song as arrays: what all event metrics take, for the reference and for the estimate alike.

Times are seconds of the audio. What a system or a source does not tell is NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drumline.core.vocabularies import label_numbers


@dataclass(frozen=True)
class Events:
    """Hits in time order. Every array has shape (N,)."""

    time_s: NDArray[np.float64]
    """Seconds, never falling, finite."""
    label: NDArray[np.int8]
    """Index into `core.vocabularies.LABEL_NAMES`."""
    velocity: NDArray[np.float32]
    """0 to 1, NaN where unknown."""
    openness: NDArray[np.float32]
    """Openness of a hi-hat, 0 closed to 1 open, NaN if unknown."""
    confidence: NDArray[np.float32]
    """The system's own, 0 to 1, NaN where it gives none."""

    @classmethod
    def of(
        cls,
        time_s: ArrayLike,
        labels: Sequence[str],
        *,
        velocity: ArrayLike | None = None,
        openness: ArrayLike | None = None,
        confidence: ArrayLike | None = None,
    ) -> Self:
        """Events from hits in any order; hits at one time keep theirs.

        Raises ValueError for times that are not finite and arrays of unequal length, KeyError for an unknown label.
        """
        times = np.asarray(time_s, dtype=np.float64).reshape(-1)
        if not np.isfinite(times).all():
            raise ValueError("times must be finite")
        order = np.argsort(times, kind="stable")

        def or_nan(values: ArrayLike | None) -> NDArray[np.float32]:
            if values is None:
                return np.full(len(times), np.nan, dtype=np.float32)
            array = np.asarray(values, dtype=np.float32).reshape(-1)
            if len(array) != len(times):
                raise ValueError(f"{len(times)} times, but {len(array)} values with them")
            return array[order]

        numbers = label_numbers(labels)
        if len(numbers) != len(times):
            raise ValueError(f"{len(times)} times, but {len(numbers)} labels with them")
        return cls(times[order], numbers[order], or_nan(velocity), or_nan(openness), or_nan(confidence))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Events of parts, at least one, one after the other as they are."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    @classmethod
    def none(cls) -> Self:
        """No events at all."""
        return cls.of([], [])

    def __len__(self) -> int:
        return len(self.time_s)

    def select(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Some of the events: a mask [N], or indices in rising order."""
        return type(self)(
            self.time_s[which], self.label[which], self.velocity[which], self.openness[which], self.confidence[which]
        )

    def shifted(self, offset_s: float) -> Self:
        """All events ``offset_s`` later."""
        return type(self)(self.time_s + offset_s, self.label, self.velocity, self.openness, self.confidence)
