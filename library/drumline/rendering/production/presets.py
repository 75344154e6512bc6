"""Three ways to produce: not at all, as a good engineer would, and as nobody should."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from drumline.rendering.production.config import (
    BleedConfig,
    BusEqConfig,
    CodecConfig,
    CompressorConfig,
    DeskConfig,
    EmphasisConfig,
    LossConfig,
    MixConfig,
    NoiseConfig,
    ProductionConfig,
    RoomConfig,
    SaturationConfig,
)

OFF: Final = ProductionConfig(
    desk=DeskConfig(gain_db=(0.0, 0.0), pan_width=(0.0, 0.0), eq_probability=0.0),
    bleed=BleedConfig(probability=0.0),
    room=RoomConfig(probability=0.0),
    bus_eq=BusEqConfig(probability=0.0, pass_probability=0.0),
    emphasis=EmphasisConfig(probability=0.0),
    compressor=CompressorConfig(probability=0.0),
    saturation=SaturationConfig(probability=0.0),
    noise=NoiseConfig(probability=0.0),
    loss=LossConfig(low_pass_probability=0.0),
    codec=CodecConfig(probability=0.0),
    peak_db=(-1.0, -1.0),
    mix=MixConfig(
        drums_to_backing_db=(-1.0, -1.0),
        bleed_probability=0.0,
        compressor=CompressorConfig(probability=0.0),
        limiter_probability=0.0,
    ),
)
"""The sum of the pieces and a level."""

TASTEFUL: Final = ProductionConfig()

WILD: Final = ProductionConfig(
    desk=DeskConfig(gain_db=(-9.0, 9.0), pan_width=(0.0, 1.0), eq_probability=0.8, eq_gain_db=(-9.0, 9.0)),
    bleed=BleedConfig(probability=0.8, level_db=(-30.0, -12.0), low_pass_hz=(1000.0, 16_000.0)),
    room=RoomConfig(probability=0.85, width_m=(2.0, 30.0), rt60_s=(0.1, 2.5), wet_db=(-20.0, 2.0)),
    bus_eq=BusEqConfig(
        probability=0.8,
        gain_db=(-6.0, 6.0),
        pass_probability=0.4,
        high_pass_hz=(20.0, 150.0),
        low_pass_hz=(6000.0, 18_000.0),
    ),
    emphasis=EmphasisConfig(probability=0.4, gain_db=(-6.0, 8.0)),
    compressor=CompressorConfig(
        probability=0.7,
        threshold_db=(-40.0, -10.0),
        ratio=(2.0, 20.0),
        attack_s=(0.0005, 0.05),
        release_s=(0.02, 0.5),
    ),
    saturation=SaturationConfig(probability=0.6, drive_db=(0.0, 20.0), asymmetry=(0.0, 0.5)),
    noise=NoiseConfig(probability=0.6, hiss_db=(-80.0, -40.0), hum_probability=0.4, hum_db=(-80.0, -40.0)),
    loss=LossConfig(
        low_pass_probability=0.25,
        low_pass_hz=(4000.0, 12_000.0),
        resample_probability=0.15,
        rate_hz=(11_025.0, 22_050.0),
        quantise_probability=0.15,
        bits=(8.0, 12.0),
    ),
    codec=CodecConfig(probability=0.5, quality=(0.0, 0.7)),
    peak_db=(-40.0, -0.1),
    mix=MixConfig(
        drums_to_backing_db=(-12.0, 12.0),
        bleed_probability=0.5,
        bleed_db=(-40.0, -20.0),
        compressor=CompressorConfig(threshold_db=(-30.0, -6.0), ratio=(1.5, 8.0), mix=(0.5, 1.0)),
        limiter_probability=0.6,
        limit_db=(2.0, 14.0),
    ),
)

PRESETS: Final[Mapping[str, ProductionConfig]] = MappingProxyType({"off": OFF, "tasteful": TASTEFUL, "wild": WILD})
