"""Play the passages of the repertoire: on a tempo grid, with a drummer's accents, hands and small deviations.

Ticks are where strokes are meant, times where they are played. Grace notes stand 15 to 35 ms before their stroke, or
before each other.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Final

import numpy as np

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap
from drumline.rendering.patterns import drum_lines
from drumline.rendering.performances.bars import end_s, join
from drumline.rendering.performances.limbs import playable
from drumline.rendering.performances.repertoire import PASSAGES, Passage

Random = np.random.Generator

RESOLUTION: Final = 960
"""Ticks in a quarter note: a whole number of them for 64ths and for sextuplets."""

_BEATS: Final = 4
_VELOCITIES: Final = {"X": 0.92, "x": 0.7, "o": 0.25, "f": 0.85, "d": 0.8, "r": 0.8}
_FLAGS: Final[dict[str, tuple[str, ...]]] = {"X": ("accent",), "o": ("ghost",)}
_GRACES: Final = {"f": 1, "d": 2, "r": 3}
_GRACE_GAP_S: Final = (0.015, 0.035)
_GRACE_LEVEL: Final = 0.4
_LEVELS: Final = {"R": 1.0, "L": 0.93, "r": 0.86, "l": 0.82}
_STICKED: Final = frozenset({"kick", "snare_head", "tom_high", "tom_mid", "tom_floor"})
_VELOCITY_DEVIATION: Final = 0.04
_TIME_DEVIATION_S: Final = 0.003
_MOST_DEVIATIONS: Final = 2.5
_MOST_OF_STEP: Final = 0.2
_OPENNESS: Final = {"hihat_closed": (0.0, 0.08), "hihat_open": (0.5, 1.0)}


def generate(kind: str, *, tempo_bpm: float, num_bars: int, seed: int, lead_in_bars: int = 1) -> AnnotatedSong:
    """A passage of `PASSAGES` at one tempo, after a bar of silence. Raises KeyError for an unknown kind.

    Without a lead-in the first grace notes stand before second 0, which only a song to be joined to another may do.
    Strokes written together keep within 2 hands and 2 feet. A deviation of time is at most 7.5 ms and a fifth of the
    step, so that the rhythm stays the one that is written.
    """
    passage = PASSAGES[kind]
    random = np.random.default_rng(seed)
    tempo = TempoMap(RESOLUTION, ((0, tempo_bpm),), ((0, _BEATS, 4),))
    hits: list[Hit] = []
    for bar in range(lead_in_bars, lead_in_bars + num_bars):
        text = passage.bars[random.integers(len(passage.bars))]
        hits += _played(passage, text, bar * _BEATS * RESOLUTION, tempo, random)
    return AnnotatedSong(
        format="passage",
        hits=playable(hits),
        metadata=Metadata(title=f"{kind} {tempo_bpm:g} bpm, no. {seed}", genre=kind),
        tempo=tempo,
        group=f"passage:{kind}:{tempo_bpm:g}:{num_bars}:{seed}",
    )


def etude(*, duration_s: float, seed: int) -> AnnotatedSong:
    """Passages of any kind, each 2 to 6 bars at a tempo of its own, joined for at least ``duration_s``."""
    random = np.random.default_rng((seed, 1))
    kinds: list[str] = []
    parts: list[AnnotatedSong] = []
    while sum(end_s(part) for part in parts) < duration_s:
        kinds = kinds or random.permutation(list(PASSAGES)).tolist()  # every kind once before one comes again
        kind = kinds.pop()
        tempo_bpm = round(float(random.uniform(*PASSAGES[kind].tempo_bpm)), 2)
        num_bars, part_seed = int(random.integers(2, 7)), int(random.integers(1 << 31))
        parts.append(
            generate(kind, tempo_bpm=tempo_bpm, num_bars=num_bars, seed=part_seed, lead_in_bars=0 if parts else 1)
        )
    return replace(
        join(parts), metadata=Metadata(title=f"Etude no. {seed}", genre="etude"), group=f"etude:{duration_s:g}:{seed}"
    )


def _played(passage: Passage, text: str, start: int, tempo: TempoMap, random: Random) -> list[Hit]:
    """One bar that starts at a tick."""
    together: dict[int, list[tuple[str, str, float, float]]] = defaultdict(list)
    for drum, line in drum_lines(text).items():
        step_ticks = _BEATS * RESOLUTION / len(line)
        limit_s = _MOST_OF_STEP * float(tempo.seconds(step_ticks))
        strokes = [(step, mark) for step, mark in enumerate(line) if mark != "."]
        for number, (step, mark) in enumerate(strokes):
            level = _LEVELS[passage.sticking[number % len(passage.sticking)]] if drum in _STICKED else 1.0
            deviation = float(np.clip(random.normal(), -_MOST_DEVIATIONS, _MOST_DEVIATIONS)) * _TIME_DEVIATION_S
            deviation = min(max(deviation, -limit_s), limit_s)
            together[start + round(step * step_ticks)].append((drum, mark, level, deviation))
    hits: list[Hit] = []
    for tick, strokes_there in sorted(together.items()):
        time_s = float(tempo.seconds(tick))
        if passage.spread_s[1] > 0:
            gaps_s = random.uniform(*passage.spread_s, len(strokes_there))
            after_s = np.cumsum(gaps_s) - gaps_s[0]
            order = random.permutation(len(strokes_there))
            strokes_there = [(*strokes_there[i][:3], after) for i, after in zip(order, after_s.tolist(), strict=True)]
        for drum, mark, level, late_s in strokes_there:
            hits += _stroke(passage, drum, mark, level, time_s + late_s, tick, tempo, random)
    return hits


def _stroke(
    passage: Passage, drum: str, mark: str, level: float, time_s: float, tick: int, tempo: TempoMap, random: Random
) -> list[Hit]:
    """A stroke with its grace notes."""
    low, high = passage.velocities

    def hit(at_s: float, at_tick: int, strength: float, flags: tuple[str, ...]) -> Hit:
        played = min(max(strength + random.normal(0.0, _VELOCITY_DEVIATION), 0.02), 1.0)
        openness = _OPENNESS.get(drum)
        return Hit(
            at_s,
            drum,
            velocity=round(low + (high - low) * float(played), 4),
            flags=flags,
            evidence="performance",
            openness=round(float(random.uniform(*openness)), 3) if openness else None,
            tick=at_tick,
        )

    num_graces = _GRACES.get(mark, 0)
    strength = _VELOCITIES[mark] * level
    hits = [hit(time_s, tick, strength, ("flam",) if num_graces else _FLAGS.get(mark, ()))]
    ahead_s = 0.0
    for _ in range(num_graces):
        ahead_s += float(random.uniform(*_GRACE_GAP_S))
        at_s = time_s - ahead_s
        hits.append(hit(at_s, round(float(tempo.ticks(at_s))), strength * _GRACE_LEVEL, ("flam",)))
    return hits
