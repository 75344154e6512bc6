"""Long signals through a model of fixed length: segments with overlap, weighted by triangles.

This is what demucs' ``Separator`` does with ``shifts=0`` (its random shift would make every run different, and
stems uncacheable): standardise by the mono mean and deviation, cut, give short segments the real sound around them
as context, weight, add, undo. Standing outside the model it serves both backends, and can run segments in batches.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Model = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Sources of segments: float32 [batch, 2, segment_samples] in, [batch, num_sources, 2, segment_samples] out."""


def separate_in_segments(
    stereo: NDArray[np.float32],
    model: Model,
    *,
    num_sources: int,
    segment_samples: int,
    overlap: float,
    batch_size: int,
) -> NDArray[np.float32]:
    """Sources of float32 [2, num_samples], of any length, as float32 [num_sources, 2, num_samples]."""
    num_samples = stereo.shape[1]
    sources = np.zeros((num_sources, *stereo.shape), dtype=np.float32)
    if num_samples < 2:
        return sources
    mono = stereo.mean(axis=0)
    mean, deviation = mono.mean(), mono.std(ddof=1) + np.float32(1e-8)
    standard = (stereo - mean) / deviation

    weight = _triangle(segment_samples)
    total_weight = np.zeros(num_samples, dtype=np.float32)
    offsets = range(0, num_samples, int((1 - overlap) * segment_samples))
    for first in range(0, len(offsets), batch_size):
        batch = offsets[first : first + batch_size]
        spans = [_span(offset, num_samples, segment_samples) for offset in batch]
        outputs = model(np.stack([_cut(standard, start, segment_samples) for start, _ in spans]))
        for offset, (start, length), output in zip(batch, spans, outputs, strict=True):
            at = slice(offset, offset + length)
            sources[..., at] += weight[:length] * output[..., offset - start : offset - start + length]
            total_weight[at] += weight[:length]
    return np.asarray(sources / total_weight * deviation + mean, dtype=np.float32)


def _triangle(segment_samples: int) -> NDArray[np.float32]:
    half = segment_samples // 2
    weight = np.concatenate([np.arange(1, half + 1), np.arange(segment_samples - half, 0, -1)])
    return np.asarray(weight / weight.max(), dtype=np.float32)


def _span(offset: int, num_samples: int, segment_samples: int) -> tuple[int, int]:
    """Where the model's window starts (it may lie before 0), and how many samples from ``offset`` on it answers for.

    The last segment is short: the window is centred on it, so that real sound fills the left half of the rest.
    """
    length = min(segment_samples, num_samples - offset)
    return offset - (segment_samples - length) // 2, length


def _cut(signal: NDArray[np.float32], start: int, length: int) -> NDArray[np.float32]:
    """``signal[:, start : start + length]`` with silence where there is no signal."""
    inside = signal[:, max(0, start) : start + length]
    left = max(0, -start)
    return np.pad(inside, ((0, 0), (left, length - left - inside.shape[1])))
