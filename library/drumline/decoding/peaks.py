"""Activations to hits: the local maxima of each class, the strongest first, each keeping its distance.

A hit's time is its frame plus the model's own sub-frame offset. Two hits of one class are never nearer than that
class's spacing: of two maxima within it the stronger stays (non-maximum suppression).
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from drumline.core.config import Config
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration
from drumline.metrics.events import Events

MOST_OFFSET_FRAMES: Final = 1.5
"""What an offset head may add: beyond the neighbouring frame it is wrong."""


class PeakConfig(Config):
    """How activations become hits. A calibration (`class_thresholds.json`) stands above the thresholds here."""

    threshold: float = Field(default=0.5, ge=0, le=1)
    """The least activation of a hit, for classes not named in ``thresholds``."""
    thresholds: dict[str, float] = Field(default={})
    """By class."""
    spacing_ms: float = Field(default=30.0, ge=0)
    """The least distance of two hits of a class, for classes not named in ``spacings_ms`` [ms]."""
    spacings_ms: dict[str, float] = Field(default={})
    """By class [ms]."""
    reach_frames: int = Field(default=2, ge=1)
    """A maximum is one among so many frames on either side."""


def decode(activations: Activations, config: PeakConfig, calibration: Calibration | None = None) -> Events:
    """The hits of a song, with the activation at each as its confidence."""
    classes, probability = activations.classes, activations.probability
    thresholds = {name: config.thresholds.get(name, config.threshold) for name in classes}
    shifts_s: Mapping[str, float] = {}
    if calibration is not None:
        probability = calibration.temper(probability, classes).astype(np.float32)
        thresholds |= {name: label.threshold for name, label in calibration.labels.items() if label.threshold > 0}
        shifts_s = {name: label.offset_s for name, label in calibration.labels.items()}
    grid = activations.grid
    times_s, labels, velocities, confidences = [np.zeros(0)], [], [np.zeros(0, "f4")], [np.zeros(0, "f4")]
    for column, name in enumerate(classes):
        spacing = config.spacings_ms.get(name, config.spacing_ms) / 1000 * grid.frame_rate_hz
        found = peaks(probability[:, column], threshold=thresholds[name], spacing=spacing, reach=config.reach_frames)
        within = np.clip(activations.offset[found], -MOST_OFFSET_FRAMES, MOST_OFFSET_FRAMES)
        times_s.append(np.maximum((found + within) / grid.frame_rate_hz + shifts_s.get(name, 0.0), 0.0))
        labels += [name] * len(found)
        velocities.append(np.clip(activations.velocity[found, column], 0, 1))
        confidences.append(probability[found, column])
    return Events.of(
        np.concatenate(times_s), labels, velocity=np.concatenate(velocities), confidence=np.concatenate(confidences)
    )


def peaks(values: NDArray[np.float32], *, threshold: float, spacing: float, reach: int) -> NDArray[np.int64]:
    """Frames of the maxima of ``values`` [T] that reach ``threshold``, in order, at least ``spacing`` frames apart."""
    found = maxima(values, threshold=threshold, reach=reach)
    return found[strongest(found, values[found], spacing=spacing)]


def maxima(values: NDArray[np.float32], *, threshold: float, reach: int) -> NDArray[np.int64]:
    """Frames of ``values`` [T] that reach ``threshold`` and are highest among ``reach`` frames on either side."""
    highest = ndimage.maximum_filter1d(values, 2 * reach + 1, mode="constant", cval=-np.inf)
    top = (values >= highest) & (values >= threshold)
    return np.flatnonzero(top & ~np.append(False, top[:-1]))  # of a plateau its first frame


def strongest(frames: NDArray[np.int64], values: NDArray[np.float32], *, spacing: float) -> NDArray[np.bool_]:
    """Which of ``frames`` [N], in order, stay [N] when of any two nearer than ``spacing`` the stronger does."""
    kept: NDArray[np.bool_] = np.zeros(len(frames), dtype=bool)
    for index in np.argsort(-values, kind="stable"):
        low, high = np.searchsorted(frames, [frames[index] - spacing, frames[index] + spacing], side="right")
        # Strictly nearer than the spacing: the one exactly at its lower end is left out by side="right".
        near = slice(low, high - (high > 0 and frames[high - 1] == frames[index] + spacing))
        kept[index] = not kept[near].any()
    return kept
