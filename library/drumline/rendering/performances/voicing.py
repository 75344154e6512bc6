"""The same strokes on other drums, so that rare classes become less rare.

A *voicing* takes the hits of a few bars and gives some to other pieces of the kit, as a drummer changes from the
hi-hat to the ride: each stroke keeps its time and velocity, or is left out where the new piece is played more sparsely.
Each returns its argument's hits in their order; where it finds nothing to do, the very same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
from pydantic import Field

from drumline.core.config import Config
from drumline.core.hits import Hit

Random = np.random.Generator
Voicing = Callable[[Sequence[Hit], Random], list[Hit]]

_ACCENT: Final = 0.7
_RUN_S: Final = 0.25
"""Strokes of a fill follow each other at least so fast: eighths at 120 beats per minute."""
_RUN_LENGTH: Final = 4
_CRASH_GAP_S: Final = 0.2
_RIM_GAP_S: Final = 0.09
_TOMS: Final = ("tom_high", "tom_mid", "tom_floor")
_TOM_NAMES: Final = {"tom_high": "tom 1 head", "tom_mid": "tom 2 head", "tom_floor": "tom 3 head"}
_CRASHES: Final = ("crash 1 bow", "crash 1 edge", "crash 2 bow", "crash 2 edge", "chinese cymbal", "splash cymbal")


class VoicingWeights(Config):
    """How often each voicing is chosen, against the others; 0 for never."""

    ride: float = Field(default=1.0, ge=0)
    """Closed hi-hat to ride, accents to its bell half of the time."""
    hihat: float = Field(default=0.0, ge=0)
    """Ride to the hi-hat, closed or half open."""
    bell: float = Field(default=1.5, ge=0)
    """Ride, or closed hi-hat, to the bell of the ride."""
    crash: float = Field(default=1.5, ge=0)
    """Hi-hat or ride to a crash, a china or a splash."""
    side_stick: float = Field(default=1.0, ge=0)
    """Snare to side stick."""
    rimshots: float = Field(default=0.5, ge=0)
    """Accents of the snare to rimshots."""
    toms: float = Field(default=3.0, ge=0)
    """Runs on snare and toms spread over all toms."""
    tom_groove: float = Field(default=2.0, ge=0)
    """Closed hi-hat to two toms."""
    open_hihat: float = Field(default=1.5, ge=0)
    """Closed hi-hat to half or wide open, all strokes or every so many."""


def to_ride(hits: Sequence[Hit], random: Random) -> list[Hit]:
    """The closed hi-hat's strokes on the ride, accents on its bell half of the time."""
    bell_from = _ACCENT if random.random() < 0.5 else 2.0
    return [
        _on(hit, *(("ride_bell", "ride bell") if _velocity(hit) >= bell_from else ("ride_body", "ride bow")))
        if hit.label == "hihat_closed"
        else hit
        for hit in hits
    ]


def to_hihat(hits: Sequence[Hit], random: Random) -> list[Hit]:
    """The ride's strokes on the hi-hat: closed, or half open throughout."""
    closed, openness = random.random() < 0.5, float(random.uniform(0.2, 0.8))
    return [
        hit
        if hit.label not in ("ride_body", "ride_bell")
        else _on(hit, "hihat_closed", "hi-hat closed edge")
        if closed
        else replace(_on(hit, "hihat_open", "hi-hat open edge"), openness=openness)
        for hit in hits
    ]


def to_bell(hits: Sequence[Hit], random: Random) -> list[Hit]:
    """Ride, or where there is none the closed hi-hat, on the bell of the ride."""
    source = "ride_body" if any(hit.label == "ride_body" for hit in hits) else "hihat_closed"
    return [_on(hit, "ride_bell", "ride bell") if hit.label == source else hit for hit in hits]


def to_crash(hits: Sequence[Hit], random: Random) -> list[Hit]:
    """Crash-riding: the hi-hat's or ride's strokes on a crash, those left out that a crash is not played as fast as."""
    name = _CRASHES[random.integers(len(_CRASHES))]
    return _thinned(hits, {"hihat_closed", "hihat_open", "ride_body"}, _CRASH_GAP_S, "crash", name)


def to_side_stick(hits: Sequence[Hit], random: Random) -> list[Hit]:
    """The snare with the stick laid across, which is not played as fast."""
    return _thinned(hits, {"snare_head"}, _RIM_GAP_S, "snare_rim", "snare x-stick")


def to_rimshots(hits: Sequence[Hit], random: Random) -> list[Hit]:
    """The snare's accents as rimshots."""
    return [
        _on(hit, "snare_rim", "snare rim") if hit.label == "snare_head" and _velocity(hit) >= _ACCENT else hit
        for hit in hits
    ]


def to_toms(hits: Sequence[Hit], random: Random) -> list[Hit]:
    """Runs on the snare and the toms spread over all toms: down the kit, up, or from drum to drum."""
    hands = [i for i, hit in enumerate(hits) if hit.label in ("snare_head", *_TOMS)]
    gaps_s = np.diff([hits[i].time_s for i in hands])
    runs = np.split(np.array(hands, dtype=np.int64), np.flatnonzero(gaps_s > _RUN_S) + 1) if hands else []
    voiced = list(hits)
    for run in runs:
        if len(run) < _RUN_LENGTH:
            continue
        way = int(random.integers(3))
        for position, index in enumerate(run.tolist()):
            step = position % 3 if way == 2 else position * 3 // len(run)
            tom = _TOMS[2 - step if way == 1 else step]
            voiced[index] = _on(hits[index], tom, _TOM_NAMES[tom])
    return voiced


def to_tom_groove(hits: Sequence[Hit], random: Random) -> list[Hit]:
    """The hi-hat's pattern on two toms, accents on the lower."""
    upper, lower = (("tom_high", "tom_mid"), ("tom_mid", "tom_floor"), ("tom_high", "tom_floor"))[random.integers(3)]

    def tom(hit: Hit) -> str:
        return lower if _velocity(hit) >= _ACCENT else upper

    return [_on(hit, tom(hit), _TOM_NAMES[tom(hit)]) if hit.label == "hihat_closed" else hit for hit in hits]


def to_open(hits: Sequence[Hit], random: Random) -> list[Hit]:
    """The closed hi-hat opened: half open for all strokes, or every so many wide open."""
    every, openness = 1, float(random.uniform(0.3, 0.7))
    if random.random() < 0.5:
        every, openness = int(random.integers(2, 5)), 1.0
    voiced, count = list(hits), 0
    for index, hit in enumerate(hits):
        if hit.label == "hihat_closed":
            count += 1
            if count % every == 0:
                voiced[index] = replace(_on(hit, "hihat_open", "hi-hat open edge"), openness=openness)
    return voiced


VOICINGS: Final[Mapping[str, Voicing]] = MappingProxyType(
    {  # by the names of `VoicingWeights`
        "ride": to_ride,
        "hihat": to_hihat,
        "bell": to_bell,
        "crash": to_crash,
        "side_stick": to_side_stick,
        "rimshots": to_rimshots,
        "toms": to_toms,
        "tom_groove": to_tom_groove,
        "open_hihat": to_open,
    }
)


def _thinned(hits: Sequence[Hit], labels: set[str], gap_s: float, label: str, name: str) -> list[Hit]:
    """Hits of the labels on another piece, at least so far apart; those between are left out."""
    voiced, last_s = [], -np.inf
    for hit in hits:
        if hit.label not in labels:
            voiced.append(hit)
        elif hit.time_s - last_s >= gap_s:
            voiced.append(_on(hit, label, name))
            last_s = hit.time_s
    return voiced


def _on(hit: Hit, label: str, name: str) -> Hit:
    return replace(hit, label=label, source_name=name, openness=None)


def _velocity(hit: Hit) -> float:
    return 0.75 if hit.velocity is None else hit.velocity
