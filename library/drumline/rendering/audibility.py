"""Which strokes of a rendering can be heard: what nobody hears is no truth to judge by.

A performance on an electronic kit holds strokes that no listener notes down: crosstalk between pads, taps under a
ringing crash. A stroke is *faint* where in no band of the spectrum it rises above what sounded just before, or above
`FLOOR_DB` under the loud strokes of the song there. Strokes at the same time hide nothing: a listener tells them by
their beat, and annotators write them down.

A stroke is *covered* where the backing is louder in every band: heard in the stem, and not in the mix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft

FLOOR_DB: Final = -32.0
"""Under the loud strokes of the song, band by band: where sticks' taps and crosstalk begin."""
_LOUD_QUANTILE: Final = 0.9
_WINDOW_S: Final = 0.04
_GAP_S: Final = 0.003
"""Of silence between "before" and the onset: strokes are placed to the sample, their attacks are not that sharp."""
_AT_ONCE: Final = 256
_EDGES_HZ: Final = (30, 90, 180, 360, 720, 1500, 3000, 6000, 11_025)


_COVER_DB: Final = 6.0
"""By how much the backing must be louder: drums are told by their edges, too."""


@dataclass(frozen=True)
class Attack:
    """The beginning of one stroke, as it sounds alone."""

    place: int
    """The sample of its onset."""
    energy: NDArray[np.float64]
    """Of each band."""


def attack(samples: NDArray[np.float32], onset: int, place: int, *, rate_hz: int) -> Attack:
    """The attack of a stroke whose onset in ``samples`` lies at ``place`` of the song."""
    return Attack(place, _energy(samples[onset : onset + round(_WINDOW_S * rate_hz)], rate_hz))


def faint(
    attacks: Sequence[Attack], whole: NDArray[np.float32], *, rate_hz: int, floor_db: float = FLOOR_DB
) -> NDArray[np.bool_]:
    """Which strokes [N] cannot be heard in the ``whole``, the mono sum of all that is played."""
    if not attacks:
        return np.zeros(0, dtype=bool)
    own = np.stack([each.energy for each in attacks])
    window, gap = round(_WINDOW_S * rate_hz), round(_GAP_S * rate_hz)
    before = _energies(whole, [each.place - gap - window for each in attacks], rate_hz)
    floor = np.quantile(own, _LOUD_QUANTILE, axis=0) * 10 ** (floor_db / 10)
    return np.asarray(~(own > np.maximum(before, floor)).any(axis=1))


def covered(
    attacks: Sequence[Attack],
    whole: NDArray[np.float32],
    *,
    drums: NDArray[np.float32],
    backing: NDArray[np.float32],
    rate_hz: int,
) -> NDArray[np.bool_]:
    """Which strokes [N] a backing covers. ``whole`` is the sum of what was played, ``drums`` what became of it in the
    mix, ``backing`` what sounds with it; all mono and equally long."""
    if not attacks:
        return np.zeros(0, dtype=bool)
    places = [each.place for each in attacks]
    played, produced, others = (_energies(each, places, rate_hz) for each in (whole, drums, backing))
    # What the desk, the room and the mix do to a band, over the whole song.
    gain = produced.sum(axis=0) / np.maximum(played.sum(axis=0), np.finfo(np.float64).tiny)
    own = np.stack([each.energy for each in attacks]) * gain
    return np.asarray(~(own > others * 10 ** (-_COVER_DB / 10)).any(axis=1))


def _energies(samples: NDArray[np.float32], places: Sequence[int], rate_hz: int) -> NDArray[np.float64]:
    """Energy [N, bands] of the window that begins at each place, which may lie before the samples."""
    window = round(_WINDOW_S * rate_hz)
    padded = np.pad(samples, window)
    starts = np.clip(np.asarray(places) + window, 0, len(padded) - window)
    windows = sliding_window_view(padded, window)
    return np.concatenate(
        [_energy(windows[starts[first : first + _AT_ONCE]], rate_hz) for first in range(0, len(starts), _AT_ONCE)]
    )


def _energy(windows: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """Energy [..., bands] of windows [..., N], shorter ones filled up with silence."""
    spectra = fft.rfft(windows, round(_WINDOW_S * rate_hz))
    power = np.zeros((*spectra.shape[:-1], spectra.shape[-1] + 1))  # and nothing above the highest bin
    power[..., :-1] = np.square(np.abs(spectra))
    return np.asarray(np.add.reduceat(power, _bins(rate_hz), axis=-1)[..., :-1])


@lru_cache
def _bins(rate_hz: int) -> NDArray[np.intp]:
    """Where bands begin in a spectrum, and where the last one ends."""
    hz = fft.rfftfreq(round(_WINDOW_S * rate_hz), 1 / rate_hz)
    return np.searchsorted(hz, _EDGES_HZ)
