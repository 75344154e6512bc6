"""Integrated loudness, the gain to the project's level, and FLAC that keeps both.

ITU-R BS.1770-4 (`audio.meter`), on the mono signal that is trained on. The gain brings it to -14 LUFS. Drums
have crests of 15 to 25 dB, so at that level their attacks would pass full scale, and clipping flattens just what
a transcriber listens to. Hence two numbers: ``gain_db`` is the whole normalisation, and ``headroom_db`` is what is
taken off again before 16-bit storage so that peaks stay at -0.1 dBFS. A reader adds the headroom back in float
and has the signal at -14 LUFS, unclipped: ``trained = stored * 10 ** (headroom_db / 20)``.
"""

import io
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from drumline.audio.meter import Meter
from drumline.core.grid import RATE_HZ

TARGET_LUFS: Final = -14.0
PEAK_DB: Final = -0.1
"""dBFS, the highest sample peak that is stored."""


@dataclass(frozen=True)
class Loudness:
    """How loud a signal was and what brings it to `TARGET_LUFS`."""

    lufs: float
    """Integrated loudness before any gain; ``-inf`` for silence."""
    gain_db: float
    """From the source's samples to the target loudness; 0 for silence."""
    headroom_db: float
    """At least 0: what storage takes off the gain to keep peaks under `PEAK_DB`."""

    @property
    def stored_gain_db(self) -> float:
        """From the source's samples to the stored ones."""
        return self.gain_db - self.headroom_db


def integrated_lufs(samples: NDArray[np.float32]) -> float:
    """Loudness of mono samples at `RATE_HZ`; ``-inf`` under the gate of -70 LUFS or for less than 0.4 s."""
    meter = Meter()
    meter.add(samples)
    return meter.lufs()


def measure(samples: NDArray[np.float32], target_lufs: float = TARGET_LUFS) -> Loudness:
    """The loudness of mono samples at `RATE_HZ` and the gains to the target."""
    lufs = integrated_lufs(samples)
    if not math.isfinite(lufs):
        return Loudness(lufs, 0.0, 0.0)
    gain_db = target_lufs - lufs
    peak_db = 20 * math.log10(float(np.abs(samples).max()))
    return Loudness(lufs, gain_db, max(0.0, peak_db + gain_db - PEAK_DB))


def amplify(samples: NDArray[np.float32], gain_db: float) -> NDArray[np.float32]:
    """Samples times a gain, as float32, unclipped."""
    return samples * np.float32(10 ** (gain_db / 20))


def encode_flac(samples: NDArray[np.float32], rate_hz: int = RATE_HZ) -> bytes:
    """16-bit FLAC of samples [num_samples] or [num_samples, channels]; equal samples give equal bytes.

    Steps are 2**-15. What lies beyond full scale is clipped; `measure` says how to avoid that.
    """
    steps = np.clip(np.round(samples * np.float32(32768)), -32768, 32767).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, steps, rate_hz, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def decode_flac(data: bytes) -> NDArray[np.float32]:
    """The samples of `encode_flac`, float32 of the same shape, exact to its steps of 2**-15."""
    samples: NDArray[np.float32] = soundfile.read(io.BytesIO(data), dtype="float32")[0]
    return samples
