"""Hits and a kit become audio whose labels are exact to half a sample.

A stroke is laid so that its acoustic onset (`kit.Stroke.onset`) is at sample ``round(time_s * rate_hz)``. The hi-hat is
one pair of plates: whatever is played on it next ends the ring of the stroke before, at once where the plates
close and more slowly where they stay open. Everything else rings out.

What a kit cannot play is silent: `playable` says which hits sound, and only those belong into labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.events import FLAGS, Hit
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
"""What the files ``drums_1`` to ``drums_4`` of a song folder hold, in this order: sums of `kit.PIECES`."""

_SOUNDS_AS: Final = {
    "snare": "snare_head",
    "tom": "tom_mid",
    "hihat": "hihat_closed",
    "ride": "ride_body",
    "cymbal": "crash",
    "tom_or_cymbal": "hihat_closed",
}
"""A label that may be several classes sounds as one of them; ``other`` has no sound here."""
_CLOSING_FADE_S: Final = 0.02
_OPEN_FADE_S: Final = 0.15
_PEAK: Final = 0.98


def played_as(hit: Hit, kit: Kit) -> str | None:
    """The class that a hit sounds as on a kit; None where it is silent."""
    drum = _SOUNDS_AS.get(hit.label, hit.label)
    return drum if drum in kit.drums and _velocity(hit) > 0 else None


def playable(hits: Sequence[Hit], kit: Kit) -> tuple[Hit, ...]:
    """The hits that a kit can play, in their order."""
    return tuple(hit for hit in hits if played_as(hit, kit) is not None)


@dataclass(frozen=True)
class Played:
    """What a kit made of hits."""

    pieces: Mapping[str, Samples]
    """A track for each of `kit.PIECES`, mono float32 [duration_s * kit.rate_hz], as loud as the kit plays."""
    hits: tuple[Hit, ...]
    """Those that were given, in their order, with those that nobody can hear flagged ``faint``."""
    attacks: Mapping[int, Attack]
    """How each hit that sounds begins, by its place in ``hits``."""


def render_pieces(hits: Sequence[Hit], *, kit: Kit, duration_s: float, seed: int = 0) -> Mapping[str, Samples]:
    """The pieces alone, as `play` gives them."""
    return play(hits, kit=kit, duration_s=duration_s, seed=seed).pieces


def play(hits: Sequence[Hit], *, kit: Kit, duration_s: float, seed: int = 0) -> Played:
    """Strike each hit.

    Nothing is scaled or clipped. Consecutive strokes on a class are consecutive takes; ``seed`` chooses the first.
    Hits whose onset is outside the duration are silent, tails end with it.
    """
    length = round(duration_s * kit.rate_hz)
    pieces = {piece: np.zeros(length, dtype=np.float32) for piece in PIECES}
    first_takes = np.random.default_rng(seed).integers(1 << 16, size=len(PIECE_OF))
    takes = dict(zip(PIECE_OF, first_takes.tolist(), strict=True))
    numbered = sorted(
        ((number, hit, drum) for number, hit in enumerate(hits) if (drum := played_as(hit, kit)) is not None),
        key=lambda each: (each[1].time_s, each[2]),
    )
    chokes = _hihat_chokes([(hit, drum) for _, hit, drum in numbered])
    attacks: dict[int, Attack] = {}
    for index, (number, hit, drum) in enumerate(numbered):
        place = round(hit.time_s * kit.rate_hz)
        if not 0 <= place < length:
            continue
        takes[drum] += 1
        stroke = kit.stroke(drum, _velocity(hit), take=takes[drum], source_name=hit.source_name, openness=hit.openness)
        attacks[number] = attack(stroke.samples, stroke.onset, place, rate_hz=kit.rate_hz)
        samples, start = stroke.samples, place - stroke.onset
        if index in chokes:
            next_s, fade_s = chokes[index]
            samples = _choked(samples, round(next_s * kit.rate_hz) - start, round(fade_s * kit.rate_hz))
        first, end = max(0, -start), min(samples.size, length - start)
        pieces[PIECE_OF[drum]][start + first : start + end] += samples[first:end]
    unheard = faint(list(attacks.values()), summed(pieces), rate_hz=kit.rate_hz)
    return Played(pieces, flagged(hits, "faint", attacks, unheard), attacks)


def flagged(hits: Sequence[Hit], flag: str, attacks: Mapping[int, Attack], which: NDArray[np.bool_]) -> tuple[Hit, ...]:
    """The hits, with a flag on those of the attacks [N] that ``which`` [N] names."""
    chosen = {number for number, is_one in zip(attacks, which.tolist(), strict=True) if is_one}
    return tuple(
        replace(hit, flags=tuple(name for name in FLAGS if name == flag or name in hit.flags))
        if number in chosen
        else hit
        for number, hit in enumerate(hits)
    )


def summed(tracks: Mapping[str, Samples]) -> Samples:
    """Tracks together; at least one."""
    first, *others = tracks.values()
    total = first.copy()
    for track in others:  # several times as fast as np.sum, which copies them beside each other first
        total += track
    return total


def render_stems(hits: Sequence[Hit], *, kit: Kit, duration_s: float, seed: int = 0) -> dict[str, Samples]:
    """The sums of `STEMS`, mono float32 [duration_s * kit.rate_hz], scaled alike so that their sum does not clip."""
    pieces = render_pieces(hits, kit=kit, duration_s=duration_s, seed=seed)
    stems = {stem: summed({piece: pieces[piece] for piece in own}) for stem, own in STEMS.items()}
    peak = float(np.max(np.abs(summed(stems)), initial=0.0))
    if peak > _PEAK:
        stems = {stem: samples * np.float32(_PEAK / peak) for stem, samples in stems.items()}
    return stems


def render(hits: Sequence[Hit], *, kit: Kit, duration_s: float, seed: int = 0) -> Samples:
    """One drum track, mono float32 [duration_s * kit.rate_hz]: the sum of `render_stems`."""
    stems = render_stems(hits, kit=kit, duration_s=duration_s, seed=seed)
    return summed(stems)


def _velocity(hit: Hit) -> float:
    """The velocity, or what the flags of a chart without velocities suggest."""
    if hit.velocity is not None:
        return hit.velocity
    return 1.0 if "accent" in hit.flags else 0.3 if "ghost" in hit.flags else 0.75


def _hihat_chokes(struck: Sequence[tuple[Hit, str]]) -> dict[int, tuple[float, float]]:
    """Index of a hi-hat stroke -> (time of the next one [s], fade from there on [s])."""
    hihats = [index for index, (_, drum) in enumerate(struck) if PIECE_OF[drum] == "hihat"]
    return {
        index: (struck[after][0].time_s, _OPEN_FADE_S if struck[after][1] == "hihat_open" else _CLOSING_FADE_S)
        for index, after in pairwise(hihats)
    }


def _choked(samples: Samples, after: int, fade: int) -> Samples:
    """The samples fading out from index ``after`` on."""
    if after >= samples.size:
        return samples
    cut = samples[: after + fade].copy()
    tail = cut[after:]
    tail *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[: len(tail)]
    return cut
