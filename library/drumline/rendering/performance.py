"""Hits and a kit become audio whose labels are exact to half a sample.

A hit at ``time_s`` sounds from sample ``round(time_s * rate_hz)``. The hi-hat is one pair of plates: any
stroke or pedal on it ends the ring of the one before. Everything else rings out.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.events import Hit
from drumline.rendering.synth_kit import Kit

Samples = NDArray[np.float32]

PIECES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "kick": ("kick",),
        "snare": ("snare_head", "snare_rim"),
        "toms": ("tom_high", "tom_mid", "tom_floor"),
        "cymbals": ("hihat_closed", "hihat_open", "hihat_pedal", "ride_body", "ride_bell", "crash"),
    }
)
"""What the files ``drums_1`` to ``drums_4`` of a song folder hold, in this order."""

_PIECE_OF: Final = {drum: piece for piece, drums in PIECES.items() for drum in drums}
_SOUNDS_AS: Final = {
    "snare": "snare_head",
    "tom": "tom_mid",
    "hihat": "hihat_closed",
    "ride": "ride_body",
    "cymbal": "crash",
    "tom_or_cymbal": "hihat_closed",
}
"""A label that may be several classes sounds as one of them; ``other`` has no sound here."""
_FADE_S: Final = 0.02
_PEAK: Final = 0.98


def render(hits: Sequence[Hit], *, kit: Kit, duration_s: float, rate_hz: int = 44_100, seed: int = 0) -> Samples:
    """One drum track, mono float32 [duration_s * rate_hz]: the sum of `render_pieces`.

    Hits outside the duration are silent. Raises ValueError where the kit has another rate.
    """
    pieces = render_pieces(hits, kit=kit, duration_s=duration_s, rate_hz=rate_hz, seed=seed)
    return np.asarray(np.sum(list(pieces.values()), axis=0, dtype=np.float32))


def render_pieces(
    hits: Sequence[Hit], *, kit: Kit, duration_s: float, rate_hz: int = 44_100, seed: int = 0
) -> dict[str, Samples]:
    """A track for each of `PIECES`, mono float32 [duration_s * rate_hz], scaled alike so that the sum does not clip.

    ``seed`` chooses the takes. Raises ValueError where the kit has another rate.
    """
    if kit.rate_hz != rate_hz:
        raise ValueError(f"the kit is at {kit.rate_hz} Hz, the song at {rate_hz} Hz")
    length = round(duration_s * rate_hz)
    pieces = {piece: np.zeros(length, dtype=np.float32) for piece in PIECES}
    takes = np.random.default_rng(seed)
    struck = sorted(
        (hit.time_s, drum, _velocity(hit))
        for hit in hits
        if (drum := _SOUNDS_AS.get(hit.label, hit.label)) in _PIECE_OF
    )
    until_s = _hihat_ends(struck)
    for index, (time_s, drum, velocity) in enumerate(struck):
        start = round(time_s * rate_hz)
        stroke = kit.stroke(drum, velocity, int(takes.integers(1 << 16)))
        if index in until_s:
            stroke = _choked(stroke, round((until_s[index] - time_s) * rate_hz), round(_FADE_S * rate_hz))
        if 0 <= start < length:
            end = min(length, start + len(stroke))
            pieces[_PIECE_OF[drum]][start:end] += stroke[: end - start]
    peak = float(np.max(np.abs(np.sum(list(pieces.values()), axis=0)), initial=0.0))
    if peak > _PEAK:
        pieces = {piece: samples * np.float32(_PEAK / peak) for piece, samples in pieces.items()}
    return pieces


def _velocity(hit: Hit) -> float:
    """The velocity, or what the flags of a chart without velocities suggest."""
    if hit.velocity is not None:
        return hit.velocity
    return 1.0 if "accent" in hit.flags else 0.3 if "ghost" in hit.flags else 0.75


def _hihat_ends(struck: Sequence[tuple[float, str, float]]) -> dict[int, float]:
    """Index of a hi-hat hit -> the time of the next one [s]."""
    hihats = [index for index, (_, drum, _) in enumerate(struck) if drum.startswith("hihat")]
    return {index: struck[after][0] for index, after in pairwise(hihats)}


def _choked(stroke: Samples, after: int, fade: int) -> Samples:
    """The stroke fading out from sample ``after`` on."""
    cut = stroke[: after + fade].copy()
    tail = cut[after:]
    tail *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[: len(tail)]
    return cut
