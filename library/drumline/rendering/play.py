"""Render hits on a kit to audio, with onsets exact to half a sample.

The acoustic onset of a one-shot (`kit.Stroke.onset`) is placed at sample ``round(time_s * rate_hz)``. Each hi-hat hit
chokes the one before: at once if the hi-hat closes, more slowly if it stays open. All other sounds decay naturally.

Hits that a kit cannot play are silent: `playable` selects the audible ones, and only those belong into labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.hits import FLAGS, Hit
from drumline.rendering.audibility import Attack, attack, faint
from drumline.rendering.kit import PIECE_OF, PIECES, Kit

Samples = NDArray[np.float32]

STEMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "kick": ("kick",),
        "snare": ("snare",),
        "toms": ("tom_high", "tom_mid", "tom_floor"),
        "cymbals": ("hihat", "ride", "crash"),
    }
)
"""Pieces (`kit.PIECES`) that are summed in the files ``drums_1`` to ``drums_4`` of a song folder, in this order."""

_SOUNDS_AS: Final = {
    "snare": "snare_head",
    "tom": "tom_mid",
    "hihat": "hihat_closed",
    "ride": "ride_body",
    "cymbal": "crash",
    "tom_or_cymbal": "hihat_closed",
}
"""Rendered class of ambiguous labels; ``other`` is silent."""
_CLOSING_FADE_S: Final = 0.02
_OPEN_FADE_S: Final = 0.15
_PEAK: Final = 0.98


def played_as(hit: Hit, kit: Kit) -> str | None:
    """Class that a kit plays for a hit; None if the hit is silent."""
    drum = _SOUNDS_AS.get(hit.label, hit.label)
    return drum if drum in kit.drums and _velocity(hit) > 0 else None


def playable(hits: Sequence[Hit], kit: Kit) -> tuple[Hit, ...]:
    """Select the hits that a kit can play.

    Parameters
    ----------
    hits
        Hits of a song.
    kit
        The kit.

    Returns
    -------
    tuple of Hit
        Audible hits, in the same order.
    """
    return tuple(hit for hit in hits if played_as(hit, kit) is not None)


@dataclass(frozen=True)
class RenderedPieces:
    """Rendered tracks of a kit's pieces, with their hits."""

    pieces: Mapping[str, Samples]
    """Track of each piece in `kit.PIECES`, mono float32 [duration_s * kit.rate_hz], at the kit's level."""
    hits: tuple[Hit, ...]
    """All hits in their order; inaudible ones are flagged ``faint``."""
    attacks: Mapping[int, Attack]
    """Attack of each audible hit, by its index in ``hits``."""


def render_pieces(hits: Sequence[Hit], *, kit: Kit, duration_s: float, seed: int = 0) -> Mapping[str, Samples]:
    """Render a track per piece; see `play`."""
    return play(hits, kit=kit, duration_s=duration_s, seed=seed).pieces


def play(hits: Sequence[Hit], *, kit: Kit, duration_s: float, seed: int = 0) -> RenderedPieces:
    """Render hits on a kit, without scaling or clipping.

    Consecutive hits of a class use consecutive takes (round robin). Hits outside the duration are silent; decays are
    cut at its end.

    Parameters
    ----------
    hits
        Hits to play.
    kit
        The kit.
    duration_s
        Duration of the rendering [s].
    seed
        Random seed of the first take of each class.

    Returns
    -------
    RenderedPieces
        A track per piece, and hits with flags.
    """
    length = round(duration_s * kit.rate_hz)
    pieces = {piece: np.zeros(length, dtype=np.float32) for piece in PIECES}
    first_takes = np.random.default_rng(seed).integers(1 << 16, size=len(PIECE_OF))
    takes = dict(zip(PIECE_OF, first_takes.tolist(), strict=True))
    numbered = sorted(
        ((number, hit, drum) for number, hit in enumerate(hits) if (drum := played_as(hit, kit)) is not None),
        key=lambda item: (item[1].time_s, item[2]),
    )
    chokes = _hihat_chokes([(hit, drum) for _, hit, drum in numbered])
    attacks: dict[int, Attack] = {}
    for index, (number, hit, drum) in enumerate(numbered):
        position = round(hit.time_s * kit.rate_hz)
        if not 0 <= position < length:
            continue
        takes[drum] += 1
        stroke = kit.stroke(drum, _velocity(hit), take=takes[drum], source_name=hit.source_name, openness=hit.openness)
        attacks[number] = attack(stroke.samples, stroke.onset, position, rate_hz=kit.rate_hz)
        samples, start = stroke.samples, position - stroke.onset
        if index in chokes:
            next_s, fade_s = chokes[index]
            samples = _choked(samples, round(next_s * kit.rate_hz) - start, round(fade_s * kit.rate_hz))
        first, end = max(0, -start), min(samples.size, length - start)
        pieces[PIECE_OF[drum]][start + first : start + end] += samples[first:end]
    inaudible = faint(list(attacks.values()), summed(pieces), rate_hz=kit.rate_hz)
    return RenderedPieces(pieces, flagged(hits, "faint", attacks, inaudible), attacks)


def flagged(hits: Sequence[Hit], flag: str, attacks: Mapping[int, Attack], which: NDArray[np.bool_]) -> tuple[Hit, ...]:
    """Add a flag to selected hits.

    Parameters
    ----------
    hits
        Hits of a song.
    flag
        Flag to add.
    attacks
        Attacks by index of their hit.
    which
        Selected attacks, bool [N].
    """
    chosen = {number for number, is_selected in zip(attacks, which.tolist(), strict=True) if is_selected}
    return tuple(
        replace(hit, flags=tuple(name for name in FLAGS if name == flag or name in hit.flags))
        if number in chosen
        else hit
        for number, hit in enumerate(hits)
    )


def summed(tracks: Mapping[str, Samples]) -> Samples:
    """Sum of one or more tracks."""
    first, *others = tracks.values()
    total = first.copy()
    for track in others:  # several times as fast as np.sum, which copies them beside each other first
        total += track
    return total


def render_stems(hits: Sequence[Hit], *, kit: Kit, duration_s: float, seed: int = 0) -> dict[str, Samples]:
    """Render the stems of `STEMS`, scaled by one gain so that their sum does not clip.

    Parameters
    ----------
    hits, kit, duration_s, seed
        See `play`.

    Returns
    -------
    dict
        Mono float32 [duration_s * kit.rate_hz] by stem.
    """
    pieces = render_pieces(hits, kit=kit, duration_s=duration_s, seed=seed)
    stems = {stem: summed({piece: pieces[piece] for piece in names}) for stem, names in STEMS.items()}
    peak = float(np.max(np.abs(summed(stems)), initial=0.0))
    if peak > _PEAK:
        stems = {stem: samples * np.float32(_PEAK / peak) for stem, samples in stems.items()}
    return stems


def render(hits: Sequence[Hit], *, kit: Kit, duration_s: float, seed: int = 0) -> Samples:
    """Render one drum track, the sum of `render_stems`.

    Parameters
    ----------
    hits, kit, duration_s, seed
        See `play`.

    Returns
    -------
    samples
        Mono float32 [duration_s * kit.rate_hz].
    """
    stems = render_stems(hits, kit=kit, duration_s=duration_s, seed=seed)
    return summed(stems)


def _velocity(hit: Hit) -> float:
    """Velocity of a hit, or an estimate by its flags if the chart has no velocities."""
    if hit.velocity is not None:
        return hit.velocity
    return 1.0 if "accent" in hit.flags else 0.3 if "ghost" in hit.flags else 0.75


def _hihat_chokes(struck: Sequence[tuple[Hit, str]]) -> dict[int, tuple[float, float]]:
    """Time of the next hi-hat hit [s] and fade-out from there on [s], by index of the choked hit."""
    hihats = [index for index, (_, drum) in enumerate(struck) if PIECE_OF[drum] == "hihat"]
    return {
        index: (struck[after][0].time_s, _OPEN_FADE_S if struck[after][1] == "hihat_open" else _CLOSING_FADE_S)
        for index, after in pairwise(hihats)
    }


def _choked(samples: Samples, after: int, fade: int) -> Samples:
    """Fade samples out from index ``after`` on."""
    if after >= samples.size:
        return samples
    cut = samples[: after + fade].copy()
    tail = cut[after:]
    tail *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[: len(tail)]
    return cut
