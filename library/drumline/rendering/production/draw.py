"""From what may be to what is: one production drawn from a configuration.

Each effect draws from a generator of its own, seeded by the production's seed and the effect's name. So a changed range
changes its own effect, and the others of the same seed stay as they were.
"""

import math
import zlib
from pathlib import PurePosixPath
from typing import Final

import numpy as np

from drumline.core.artifacts import join, names
from drumline.core.errors import ConfigError
from drumline.effects.codec import Codec
from drumline.effects.colour import Loss, Noise, Saturation
from drumline.effects.dynamics import Compressor
from drumline.effects.filters import Band
from drumline.effects.kit_layout import PLACES, side
from drumline.effects.room import MeasuredRoom, Shoebox
from drumline.rendering.production.config import (
    BleedConfig,
    BusEqConfig,
    CodecConfig,
    CompressorConfig,
    DeskConfig,
    LossConfig,
    MixConfig,
    NoiseConfig,
    ProductionConfig,
    RoomConfig,
    SaturationConfig,
    WiresConfig,
)
from drumline.rendering.production.production import Bleed, Master, Mix, Piece, Production
from drumline.rendering.production.wires import SnareWires

Random = np.random.Generator

_MAX_PEAK_DB: Final = -0.1
_AUDIO_SUFFIXES: Final = (".wav", ".flac", ".ogg", ".aif", ".aiff")
_KNEE_DB: Final = (0.0, 12.0)
_WALL_M: Final = 0.4
"""How near a kit or a microphone may come to a wall."""


def draw(config: ProductionConfig, *, seed: int) -> Production:
    """One production: equal configurations and seeds give equal ones.

    It reads nothing but the names in the folder of measured rooms. Raises ConfigError where that holds no audio.
    """
    emphasis = _random(seed, "emphasis")
    return Production(
        seed=seed,
        channels=config.channels,
        pieces=_pieces(config.desk, _random(seed, "desk")),
        wires=_wires(config.wires, _random(seed, "wires")),
        bleed=_bleed(config.bleed, _random(seed, "bleed")),
        room=_room(config.room, _random(seed, "room")),
        bands=_bus_bands(config.bus_eq, _random(seed, "bus_eq")),
        emphasis_db=_between(emphasis, config.emphasis.gain_db)
        if _chance(emphasis, config.emphasis.probability)
        else None,
        compressor=_compressor(config.compressor, _random(seed, "compressor")),
        saturation=_saturation(config.saturation, _random(seed, "saturation")),
        noise=_noise(config.noise, _random(seed, "noise")),
        loss=_loss(config.loss, _random(seed, "loss")),
        codec=_codec(config.codec, _random(seed, "codec")),
        peak_db=min(_MAX_PEAK_DB, _between(_random(seed, "peak"), config.peak_db)),
        mix=_mix(config.mix, seed),
    )


def _pieces(config: DeskConfig, random: Random) -> tuple[Piece, ...]:
    width = _between(random, config.pan_width) * (1 if random.random() < 0.5 else -1)
    return tuple(
        Piece(
            name,
            gain_db=_between(random, config.gain_db),
            pan=_short(width * side(name)),
            bands=_three_bands(random, config.eq_gain_db) if _chance(random, config.eq_probability) else (),
        )
        for name in PLACES
    )


def _three_bands(random: Random, gain_db: tuple[float, float]) -> tuple[Band, ...]:
    return (
        Band("low_shelf", _spread(random, (60.0, 300.0)), _between(random, gain_db)),
        Band("peak", _spread(random, (250.0, 6000.0)), _between(random, gain_db), _between(random, (0.5, 2.0))),
        Band("high_shelf", _spread(random, (3000.0, 9000.0)), _between(random, gain_db)),
    )


def _wires(config: WiresConfig, random: Random) -> SnareWires | None:
    if not _chance(random, config.probability):
        return None
    return SnareWires(
        level_db=_between(random, config.level_db),
        release_s=_spread(random, config.release_s),
        low_hz=_spread(random, config.low_hz),
        high_hz=_spread(random, config.high_hz),
    )


def _bleed(config: BleedConfig, random: Random) -> Bleed | None:
    if not _chance(random, config.probability):
        return None
    return Bleed(_between(random, config.level_db), _spread(random, config.low_pass_hz))


def _room(config: RoomConfig, random: Random) -> Shoebox | MeasuredRoom | None:
    if not _chance(random, config.probability):
        return None
    wet_db = _between(random, config.wet_db)
    if config.folder and _chance(random, config.measured_share):
        files = sorted(name for name in names(config.folder) if PurePosixPath(name).suffix.lower() in _AUDIO_SUFFIXES)
        if not files:
            raise ConfigError(f"{config.folder}: no audio files ({', '.join(_AUDIO_SUFFIXES)}) to take a room from")
        return MeasuredRoom(join(config.folder, files[int(random.integers(len(files)))]), wet_db)
    width_m, depth_m = _spread(random, config.width_m), _spread(random, config.width_m)
    height_m = _short(max(2.3, math.sqrt(width_m * depth_m) * random.uniform(0.5, 0.75)))
    middle_s = _spread(random, config.rt60_s)
    return Shoebox(
        size_m=(width_m, depth_m, height_m),
        kit_m=(_inside(random, width_m), _inside(random, depth_m), 0.0),
        microphone_m=(_inside(random, width_m), _inside(random, depth_m), _between(random, (1.0, 2.0))),
        spacing_m=_between(random, (0.2, 1.0)),
        # Walls eat highs, and air more of them; lows last longer, or not where a panel swings.
        rt60_s=(_short(middle_s * random.uniform(0.8, 1.5)), middle_s, _short(middle_s * random.uniform(0.4, 0.9))),
        wet_db=wet_db,
        seed=int(random.integers(1 << 31)),
        gate_s=_spread(random, config.gate_s) if _chance(random, config.gate_probability) else None,
    )


def _inside(random: Random, wall_m: float) -> float:
    return _between(random, (min(_WALL_M, wall_m / 2), max(wall_m - _WALL_M, wall_m / 2)))


def _bus_bands(config: BusEqConfig, random: Random) -> tuple[Band, ...]:
    bands = _three_bands(random, config.gain_db) if _chance(random, config.probability) else ()
    if _chance(random, config.pass_probability):
        bands += (Band("high_pass", _spread(random, config.high_pass_hz)),)
    if _chance(random, config.pass_probability):
        bands += (Band("low_pass", _spread(random, config.low_pass_hz)),)
    return bands


def _compressor(config: CompressorConfig, random: Random) -> Compressor | None:
    if not _chance(random, config.probability):
        return None
    return Compressor(
        threshold_db=_between(random, config.threshold_db),
        ratio=_spread(random, config.ratio),
        knee_db=_between(random, _KNEE_DB),
        attack_s=_spread(random, config.attack_s),
        release_s=_spread(random, config.release_s),
        mix=_between(random, config.mix),
    )


def _saturation(config: SaturationConfig, random: Random) -> Saturation | None:
    if not _chance(random, config.probability):
        return None
    return Saturation(_between(random, config.drive_db), _between(random, config.asymmetry))


def _noise(config: NoiseConfig, random: Random) -> Noise | None:
    if not _chance(random, config.probability):
        return None
    return Noise(
        hiss_db=_between(random, config.hiss_db),
        hum_db=_between(random, config.hum_db) if _chance(random, config.hum_probability) else None,
        mains_hz=50 if random.random() < 0.5 else 60,
    )


def _loss(config: LossConfig, random: Random) -> Loss | None:
    loss = Loss(
        low_pass_hz=_spread(random, config.low_pass_hz) if _chance(random, config.low_pass_probability) else None,
        rate_hz=round(_spread(random, config.rate_hz)) if _chance(random, config.resample_probability) else None,
        bits=round(_between(random, config.bits)) if _chance(random, config.quantise_probability) else None,
    )
    return None if loss == Loss(None, None, None) else loss


def _codec(config: CodecConfig, random: Random) -> Codec | None:
    if not _chance(random, config.probability):
        return None
    return Codec(config.names[int(random.integers(len(config.names)))], _between(random, config.quality))


def _mix(config: MixConfig, seed: int) -> Mix:
    random = _random(seed, "mix")
    return Mix(
        drums_to_backing_db=_between(random, config.drums_to_backing_db),
        backing_bleed_db=_between(random, config.bleed_db) if _chance(random, config.bleed_probability) else None,
        compressor=_compressor(config.compressor, _random(seed, "mix.compressor")),
        limit_db=_between(random, config.limit_db) if _chance(random, config.limiter_probability) else None,
        master=Master(
            bands=_bus_bands(config.master.eq, _random(seed, "master.eq")),
            saturation=_saturation(config.master.saturation, _random(seed, "master.saturation")),
            codec=_codec(config.master.codec, _random(seed, "master.codec")),
        ),
    )


def _random(seed: int, effect: str) -> Random:
    return np.random.default_rng((seed, zlib.crc32(effect.encode())))


def _chance(random: Random, probability: float) -> bool:
    return bool(random.random() < probability)


def _between(random: Random, bounds: tuple[float, float]) -> float:
    return _short(random.uniform(*bounds))


def _spread(random: Random, bounds: tuple[float, float]) -> float:
    """Even in the logarithm: for frequencies, times and ratios."""
    return _short(math.exp(random.uniform(math.log(bounds[0]), math.log(bounds[1]))))


def _short(value: float) -> float:
    """Four digits are all that anybody hears or wants to read."""
    return float(f"{value:.4g}") + 0.0  # no minus zero
