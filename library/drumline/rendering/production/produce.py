"""Dry pieces become a drum bus.

The order is a studio's: snare wires; each piece at the desk, bleed, room and the bus's equaliser (all linear:
`responses`); then the sum, brought to a peak of full scale so that thresholds mean something, goes through attack
emphasis, compressor, saturation, noise, loss and codec; at last it gets its level. Nothing of this moves a hit: filters
are of minimum phase, gains do not delay, rooms come after their direct sound, and codecs are compensated.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from drumline.effects import codec, colour, dynamics
from drumline.effects.kit_layout import PLACES
from drumline.rendering.production.production import Production
from drumline.rendering.production.responses import convolve_and_sum, response_of
from drumline.rendering.production.wires import with_wires

Samples = NDArray[np.float32]


def produce(pieces: Mapping[str, Samples], production: Production, *, rate_hz: int) -> Samples:
    """The drum bus, float32 [channels, N], of dry pieces (names of `kit_layout.PLACES`), mono float32 [N].

    Its peak is ``production.peak_db``; silence stays silence, or becomes the noise floor at its own level. Raises
    ValueError for unknown pieces, lengths that differ, or no piece at all.
    """
    _check(pieces)
    if production.wires is not None:
        pieces = with_wires(pieces, production.wires, rate_hz=rate_hz, seed=production.seed)
    ordered = {name: pieces[name] for name in PLACES if name in pieces}  # sums of floats depend on the order
    responses = {name: response_of(name, production, rate_hz=rate_hz) for name in ordered}
    bus = convolve_and_sum(ordered, responses)
    silent = not bus.any()
    bus = to_peak(bus, 0.0)
    if production.emphasis_db is not None:
        bus *= dynamics.emphasis_gain(bus, production.emphasis_db, rate_hz=rate_hz)
        bus = to_peak(bus, 0.0)
    if production.compressor is not None:
        bus *= dynamics.compressor_gain(bus, production.compressor, rate_hz=rate_hz)
        bus = to_peak(bus, 0.0)
    if production.saturation is not None:
        bus = colour.driven(bus, production.saturation, rate_hz=rate_hz)
    if production.noise is not None:
        bus += colour.noise(
            production.noise, channels=len(bus), length=bus.shape[1], rate_hz=rate_hz, seed=production.seed
        )
    if production.loss is not None:
        bus = colour.lose(bus, production.loss, rate_hz=rate_hz)
    if production.codec is not None:
        bus = codec.round_trip(bus, production.codec, rate_hz=rate_hz)
    return bus if silent else to_peak(bus, production.peak_db)


def to_peak(samples: Samples, peak_db: float) -> Samples:
    """Samples scaled to a sample peak relative to full scale; silence stays as it is."""
    peak = max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
    return np.asarray(samples * np.float32(10 ** (peak_db / 20) / peak)) if peak > 0 else samples


def _check(pieces: Mapping[str, Samples]) -> None:
    if unknown := sorted(set(pieces) - set(PLACES)):
        raise ValueError(f"unknown pieces {', '.join(unknown)}; a production knows {', '.join(PLACES)}")
    if not pieces:
        raise ValueError("no pieces to produce")
    lengths = {name: len(samples) for name, samples in pieces.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"pieces must be equally long, not {lengths}")
