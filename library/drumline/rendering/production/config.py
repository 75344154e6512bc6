"""Ranges and probabilities of sampled productions."""

from typing import Literal

from drumline.core.config import Config
from drumline.core.ranges import PositiveRange, Probability, Range
from drumline.effects.codec import CodecName


class DeskConfig(Config):
    """The channels of the pieces."""

    gain_db: Range = (-4.0, 4.0)
    """Gain of each piece [dB], sampled separately."""
    pan_width: Range = (0.2, 0.8)
    """Stereo width of the kit: 0 mono, 1 widest. Left and right are swapped in half of the productions."""
    eq_probability: Probability = 0.5
    """Probability that a piece is equalised."""
    eq_gain_db: Range = (-5.0, 5.0)
    """Gain of each shelf and peak [dB]."""


class WiresConfig(Config):
    """Snare wires that rattle with kick and toms; off by default."""

    probability: Probability = 0.0
    """Share of the productions whose wires rattle."""
    level_db: Range = (-36.0, -12.0)
    """Peak of the rattle relative to the drums that cause it."""
    release_s: PositiveRange = (0.03, 0.25)
    """Time constant of its decay, in seconds."""
    low_hz: PositiveRange = (700.0, 2500.0)
    """Lower edge of its band, in Hz."""
    high_hz: PositiveRange = (4000.0, 9000.0)
    """Upper edge of its band, in Hz."""


class BleedConfig(Config):
    """Pieces in the microphones of others."""

    probability: Probability = 0.5
    level_db: Range = (-40.0, -22.0)
    """At one metre."""
    low_pass_hz: PositiveRange = (2000.0, 12_000.0)


class RoomConfig(Config):
    """The room, synthesised or measured."""

    probability: Probability = 0.7
    width_m: PositiveRange = (3.0, 10.0)
    """Width and depth of the room [m]; the height is half to three quarters of the geometric mean, at least 2.3 m."""
    rt60_s: PositiveRange = (0.15, 0.9)
    """Reverberation time of the middle frequencies [s], sampled by its logarithm."""
    wet_db: Range = (-24.0, -8.0)
    """Reverberant energy over direct; less where a reflection would stand within 3 dB of the direct sound."""
    gate_probability: Probability = 0.0
    """Probability of a gate that cuts the reverberation off, as on records of the eighties."""
    gate_s: PositiveRange = (0.08, 0.3)
    """How long it lets it through."""
    folder: str = ""
    """A folder or URI of measured impulse responses (WAV, FLAC, Ogg); empty for none."""
    measured_share: Probability = 0.5
    """Share of measured rooms, if a folder of them is given."""


class BusEqConfig(Config):
    """The bus's equaliser."""

    probability: Probability = 0.5
    gain_db: Range = (-3.0, 3.0)
    """Gain of two shelves and a peak [dB]."""
    pass_probability: Probability = 0.2
    """Probability of a high pass, and of a low pass."""
    high_pass_hz: PositiveRange = (20.0, 60.0)
    low_pass_hz: PositiveRange = (12_000.0, 18_000.0)


class EmphasisConfig(Config):
    """Attacks raised or lowered."""

    probability: Probability = 0.15
    gain_db: Range = (-2.0, 4.0)


class CompressorConfig(Config):
    """A compressor; thresholds lie below the highest peak."""

    probability: Probability = 0.5
    threshold_db: Range = (-24.0, -8.0)
    ratio: PositiveRange = (1.5, 5.0)
    attack_s: PositiveRange = (0.002, 0.03)
    release_s: PositiveRange = (0.05, 0.3)
    mix: Range = (0.3, 1.0)
    """Less than 1 is parallel compression."""


class SaturationConfig(Config):
    """Tape and valves."""

    probability: Probability = 0.3
    drive_db: Range = (-6.0, 6.0)
    asymmetry: Range = (0.0, 0.2)


class NoiseConfig(Config):
    """Hiss and hum, relative to a bus whose peak is full scale."""

    probability: Probability = 0.3
    hiss_db: Range = (-90.0, -65.0)
    hum_probability: Probability = 0.2
    hum_db: Range = (-85.0, -65.0)


class LossConfig(Config):
    """Worse recorders; each step is drawn by itself."""

    low_pass_probability: Probability = 0.05
    low_pass_hz: PositiveRange = (9000.0, 16_000.0)
    resample_probability: Probability = 0.0
    rate_hz: PositiveRange = (16_000.0, 32_000.0)
    quantise_probability: Probability = 0.0
    bits: Range = (12.0, 16.0)
    """Drawn, then rounded."""


class CodecConfig(Config):
    """A lossy round trip."""

    probability: Probability = 0.3
    names: tuple[CodecName, ...] = ("vorbis", "mp3")
    quality: Range = (0.3, 0.9)
    """0 the encoder's worst, 1 its best."""


class MasterConfig(Config):
    """Mastering of the finished mix; off by default."""

    eq: BusEqConfig = BusEqConfig(probability=0.0, pass_probability=0.0)
    saturation: SaturationConfig = SaturationConfig(probability=0.0)
    codec: CodecConfig = CodecConfig(probability=0.0)


class MixConfig(Config):
    """Drums among others."""

    drums_to_backing_db: Range = (-6.0, 6.0)
    """RMS where both sound; -1 is the median of MedleyDB's mixes."""
    bleed_probability: Probability = 0.2
    """That "drums only" holds a little of the backing."""
    bleed_db: Range = (-40.0, -26.0)
    """RMS of that, relative to the drums."""
    compressor: CompressorConfig = CompressorConfig(threshold_db=(-18.0, -6.0), ratio=(1.2, 2.5), mix=(1.0, 1.0))
    """Compressor of the mix, whose gain is applied to both stems."""
    limiter_probability: Probability = 0.4
    limit_db: Range = (1.0, 6.0)
    """How far the limiter takes the highest peak down."""
    master: MasterConfig = MasterConfig()


class ProductionConfig(Config):
    """Everything about the sound of a rendered song but its kit. The defaults are `presets.TASTEFUL`."""

    channels: Literal[1, 2] = 1
    """Channels of the drum bus and of the stems."""
    desk: DeskConfig = DeskConfig()
    wires: WiresConfig = WiresConfig()
    bleed: BleedConfig = BleedConfig()
    room: RoomConfig = RoomConfig()
    bus_eq: BusEqConfig = BusEqConfig()
    emphasis: EmphasisConfig = EmphasisConfig()
    compressor: CompressorConfig = CompressorConfig()
    saturation: SaturationConfig = SaturationConfig()
    noise: NoiseConfig = NoiseConfig()
    loss: LossConfig = LossConfig()
    codec: CodecConfig = CodecConfig()
    peak_db: Range = (-12.0, -0.3)
    """Peak of the bus, and of mix and stems [dBFS], at most -0.1."""
    mix: MixConfig = MixConfig()
