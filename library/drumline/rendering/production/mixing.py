"""A drum bus and a backing become a mix, as two stems that sum to it.

A dataset hears the sum of ``drums.*`` and ``song.*``, so whatever is done to the mix must be done to both stems alike.
A gain can be, even one that follows the level of the mix (compressor and limiter: the stems then pump with the mix, as
stems printed from a mastered session do), and a filter. What mastering adds beyond them (`mastered`) is in the backing
stem alone.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.audio.loudness import amplify
from drumline.effects import codec, colour, dynamics, filters
from drumline.rendering.production.production import Master, Production

Samples = NDArray[np.float32]

_BLOCK_S: Final = 0.1
_SOUNDING_DB: Final = -40.0
"""A block sounds where its RMS is within this of the loudest block."""
_LIMITER_RELEASE_S: Final = 0.1


def mix_with(bus: Samples, backing: Samples, production: Production, *, rate_hz: int) -> tuple[Samples, Samples]:
    """The drum stem and the backing stem, float32 [channels, N], whose sum is the mix.

    ``bus`` and ``backing`` are [channels, N]; a backing of one channel goes to both of the bus, one of two is folded
    down for a bus of one. The highest peak among mix and stems is ``production.peak_db``. Raises ValueError where the
    lengths differ.
    """
    mix = production.mix
    backing = _fitted(backing, bus)
    # An unheard part has no level to relate to: then the other stays as it is.
    ratio_db = level_ratio_db(bus, backing, rate_hz=rate_hz)
    drums = amplify(bus, mix.drums_to_backing_db - ratio_db if ratio_db is not None else 0.0)
    peak = _peak(drums + backing)
    if peak == 0.0:
        return drums, backing
    drums, backing = drums / np.float32(peak), backing / np.float32(peak)
    if mix.compressor is not None:
        gain = dynamics.compressor_gain(drums + backing, mix.compressor, rate_hz=rate_hz)
        drums, backing = drums * gain, backing * gain
    if mix.limit_db is not None:
        total = drums + backing
        ceiling_db = 20 * math.log10(_peak(total)) - mix.limit_db
        gain = dynamics.limiter_gain(total, ceiling_db, release_s=_LIMITER_RELEASE_S, rate_hz=rate_hz)
        drums, backing = drums * gain, backing * gain
    highest = max(_peak(drums + backing), _peak(drums), _peak(backing))
    scale = np.float32(10 ** (production.peak_db / 20) / highest)
    return drums * scale, backing * scale


def mastered(drums: Samples, backing: Samples, production: Production, *, rate_hz: int) -> tuple[Samples, Samples]:
    """The two stems of `mix_with`, so that their sum is the mix through the master's equaliser, saturation and codec.

    The highest peak among mix and stems stays.
    """
    master = production.mix.master
    mix = drums + backing
    peak = _peak(mix)
    if master == Master() or peak == 0.0:
        return drums, backing
    highest = max(peak, _peak(drums), _peak(backing))
    mix = filters.apply(master.bands, mix, rate_hz=rate_hz)
    mix /= np.float32(_peak(mix))
    if master.saturation is not None:
        mix = colour.driven(mix, master.saturation, rate_hz=rate_hz)
    if master.codec is not None:
        mix = codec.round_trip(mix, master.codec, rate_hz=rate_hz)
    # The drum stem as it is in there: through the equaliser, which turns a deep kick's phase, and as loud as its share.
    drums = filters.apply(master.bands, drums, rate_hz=rate_hz)
    share = float(np.vdot(mix, drums)) / max(float(np.vdot(drums, drums)), 1e-12)
    drums = drums * np.float32(max(share, 1e-3))
    backing = mix - drums
    scale = np.float32(highest / max(_peak(mix), _peak(drums), _peak(backing)))
    return drums * scale, backing * scale


def with_backing_bleed(bus: Samples, backing: Samples, production: Production, *, rate_hz: int) -> Samples:
    """ "Drums only" as a separator or a headphone leaves it: with a little of the backing. No louder in peak."""
    bleed_db = production.mix.backing_bleed_db
    return bus if bleed_db is None else beside(bus, backing, level_db=bleed_db, rate_hz=rate_hz)


def beside(bus: Samples, other: Samples, *, level_db: float, rate_hz: int) -> Samples:
    """The bus with something beside it whose RMS is ``level_db`` over the bus's where both sound. No louder in peak."""
    other = _fitted(other, bus)
    ratio_db = level_ratio_db(bus, other, rate_hz=rate_hz)
    if ratio_db is None:
        return bus
    total = bus + amplify(other, ratio_db + level_db)
    return total * np.float32(min(1.0, _peak(bus) / _peak(total)))


def level_ratio_db(samples: Samples, others: Samples, *, rate_hz: int) -> float | None:
    """RMS of one signal over another's where both sound (blocks of 0.1 s within 40 dB of their own loudest).

    Where they never sound at once, each is measured where it sounds; None where one never does.
    """
    energies = [_block_energies(each, rate_hz) for each in (samples, others)]
    if not all(energy.any() for energy in energies):
        return None
    sounding = [energy > energy.max() * 10 ** (_SOUNDING_DB / 10) for energy in energies]
    both = sounding[0] & sounding[1]
    where = [both, both] if both.any() else sounding
    mine, theirs = (float(energy[span].mean()) for energy, span in zip(energies, where, strict=True))
    return 10 * math.log10(mine / theirs)


def _block_energies(samples: Samples, rate_hz: int) -> NDArray[np.float64]:
    starts = np.arange(0, samples.shape[1], round(_BLOCK_S * rate_hz))
    return np.add.reduceat(np.square(samples).mean(axis=0), starts, dtype=np.float64) if len(starts) else np.zeros(0)


def _fitted(backing: Samples, bus: Samples) -> Samples:
    if backing.shape[1] != bus.shape[1]:
        raise ValueError(f"the drums have {bus.shape[1]} samples, the backing {backing.shape[1]}")
    if len(backing) > len(bus):
        return np.asarray(backing.mean(axis=0, keepdims=True))
    return np.broadcast_to(backing, bus.shape)


def _peak(samples: Samples) -> float:
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
