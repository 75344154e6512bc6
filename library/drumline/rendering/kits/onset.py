"""Where in a recording a stroke is heard to begin.

The stroke's *attack* is where the recording first reaches half of its peak. Its *onset* is the first sample of that
attack which reaches a tenth of the peak (-20 dB): walking back from the attack, dips shorter than 5 ms are bridged,
because a low drum crosses zero every few milliseconds, and whatever lies before a longer quiet is not the stroke (a
stick's swish, a pedal's creak, the noise of the microphone). A constant offset is taken off first.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

ONSET_LEVEL: Final = 0.1
"""Share of the peak that marks an onset."""
_ATTACK_LEVEL: Final = 0.5
_BRIDGED_S: Final = 0.005
_LEVEL_S: Final = 0.05
_SILENT_DB: Final = -120.0


def onset_of(samples: Samples, rate_hz: int) -> int:
    """The index of the onset in mono samples [N]; 0 where nothing sounds."""
    height = np.abs(samples - np.mean(samples)) if samples.size else samples
    peak = float(np.max(height, initial=0.0))
    if peak == 0.0:
        return 0
    attack = int(np.argmax(height >= _ATTACK_LEVEL * peak))
    above = np.flatnonzero(height[: attack + 1] >= ONSET_LEVEL * peak)
    quiets = np.flatnonzero(np.diff(above) > _BRIDGED_S * rate_hz)
    return int(above[quiets[-1] + 1 if quiets.size else 0])


def level_db(samples: Samples, onset: int, rate_hz: int) -> float:
    """How loud a stroke is: RMS of the 50 ms after its onset, in dB re full scale."""
    struck = samples[onset : onset + round(_LEVEL_S * rate_hz)].astype(np.float64)
    power = float(np.mean(np.square(struck))) if struck.size else 0.0
    return max(_SILENT_DB, 10 * float(np.log10(power))) if power > 0 else _SILENT_DB
