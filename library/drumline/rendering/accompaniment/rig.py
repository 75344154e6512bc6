"""Signal chain of a guitar: an equaliser, an amplifier, a loudspeaker, another equaliser.

The first equaliser is a booster's, and the brightness of other strings. The amplifier is a capture, or a synthetic one
(`amp`) that has its loudspeaker inside. All of it is at 48 kHz, as captures are.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.effects import filters
from drumline.effects.filters import Band
from drumline.rendering.accompaniment.amp import Amp, amplified, draw_amp
from drumline.rendering.accompaniment.cabinet import CABINET_SUFFIXES, amp_facts, open_cabinet, through_cabinet
from drumline.rendering.accompaniment.captured_amp import CAPTURE_RATE_HZ, SUFFIX, open_amp
from drumline.rendering.accompaniment.files import files_in

Samples = NDArray[np.float32]

UNCHANGED: Final = np.ones(1, dtype=np.float32)
"""A loudspeaker's response that does nothing."""
_BLOCK: Final = 4800
_SOUNDING: Final = 1e-2  # of the loudest block
_INAUDIBLE: Final = 1e-5
_LOUD: Final = 0.9  # of the blocks that sound are softer
_FILTER_TAIL: Final = 2400  # 50 ms


@dataclass(frozen=True)
class Rig:
    """Signal chain of one take."""

    name: str
    amp: str | Amp
    """A capture's path, or a synthetic amplifier."""
    input_db: float
    """dBFS. Peaks of loud notes into a capture."""
    before: tuple[Band, ...]
    response: Samples
    """Impulse response of the loudspeaker and the equaliser after a capture."""
    delay: int = 0
    """Samples that a capture is late, taken off again."""

    def process(self, samples: Samples) -> Samples:
        """Samples [N] at 48 kHz, amplified; an RMS of 1 where it sounds. Silence stays silent."""
        bright = filters.apply(self.before, samples, rate_hz=CAPTURE_RATE_HZ)
        peaks = _peaks(bright)
        if not peaks.any():
            return samples
        # A filter's tail never ends; where nothing is played nothing is to be computed.
        bright[np.abs(bright) < peaks.max() * _INAUDIBLE] = 0.0
        level = np.quantile(peaks[peaks > _SOUNDING * peaks.max()], _LOUD)
        if isinstance(self.amp, Amp):
            return normalised(amplified(bright[np.newaxis], self.amp, rate_hz=CAPTURE_RATE_HZ)[0])
        amp = open_amp(self.amp)
        driven = np.concatenate([bright, np.zeros(self.delay, dtype=np.float32)])
        driven *= np.float32(10 ** (self.input_db / 20) / level)
        out = amp.process(driven)[self.delay :] - np.float32(amp.silence)
        return normalised(through_cabinet(out, self.response))


def draw_rig(amps: tuple[str, ...], cabinets: tuple[str, ...], *, is_clean: bool, random: np.random.Generator) -> Rig:
    """An amplifier out of folders, with a loudspeaker out of folders if it has none, and the equalisers around them.

    Synthetic ones where there is no folder, or no capture that is clean, or not, as asked. Raises ConfigError where a
    folder or file cannot be used.
    """
    before = (
        Band("high_pass", float(random.uniform(50, 110 if is_clean else 180))),
        Band(
            "high_shelf",
            float(random.uniform(1200, 2500)),
            float(random.uniform(8, 18) if is_clean else random.uniform(4, 20)),
        ),
    )
    after: tuple[Band, ...] = (
        Band("high_pass", float(random.uniform(50, 120))),
        Band("peak", float(random.uniform(200, 700)), float(random.uniform(-3, 3)), 0.8),
        Band("peak", float(random.uniform(800, 1500)), float(random.uniform(-6, 1)), 0.8),
        Band("high_shelf", float(random.uniform(3000, 6000)), float(random.uniform(-4, 4))),
    )
    synthetic = draw_amp(random)
    clean = Amp(synthetic.drive_db / 4, synthetic.cabinet_hz, synthetic.presence_db)
    cabinet = _draw_cabinet(cabinets, random)
    captures = [str(path) for path in files_in(amps, (SUFFIX,))] if amps else []
    order = [captures[index] for index in random.permutation(len(captures))]
    input_db = float(random.uniform(-30, -14) if is_clean else random.uniform(-20, 0))
    path = next((path for path in order if amp_facts(path).is_clean == is_clean), None)
    if path is None:
        amp = clean if is_clean else synthetic
        return Rig(f"synthetic {amp.drive_db:.0f} dB", amp, input_db, before, UNCHANGED)
    if amp_facts(path).has_cabinet:
        cabinet = UNCHANGED
    elif cabinet is None:
        cabinet, after = UNCHANGED, (*synthetic.cabinet, *after)
    padded = np.concatenate([cabinet, np.zeros(_FILTER_TAIL, dtype=np.float32)])
    response = filters.apply(after, padded, rate_hz=CAPTURE_RATE_HZ)
    return Rig(f"{Path(path).stem} at {input_db:.0f} dB", path, input_db, before, response, amp_facts(path).delay)


def normalised(samples: Samples) -> Samples:
    """Samples [N] at an RMS of 1 over the blocks that sound; silence as it is."""
    powers = np.square(_blocks(samples), dtype=np.float64).mean(axis=1)
    if not powers.any():
        return samples
    rms = float(np.sqrt(powers[powers > _SOUNDING * powers.max()].mean()))
    return np.asarray(samples * np.float32(1 / rms))


def _blocks(samples: Samples) -> Samples:
    """[num_blocks, block], the last one filled up with zeros."""
    return np.pad(samples, (0, -len(samples) % _BLOCK)).reshape(-1, _BLOCK)


def _peaks(samples: Samples) -> Samples:
    """Peak of each block."""
    return np.asarray(np.abs(_blocks(samples)).max(axis=1))


def _draw_cabinet(cabinets: tuple[str, ...], random: np.random.Generator) -> Samples | None:
    if not cabinets:
        return None
    files = files_in(cabinets, CABINET_SUFFIXES)
    responses = (open_cabinet(str(files[index])) for index in random.permutation(len(files)))
    return next((response for response in responses if response is not None), None)
