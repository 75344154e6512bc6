"""Peaks of one class: its local maxima, and of those that are too near each other the strongest."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def maxima(values: NDArray[np.float32], *, threshold: float, reach: int) -> NDArray[np.int64]:
    """Frames of ``values`` [T] that reach ``threshold`` and are highest among ``reach`` frames on either side."""
    highest = ndimage.maximum_filter1d(values, 2 * reach + 1, mode="constant", cval=-np.inf)
    top = (values >= highest) & (values >= threshold)
    return np.flatnonzero(top & ~np.append(False, top[:-1]))  # of a plateau its first frame


def strongest(frames: NDArray[np.int64], values: NDArray[np.float32], *, spacing: float) -> NDArray[np.bool_]:
    """Mask of the ordered ``frames`` [N] that are kept when of any two nearer than ``spacing`` the stronger is."""
    kept: NDArray[np.bool_] = np.ones(len(frames), dtype=bool)
    close = np.diff(frames) < spacing
    crowded = np.flatnonzero(np.append(False, close) | np.append(close, False))  # the others have nobody to yield to
    kept[crowded] = _strongest(frames[crowded], values[crowded], spacing)
    return kept


def _strongest(frames: NDArray[np.int64], values: NDArray[np.float32], spacing: float) -> NDArray[np.bool_]:
    kept: NDArray[np.bool_] = np.zeros(len(frames), dtype=bool)
    for index in np.argsort(-values, kind="stable"):
        low, high = np.searchsorted(frames, [frames[index] - spacing, frames[index] + spacing], side="right")
        # Strictly nearer than the spacing: the one exactly at its lower end is left out by side="right".
        near = slice(low, high - (high > 0 and frames[high - 1] == frames[index] + spacing))
        kept[index] = not kept[near].any()
    return kept
