"""Guitar loudspeakers: impulse responses in audio files, and which amplifiers need one.

A capture of a full rig ends in its loudspeaker already: nothing is left of it above 6 kHz. Whether a capture has one,
and how much it distorts, is measured by what it makes of a bright test tone.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy import signal

from drumline.core.errors import ConfigError
from drumline.rendering.accompaniment.captured_amp import CAPTURE_RATE_HZ, open_amp
from drumline.rendering.kits.onset import onset_of

Samples = NDArray[np.float32]

CABINET_SUFFIXES: Final = (".aif", ".aiff", ".flac", ".wav")
LONGEST_S: Final = 0.5
"""A longer response is a hall's."""
_KEPT_S: Final = 0.2
_TEST_S: Final = 0.4
_TEST_HZ: Final = 110.0
_TEST_DB: Final = (-32.0, -20.0)
_RISEN: Final = 0.1
_CLEAN: Final = 0.6  # of the steps of input that come out again
_SPEAKER_DB: Final = -42.0  # amplifiers and pedals without a loudspeaker have -8 to -35


@dataclass(frozen=True)
class AmpFacts:
    """Measured response of a capture to a test tone."""

    is_clean: bool
    """Whether it gets louder with what goes in; a distorting one hardly does."""
    has_cabinet: bool
    highs_db: float
    """Power density at 7 to 14 kHz over that at 1 to 4 kHz."""
    delay: int
    """Samples that it is late: captures are not all cut to the sample."""


@lru_cache(maxsize=256)
def amp_facts(path: str) -> AmpFacts:
    """Measured on 0.4 s at two levels: 0.05 s of processor time, kept. Raises ConfigError as `open_amp`."""
    amp = open_amp(path)
    time_s = np.arange(round(_TEST_S * CAPTURE_RATE_HZ)) / CAPTURE_RATE_HZ
    tone = signal.sawtooth(2 * np.pi * _TEST_HZ * time_s) * np.exp(-2 * time_s)  # it begins with a step
    outputs = [amp.process((10 ** (db / 20) * tone).astype(np.float32)) - amp.silence for db in _TEST_DB]
    soft_db, loud_db = (20 * np.log10(np.sqrt(np.mean(np.square(output))) + 1e-9) for output in outputs)
    frequencies, powers = signal.welch(outputs[1], CAPTURE_RATE_HZ, nperseg=4096)
    high, middle = (powers[(frequencies >= low) & (frequencies < top)].mean() for low, top in ((7e3, 14e3), (1e3, 4e3)))
    highs_db = float(10 * np.log10((high + 1e-15) / (middle + 1e-15)))
    is_clean = bool((loud_db - soft_db) / (_TEST_DB[1] - _TEST_DB[0]) > _CLEAN)
    delay = int(np.argmax(np.abs(outputs[1]) > _RISEN * np.abs(outputs[1]).max()))
    return AmpFacts(is_clean, highs_db < _SPEAKER_DB, highs_db, delay)


@lru_cache(maxsize=128)
def open_cabinet(path: str) -> Samples | None:
    """A loudspeaker's response, float32 [N] at 48 kHz, its onset at 0, of unit energy; None for a hall's or silence.

    Raises ConfigError where the file cannot be read.
    """
    try:
        channels, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ConfigError(f"{path}: a cabinet response that cannot be read ({error})") from error
    if len(channels) > LONGEST_S * rate_hz or not channels.any():
        return None
    response = np.asarray(soxr.resample(channels.mean(axis=1), rate_hz, CAPTURE_RATE_HZ), dtype=np.float32)
    response = response[onset_of(response, CAPTURE_RATE_HZ) :][: round(_KEPT_S * CAPTURE_RATE_HZ)].copy()
    fade = len(response) // 4
    response[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return response / np.float32(np.sqrt(np.sum(np.square(response))))


def through_cabinet(samples: Samples, response: Samples) -> Samples:
    """Samples [N] at 48 kHz through a loudspeaker, [N]."""
    return np.asarray(signal.oaconvolve(samples, response)[: len(samples)], dtype=np.float32)
