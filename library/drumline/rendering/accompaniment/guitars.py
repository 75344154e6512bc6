"""Guitars and a bass as on records: recorded strings through captured amplifiers and loudspeakers.

`guitar_parts` writes what is played, `sampled_strings` plays each take of it, and a `Rig` is what the take goes
through: an equaliser in front (a booster's, and the brightness of other strings), a capture (`captured_amp`), a
loudspeaker (`cabinet`). Rhythm guitars are played twice, left and right. All of it is at 48 kHz, as captures are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from drumline.charts.song import AnnotatedSong
from drumline.core.config import Config
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.amp import Amp, amplified, draw_amp
from drumline.rendering.accompaniment.cabinet import amp_facts, open_cabinet, through_cabinet
from drumline.rendering.accompaniment.captured_amp import CAPTURE_RATE_HZ, SUFFIX, open_amp
from drumline.rendering.accompaniment.files import files_in
from drumline.rendering.accompaniment.guitar_parts import humanised, write_parts
from drumline.rendering.accompaniment.sampled_strings import Pluck, SampledStrings, Touch, open_strings, render_plucks
from drumline.rendering.accompaniment.score import gains
from drumline.rendering.production import filters
from drumline.rendering.production.config import Probability
from drumline.rendering.production.dynamics import Compressor, compressor_gain
from drumline.rendering.production.filters import Band

Samples = NDArray[np.float32]

_CABINET_SUFFIXES: Final = (".wav", ".flac", ".aif", ".aiff")
_LAG_S: Final = 0.003  # of a take; standard deviation
_JITTER_S: Final = 0.004  # of a stroke
_SOUNDING: Final = 1e-2  # of the loudest block
_INAUDIBLE: Final = 1e-5
_LOUD: Final = 0.9  # of the blocks that sound are softer
_BLOCK: Final = 4800
_DIRECT_BASS_HZ: Final = 250.0
_UNCHANGED: Final = np.ones(1, dtype=np.float32)
_FILTER_TAIL: Final = 2400  # 50 ms
_BUS_DB: Final = -20.0


class GuitarsConfig(Config):
    """Recorded guitars and basses through captured amplifiers."""

    guitars: tuple[str, ...] = ()
    """Electric guitars recorded without an amplifier (.sfz), one drawn a song."""
    basses: tuple[str, ...] = ()
    """Electric basses (.sfz), one drawn a song. Without any, no bass plays."""
    amps: tuple[str, ...] = ()
    """Folders, searched through, of Neural Amp Modeler captures (.nam). Without any, amplifiers are synthetic."""
    cabinets: tuple[str, ...] = ()
    """Folders, searched through, of loudspeakers' impulse responses. Without any, loudspeakers are filters."""
    double_tracked: Probability = 0.65
    """Share of the songs whose rhythm guitars are played twice. A take costs 2.5 s of processor time a minute."""
    captured_bass: Probability = 0.25
    """Share of the basses that go through a capture too; the others through a synthetic amplifier."""
    keys: Probability = 0.3
    """Share of the songs in which keys and pads of the ``band`` play too, where it has instruments."""


@dataclass(frozen=True)
class Rig:
    """What a take goes through."""

    name: str
    amp: str | Amp
    """A capture's path, or a synthetic amplifier."""
    input_db: float
    """dBFS. Peaks of loud notes into a capture."""
    before: tuple[Band, ...]
    response: Samples
    """Of the loudspeaker and the equaliser after a capture."""
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


def play_guitars(
    song: AnnotatedSong,
    tempo: TempoMap,
    config: GuitarsConfig,
    *,
    duration_s: float,
    rate_hz: int,
    channels: int,
    seed: Sequence[int],
) -> tuple[Samples, str]:
    """Guitars and bass, float32 [channels, round(duration_s * rate_hz)], and in words what plays.

    Deterministic by seed. Raises ConfigError where material is missing.
    """
    random = np.random.default_rng((*seed, 1))
    parts = write_parts(song, tempo, duration_s=duration_s, seed=(*seed, 0))
    strings = open_strings(str(random.choice(config.guitars)))
    num_samples = int(np.ceil(duration_s * CAPTURE_RATE_HZ)) + 1
    total = np.zeros((channels, num_samples), dtype=np.float32)
    names = []
    double = bool(random.random() < config.double_tracked)
    for plucks, is_clean, gain_db in ((parts.driven, False, 0.0), (parts.clean, True, float(random.uniform(-5, 1)))):
        rig, touch = draw_rig(config, is_clean=is_clean, random=random), _draw_touch(random)
        width = float(random.uniform(0.5, 1.0))
        for pan in (-width, width) if double else (float(random.uniform(-0.3, 0.3)),):
            take = _take(plucks, strings, touch, rig, num_samples, random)
            total += gains(gain_db - (3.0 if double else 0.0), pan, channels) * take
        names += [rig.name] if plucks else []
    lead_rig, lead_touch = draw_rig(config, is_clean=False, random=random), _draw_touch(random)
    lead = _echoed(_take(parts.lead, strings, lead_touch, lead_rig, num_samples, random), random)
    total += gains(float(random.uniform(-5, 2)), float(random.uniform(-0.5, 0.5)), channels) * lead
    if config.basses:
        bass = _bass(parts.bass, config, num_samples, random)
        total += gains(float(random.uniform(-8, 1)), 0.0, channels) * bass
    total = _glued(total, random)
    samples = np.zeros((channels, round(duration_s * rate_hz)), dtype=np.float32)
    resampled = (
        soxr.resample(total.T, CAPTURE_RATE_HZ, rate_hz, quality="HQ").T if rate_hz != CAPTURE_RATE_HZ else total
    )
    shared = min(samples.shape[1], resampled.shape[1])
    samples[:, :shared] = resampled[:, :shared]
    return samples, f"{parts.words}, {'double' if double else 'one take'}, {' and '.join(names) or 'bass alone'}"


def check_guitars(config: GuitarsConfig) -> None:
    """Raise ConfigError where `play_guitars` would."""
    for path in (*config.guitars, *config.basses):
        open_strings(path)
    if config.amps:
        for capture in files_in(config.amps, (SUFFIX,)):
            open_amp(str(capture))
    if config.cabinets:
        for response in files_in(config.cabinets, _CABINET_SUFFIXES):
            open_cabinet(str(response))


def draw_rig(config: GuitarsConfig, *, is_clean: bool, random: np.random.Generator) -> Rig:
    """An amplifier, clean or not, with a loudspeaker if it has none, and the equalisers around them."""
    before = (
        Band("high_pass", float(random.uniform(50, 110 if is_clean else 220))),
        Band("high_shelf", float(random.uniform(1200, 2500)), float(random.uniform(4, 14 if is_clean else 20))),
    )
    after: tuple[Band, ...] = (
        Band("high_pass", float(random.uniform(50, 120))),
        Band("peak", float(random.uniform(250, 900)), float(random.uniform(-4, 3)), 0.8),
        Band("high_shelf", float(random.uniform(3000, 6000)), float(random.uniform(-4, 4))),
    )
    synthetic = draw_amp(random)
    clean = Amp(synthetic.drive_db / 4, synthetic.cabinet_hz, synthetic.presence_db)
    cabinet = _draw_cabinet(config, random)
    captures = [str(path) for path in files_in(config.amps, (SUFFIX,))] if config.amps else []
    order = [captures[index] for index in random.permutation(len(captures))]
    input_db = float(random.uniform(-30, -14) if is_clean else random.uniform(-20, 0))
    path = next((path for path in order if amp_facts(path).is_clean == is_clean), None)
    if path is None:
        amp = clean if is_clean else synthetic
        return Rig(f"synthetic {amp.drive_db:.0f} dB", amp, input_db, before, _UNCHANGED)
    if amp_facts(path).has_cabinet:
        cabinet = _UNCHANGED
    elif cabinet is None:
        cabinet, after = _UNCHANGED, (*synthetic.cabinet, *after)
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
    """Of each block."""
    return np.asarray(np.abs(_blocks(samples)).max(axis=1))


def _draw_cabinet(config: GuitarsConfig, random: np.random.Generator) -> Samples | None:
    if not config.cabinets:
        return None
    files = files_in(config.cabinets, _CABINET_SUFFIXES)
    responses = (open_cabinet(str(files[index])) for index in random.permutation(len(files)))
    return next((response for response in responses if response is not None), None)


def _draw_touch(random: np.random.Generator) -> Touch:
    return Touch(
        body_s=float(random.uniform(0.06, 0.22)),
        treble_s=float(random.uniform(0.012, 0.05)),
        tone_hz=float(random.uniform(300, 1000)),
        click_db=float(random.uniform(-30, -6)),
        detune_cents=0.0,
    )


def _take(
    plucks: Sequence[Pluck],
    strings: SampledStrings,
    touch: Touch,
    rig: Rig,
    num_samples: int,
    random: np.random.Generator,
) -> Samples:
    """A part as it is played and recorded once."""
    if not plucks:
        return np.zeros(num_samples, dtype=np.float32)
    played = humanised(plucks, lag_s=float(random.normal(0.0, _LAG_S)), jitter_s=_JITTER_S, random=random)
    tuned = Touch(touch.body_s, touch.treble_s, touch.tone_hz, touch.click_db, float(random.normal(0.0, 4.0)))
    direct = render_plucks(played, strings, tuned, num_samples=num_samples, rate_hz=CAPTURE_RATE_HZ, random=random)
    return rig.process(direct)


def _bass(plucks: Sequence[Pluck], config: GuitarsConfig, num_samples: int, random: np.random.Generator) -> Samples:
    """A direct bass with an amplifier's sound over it: its lows stay clean, as engineers mix them."""
    strings, touch = open_strings(str(random.choice(config.basses))), _draw_touch(random)
    amp = draw_amp(random)
    before = (Band("high_shelf", 900.0, float(random.uniform(0, 12))),)
    rig = Rig("bass", Amp(amp.drive_db * 0.7, amp.cabinet_hz / 2, amp.presence_db), 0.0, before, _UNCHANGED)
    if random.random() < config.captured_bass:
        rig = draw_rig(config, is_clean=bool(random.random() < 0.3), random=random)
    share = float(random.uniform(0.2, 1.0))
    played = humanised(plucks, lag_s=float(random.normal(0.0, _LAG_S)), jitter_s=_JITTER_S, random=random)
    dry = render_plucks(played, strings, touch, num_samples=num_samples, rate_hz=CAPTURE_RATE_HZ, random=random)
    dirt = filters.apply([Band("high_pass", _DIRECT_BASS_HZ)], rig.process(dry), rate_hz=CAPTURE_RATE_HZ)
    return normalised(normalised(dry) + np.float32(share) * dirt)


def _glued(bus: Samples, random: np.random.Generator) -> Samples:
    """The bus [channels, N] through a compressor, as most records have it."""
    compressor = Compressor(
        threshold_db=_BUS_DB + float(random.uniform(-3, 8)),
        ratio=float(random.uniform(1.0, 5.0)),
        knee_db=6.0,
        attack_s=float(random.uniform(0.001, 0.01)),
        release_s=float(random.uniform(0.06, 0.25)),
    )
    levelled = np.float32(10 ** (_BUS_DB / 20)) * bus
    return np.asarray(bus * compressor_gain(levelled, compressor, rate_hz=CAPTURE_RATE_HZ), dtype=np.float32)


def _echoed(lead: Samples, random: np.random.Generator) -> Samples:
    """A lead with a few echoes."""
    delay, gain = round(float(random.uniform(0.15, 0.5)) * CAPTURE_RATE_HZ), float(random.uniform(0.0, 0.4))
    out = lead.copy()
    for times in (1, 2, 3):
        if times * delay < len(lead):
            out[times * delay :] += np.float32(gain**times) * lead[: -times * delay]
    return out
