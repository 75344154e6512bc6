"""Guitars and a bass as on records: recorded strings through captured amplifiers and loudspeakers.

`guitar_parts` writes what is played, `sampled_strings` plays each take of it, and a `Rig` is what the take goes
through: a capture (`captured_amp`) and a loudspeaker (`cabinet`), mostly. Rhythm guitars are played twice, left and
right.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.config import Config
from drumline.core.ranges import Probability
from drumline.core.tempo import TempoMap
from drumline.effects import filters
from drumline.effects.dynamics import Compressor, compressor_gain
from drumline.effects.filters import Band
from drumline.rendering.accompaniment.amp import Amp, draw_amp
from drumline.rendering.accompaniment.cabinet import CABINET_SUFFIXES, open_cabinet
from drumline.rendering.accompaniment.captured_amp import CAPTURE_RATE_HZ, SUFFIX, open_amp
from drumline.rendering.accompaniment.files import files_in
from drumline.rendering.accompaniment.guitar_parts import humanised, write_parts
from drumline.rendering.accompaniment.rig import UNCHANGED, Rig, draw_rig, normalised
from drumline.rendering.accompaniment.sampled_strings import Pluck, SampledStrings, Touch, open_strings, render_plucks
from drumline.rendering.accompaniment.score import gains

Samples = NDArray[np.float32]

_LAG_S: Final = 0.003  # of a take; standard deviation
_JITTER_S: Final = 0.004  # of a stroke
_DIRECT_BASS_HZ: Final = 250.0
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
    heavy: Probability = 0.4
    """Share of the songs with chugs, tremolo and power chords whatever their genre. The others play what it calls for
    (heavy, rock or clean)."""
    double_tracked: Probability = 0.65
    """Share of the songs whose rhythm guitars are played twice. A take costs 2.5 s of processor time a minute."""
    captured_bass: Probability = 0.25
    """Share of the basses that go through a capture too; the others through a synthetic amplifier."""
    keys: Probability = 0.3
    """Share of the songs in which keys and pads of the ``band`` play too, where it has instruments."""


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
    parts = write_parts(song, tempo, duration_s=duration_s, heavy=config.heavy, seed=(*seed, 0))
    strings = open_strings(str(random.choice(config.guitars)))
    num_samples = int(np.ceil(duration_s * CAPTURE_RATE_HZ)) + 1
    total = np.zeros((channels, num_samples), dtype=np.float32)
    names = []
    double = bool(random.random() < config.double_tracked)
    for plucks, is_clean, gain_db in ((parts.driven, False, 0.0), (parts.clean, True, float(random.uniform(-5, 1)))):
        rig, touch = draw_rig(config.amps, config.cabinets, is_clean=is_clean, random=random), _draw_touch(random)
        width = float(random.uniform(0.5, 1.0))
        for pan in (-width, width) if double else (float(random.uniform(-0.3, 0.3)),):
            take = _take(plucks, strings, touch, rig, num_samples, random)
            total += gains(gain_db - (3.0 if double else 0.0), pan, channels) * take
        names += [rig.name] if plucks else []
    lead_rig, lead_touch = draw_rig(config.amps, config.cabinets, is_clean=False, random=random), _draw_touch(random)
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
        for response in files_in(config.cabinets, CABINET_SUFFIXES):
            open_cabinet(str(response))


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
    rig = Rig("bass", Amp(amp.drive_db * 0.7, amp.cabinet_hz / 2, amp.presence_db), 0.0, before, UNCHANGED)
    if random.random() < config.captured_bass:
        rig = draw_rig(config.amps, config.cabinets, is_clean=bool(random.random() < 0.3), random=random)
    share = float(random.uniform(0.2, 1.0))
    played = humanised(plucks, lag_s=float(random.normal(0.0, _LAG_S)), jitter_s=_JITTER_S, random=random)
    dry = render_plucks(played, strings, touch, num_samples=num_samples, rate_hz=CAPTURE_RATE_HZ, random=random)
    dirt = filters.apply([Band("high_pass", _DIRECT_BASS_HZ)], rig.process(dry), rate_hz=CAPTURE_RATE_HZ)
    return normalised(normalised(dry) + np.float32(share) * dirt)


def _glued(bus: Samples, random: np.random.Generator) -> Samples:
    """The bus [channels, N] through a compressor, as most records have it."""
    compressor = Compressor(
        threshold_db=_BUS_DB + float(random.uniform(-5, 6)),
        ratio=float(random.uniform(1.5, 6.0)),
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
