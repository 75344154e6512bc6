"""Hits as NumPy arrays."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas


class _Hit(Protocol):
    @property
    def time_s(self) -> float: ...
    @property
    def label(self) -> str: ...
    @property
    def velocity(self) -> float | None: ...


@dataclass(frozen=True, eq=False)
class Hits:
    """Hits of one song in time order, as arrays of one length N.

    Attributes
    ----------
    time_s : float64 [N]
        Onsets in seconds.
    label : str [N]
        Drum classes (`drumline.core.taxonomy.CLASSES`), or sets of classes such as ``cymbal`` where the source does
        not distinguish them (`drumline.core.taxonomy.LABELS`).
    velocity : float32 [N]
        Loudness from 0 to 1, NaN where unknown.
    confidence : float32 [N]
        The model's confidence from 0 to 1, NaN where there is none (charts, for example).

    Examples
    --------
    >>> from drumline.core.hits import Hit
    >>> hits = Hits.of([Hit(0.5, "kick", 0.8), Hit(1.0, "snare_head")])
    >>> len(hits)
    2
    >>> hits.time_s[hits.label == "kick"]
    array([0.5])
    >>> hits[1:].velocity
    array([nan], dtype=float32)
    """

    time_s: NDArray[np.float64]
    label: NDArray[np.str_]
    velocity: NDArray[np.float32]
    confidence: NDArray[np.float32]

    @classmethod
    def of(cls, hits: Iterable[_Hit]) -> Self:
        """Convert hits of the library.

        Parameters
        ----------
        hits
            Objects with ``time_s``, ``label``, ``velocity`` and perhaps ``confidence``, in time order.

        Returns
        -------
        Their arrays.
        """
        found = list(hits)
        return cls(
            np.array([hit.time_s for hit in found], dtype=np.float64),
            np.array([hit.label for hit in found], dtype=np.str_),
            _column([hit.velocity for hit in found]),
            _column([getattr(hit, "confidence", None) for hit in found]),
        )

    def __len__(self) -> int:
        return len(self.time_s)

    def __getitem__(self, index: slice | NDArray[np.bool_] | NDArray[np.integer]) -> Self:
        """Select hits by a slice, a mask [N] or indices."""
        return type(self)(self.time_s[index], self.label[index], self.velocity[index], self.confidence[index])

    def to_pandas(self) -> "pandas.DataFrame":
        """Convert to a data frame with a row per hit and the attributes as columns.

        Returns
        -------
        A `pandas.DataFrame`.

        Raises
        ------
        ImportError
            pandas is not installed: it is no dependency of drumline.
        """
        import pandas

        columns = ("time_s", "label", "velocity", "confidence")
        return pandas.DataFrame({name: getattr(self, name) for name in columns})


def _column(values: list[float | None]) -> NDArray[np.float32]:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float32)
