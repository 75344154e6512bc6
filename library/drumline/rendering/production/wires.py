"""Snare wires that rattle with toms and kick, as they do under every drummer who leaves them on.

The wires answer to the low drums' vibration: band-passed noise whose envelope follows those drums and dies away. It is
no hit, and a model that never heard it takes toms for snares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from drumline.effects import filters

Samples = NDArray[np.float32]

_DRIVEN_BY: Final = ("kick", "tom_high", "tom_mid", "tom_floor")
_DRIVE_HZ: Final = 500.0


@dataclass(frozen=True)
class SnareWires:
    """Sympathetic rattle of the snare wires."""

    level_db: float
    """Peak of the rattle relative to the peak of the drums that cause it."""
    release_s: float
    """Time constant of its decay, in seconds."""
    low_hz: float
    """Lower edge of its band, in Hz."""
    high_hz: float
    """Upper edge of its band, in Hz."""


def with_wires(pieces: Mapping[str, Samples], wires: SnareWires, *, rate_hz: int, seed: int) -> dict[str, Samples]:
    """Pieces [N] with the rattle added to the snare's microphone.

    It begins no earlier than the hit that causes it. Pieces without kick and toms come back as they are.
    """
    drive = np.sum([pieces[name] for name in _DRIVEN_BY if name in pieces] or [np.zeros(1, np.float32)], axis=0)
    peak = float(np.abs(drive).max())
    if peak == 0.0:
        return dict(pieces)
    low = filters.apply([filters.Band("low_pass", _DRIVE_HZ)], drive.astype(np.float64), rate_hz=rate_hz)
    decay = np.exp(-1.0 / (wires.release_s * rate_hz))
    envelope = signal.lfilter([1.0 - decay], [1.0, -decay], np.abs(low))
    noise = np.random.default_rng((seed, 3)).standard_normal(len(drive))
    band = (filters.Band("high_pass", wires.low_hz), filters.Band("low_pass", wires.high_hz))
    rattle = envelope * filters.apply(band, noise, rate_hz=rate_hz)
    rattle *= peak * 10 ** (wires.level_db / 20) / np.abs(rattle).max()
    snare = pieces.get("snare", np.zeros_like(drive))
    return {**pieces, "snare": (snare + rattle).astype(np.float32)}
