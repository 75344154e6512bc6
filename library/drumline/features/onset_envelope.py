"""How strongly something begins, in three bands, at every frame of the training grid.

Log spectral flux: magnitudes of narrow bands, relative to each band's own RMS over the song and compressed by a
logarithm; their rise from the frame before to the frame after; summed within a kick, a drum and a cymbal range.
(The usual envelope since Böck and Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013.) The
window is short, 256 samples or 11.6 ms: what matters here is when, not which pitch.

Frame ``n`` speaks of an onset at ``n * 128 / 22050`` seconds, as everywhere (`core.grid`). The flux itself peaks a
little earlier, because the front edge of the window meets the stroke first and a stroke's edge splashes into all
bands; `_LEADS_S` takes that out. They were measured on rendered songs, whose onsets are known to the sample.
"""

from typing import Final

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from drumline.core.grid import HIGH
from drumline.features.window import hann

Envelope = NDArray[np.float32]

BANDS: Final = ("kick", "drum", "cymbal")
"""The rows of an envelope: 45 to 130 Hz, 130 Hz to 2.7 kHz, 4.4 to 11 kHz."""

_WINDOW: Final = 256
_EDGES: Final = (1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 16, 20, 25, 31, 51, 62, 76, 94, 128)
"""Bins of 86 Hz at which the narrow bands begin; the band from 2.7 to 4.4 kHz belongs to no range."""
_RANGES: Final = (slice(0, 1), slice(1, 13), slice(14, None))
_GAIN: Final = 5.0
"""Where compression sets in: 14 dB under a band's RMS. Below, a rise counts by its amplitude; above, by its ratio."""
_LEADS_S: Final = (0.0008, 0.0038, 0.0019)
_CHUNK: Final = 4_096
"""Frames transformed at a time: some 8 MB, however long the audio."""


def onset_envelope(samples: NDArray[np.float32]) -> Envelope:
    """The onset envelope of mono audio at 22,050 Hz: float32 [3, T], T as `HIGH.num_frames` says.

    Each row has mean 1, whatever the gain of the audio; a silent one is all zeros.
    """
    levels = _levels(samples)
    rms = np.sqrt(np.mean(np.square(levels), axis=0))
    compressed = np.log1p(_GAIN * levels / np.where(rms > 0, rms, 1.0))
    rise = np.zeros_like(compressed)
    rise[1:-1] = np.maximum(compressed[2:] - compressed[:-2], 0.0)
    flux = np.stack([rise[:, columns].sum(axis=1) for columns in _RANGES])
    flux = np.stack([_later(row, lead_s) for row, lead_s in zip(flux, _LEADS_S, strict=True)])
    means = flux.mean(axis=1, keepdims=True)
    return np.asarray(flux / np.where(means > 0, means, 1.0), dtype=np.float32)


def _levels(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Magnitudes of the narrow bands, float32 [T, 18]."""
    frames = HIGH.num_frames(len(samples))
    # Centred windows: frame n looks at samples around n * hop.
    padded = np.pad(samples, (_WINDOW // 2, _WINDOW))
    windows = sliding_window_view(padded, _WINDOW)[:: HIGH.hop][:frames]
    taper = hann(_WINDOW).astype(np.float32)
    levels = np.empty((frames, len(_EDGES) - 1), dtype=np.float32)
    for start in range(0, frames, _CHUNK):
        spectra = scipy.fft.rfft(windows[start : start + _CHUNK] * taper, axis=1)
        power = spectra.real**2 + spectra.imag**2
        # The last edge ends the last band: reduceat would make one more.
        levels[start : start + _CHUNK] = np.sqrt(np.add.reduceat(power[:, : _EDGES[-1]], _EDGES[:-1], axis=1))
    return levels


def _later(row: NDArray[np.float32], lead_s: float) -> NDArray[np.float32]:
    """The row moved later by less than a frame, linearly interpolated."""
    share = np.float32(lead_s * HIGH.frame_rate_hz)
    before = np.concatenate([row[:1], row[:-1]])
    return np.asarray((1 - share) * row + share * before)
