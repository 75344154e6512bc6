"""A guitar amplifier: what makes one pluck hiss like a hi-hat and a muted chord crack like a snare.

A part goes through it as a whole, so that the notes of a chord grind against each other; then through a loudspeaker
cabinet, which lets little of the harmonics above 5 kHz out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.effects import filters
from drumline.effects.colour import Saturation, driven
from drumline.effects.filters import Band

Samples = NDArray[np.float32]

AMPLIFIED: Final = (*range(4, 6), *range(16, 20), *range(24, 32))
"""General MIDI programs that are played through amplifiers: electric pianos, organs, guitars."""


@dataclass(frozen=True)
class Amp:
    """One amplifier and its cabinet."""

    drive_db: float
    """Gain of the part's peak into the valves [dB]: 0 is clean, 40 is fuzz."""
    cabinet_hz: float
    """Where the loudspeaker ends."""
    presence_db: float
    """Gain of the boost at 2.5 kHz [dB]."""

    @property
    def cabinet(self) -> tuple[Band, ...]:
        """The loudspeaker as filters."""
        low_pass = Band("low_pass", self.cabinet_hz)
        return Band("peak", 2500.0, self.presence_db, 0.8), low_pass, low_pass


def draw_amp(random: np.random.Generator) -> Amp:
    """From barely warm to fuzz."""
    return Amp(float(random.uniform(0, 42)), float(random.uniform(3500, 8000)), float(random.uniform(0, 9)))


def amplified(part: Samples, amp: Amp, *, rate_hz: int) -> Samples:
    """A part [channels, N] through an amplifier, as loud (RMS) as it went in."""
    peak, rms = np.abs(part).max(initial=0.0), _rms(part)
    if not peak:
        return part
    tight = filters.apply([Band("high_pass", 80.0)], part / peak, rate_hz=rate_hz)
    hot = driven(tight, Saturation(amp.drive_db, 0.1), rate_hz=rate_hz)
    out = filters.apply(amp.cabinet, hot, rate_hz=rate_hz)
    return np.asarray(out * np.float32(rms / max(_rms(out), 1e-9)))


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
