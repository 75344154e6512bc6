"""Kits small enough to be written by a test, with strokes whose onset and level are known."""

from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 44_100
LEAD_S = 0.007


def write_stroke(path: Path, *, peak: float = 0.5, lead_s: float = LEAD_S, pitch_hz: float = 1000.0) -> None:
    """A decaying tone that begins at once after a silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    at = np.arange(round(0.3 * RATE_HZ)) / RATE_HZ
    tone = peak * np.cos(2 * np.pi * pitch_hz * at) * np.exp(-at / 0.06)
    soundfile.write(path, np.concatenate([np.zeros(round(lead_s * RATE_HZ)), tone]), RATE_HZ, subtype="FLOAT")


def write_sfz(folder: Path, text: str, *samples: str) -> str:
    """An .sfz with its samples, each pitched otherwise; its address."""
    for number, sample in enumerate(samples):
        write_stroke(folder / sample, pitch_hz=700.0 + 200.0 * number)
    (folder / "kit.sfz").write_text(text)
    return str(folder / "kit.sfz")


def pitch_hz(samples: np.ndarray) -> float:
    """The loudest frequency."""
    spectrum = np.abs(np.fft.rfft(samples, 1 << 16))
    return float(np.argmax(spectrum)) * RATE_HZ / (1 << 16)
