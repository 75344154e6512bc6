"""One performance, many: another length, tempo, touch and voicing, each change told and every label still exact.

The song that comes out is the truth of what will be played: hits are moved, revoiced or left out *before* anything
sounds, so no change can part a label from its stroke.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from pydantic import Field

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.config import Config
from drumline.core.hits import Hit, sorted_hits
from drumline.core.taxonomy import CLASSES
from drumline.rendering.performances.bars import (
    bar_numbers,
    end_s,
    excerpt,
    join,
    lines_of,
    moved,
    tempo_of,
)  # fmt: skip
from drumline.rendering.performances.limbs import playable
from drumline.rendering.performances.timing import drift, retimed, reweighted, stretched
from drumline.rendering.performances.voicing import VOICINGS, VoicingWeights

Random = np.random.Generator

_MOST_REPEATS: Final = 200
_PIECES: Final = {
    "kick": ("kick",),
    "snare": ("snare_head", "snare_rim"),
    "toms": ("tom_high", "tom_mid", "tom_floor"),
    "hi-hat": ("hihat_closed", "hihat_open"),
    "pedal": ("hihat_pedal",),
    "ride": ("ride_body", "ride_bell"),
    "crash": ("crash",),
    "hi-hats": ("hihat_closed", "hihat_open", "hihat_pedal"),
    "cymbals": ("hihat_closed", "hihat_open", "hihat_pedal", "ride_body", "ride_bell", "crash"),
}
Piece = Literal["kick", "snare", "toms", "hi-hat", "pedal", "ride", "crash", "hi-hats", "cymbals"]
_MOST_LEFT_OUT: Final = 0.6


class VaryConfig(Config):
    """How far performances are varied. Pairs are the limits between which each song's value is drawn."""

    duration_s: tuple[float, float] = (30.0, 120.0)
    """Length [s]: longer songs are cut at bar lines, shorter ones repeated."""
    stretch: tuple[float, float] = (0.8, 1.25)
    """Factor of time for the whole song; 0.8 is a quarter faster. Evenly drawn on a logarithmic scale."""
    drift: tuple[float, float] = (0.0, 0.02)
    """Standard deviation of the slow wandering of the tempo, as a share of it."""
    lead_in_bars: int = Field(default=1, ge=0)
    """Up to so many silent bars come before the first [bars]."""
    count_in: float = Field(default=0.3, ge=0, le=1)
    """Share of the lead-ins with four sticks, which are labelled ``other``."""
    jitter_s: tuple[float, float] = (0.0, 0.004)
    """Standard deviation of the timing of single strokes [s]."""
    lag_s: float = Field(default=0.003, ge=0)
    """Standard deviation of the lag of a whole class against the others [s]."""
    gain: tuple[float, float] = (0.7, 1.2)
    """Factor of velocities."""
    power: tuple[float, float] = (0.8, 1.4)
    """Exponent of velocities: over 1 the soft strokes become softer still."""
    velocity_jitter: float = Field(default=0.04, ge=0)
    """Standard deviation of single velocities, which run from 0 to 1."""
    soft: float = Field(default=0.15, ge=0, le=1)
    """Share of the songs that are played softly throughout."""
    soft_velocities: tuple[float, float] = (0.05, 0.35)
    """Into these limits velocities of soft songs are squeezed."""
    revoiced: float = Field(default=0.4, ge=0, lt=1)
    """Share of the bars, about, whose strokes go to other drums."""
    passage_bars: tuple[int, int] = (2, 8)
    """Length of such a passage [bars]."""
    voicings: VoicingWeights = VoicingWeights()
    """To which."""
    left_out: float = Field(default=0.1, ge=0, le=1)
    """Share of the songs from which one drum is left out."""
    without: tuple[Piece, ...] = Field(
        default=("kick", "snare", "toms", "hi-hat", "pedal", "ride", "crash"), min_length=1
    )
    """Instruments that may be left out, weighted by their number of entries. A song that would lose more than 60 % of
    its hits keeps them."""
    rests: float = Field(default=0.15, ge=0, le=1)
    """Share of the songs in which all drums rest for a passage."""


@dataclass(frozen=True)
class Change:
    """One thing that was done to a song."""

    name: str
    """``excerpt``, ``repeated``,
    ``lead-in``, ``tempo``, ``voicing``, ``left out``, ``rest``, ``timing``, ``velocities``, ``limbs``."""
    detail: str
    first_bar: int = 0
    num_bars: int = 0
    """Where, counted in the bars of the result; 0 bars: everywhere."""


@dataclass(frozen=True)
class Varied:
    """Varied performance, and how it was derived from the source."""

    song: AnnotatedSong
    changes: tuple[Change, ...]
    start_s: float = 0.0
    """Time of the source at which the song starts [s]."""
    stretch: float = 1.0
    """Duration of the song divided by that of its part of the source, if nothing else changed its clock."""


def vary(song: AnnotatedSong, config: VaryConfig, *, seed: int, one_clock: bool = False) -> Varied:
    """Another performance of the song; the same seed gives the same.

    Split, group and words are kept: it is the same performance to a split, however different it sounds.

    Parameters
    ----------
    song
        The source.
    config
        Limits of the changes.
    seed
        Random seed.
    one_clock
        Whether the result stays a single excerpt, stretched evenly, so that a recording of the source still fits it:
        no repeats, lead-in or drift.

    Raises
    ------
    ValueError
        If the song has no hits.
    """
    if not song.hits:
        raise ValueError(f"{song.metadata.title}: nothing to vary: no hits")
    # A stream for each step: a knob of one does not shake the others.
    streams = [np.random.default_rng((seed, step)) for step in range(7)]
    stretch = float(np.exp(streams[0].uniform(*np.log(config.stretch))))
    changes: list[Change] = []
    song = replace(song, hits=playable(song.hits), note_signature=b"")
    wanted_s = float(streams[1].uniform(*config.duration_s)) / stretch
    if one_clock:
        wanted_s = min(wanted_s, end_s(song))
        config = config.model_copy(update={"lead_in_bars": 0, "drift": (0.0, 0.0)})
    song, start_s = _of_length(song, wanted_s, streams[1], changes)
    song = _led_in(song, config, streams[2], changes)
    song = _at_tempo(song, stretch, config, streams[0], changes)
    song = _revoiced(song, config, streams[3], changes)
    song = _with_one_left_out(song, config, streams[4], changes)
    song = _rested(song, config, streams[5], changes)
    song = _touched(song, config, streams[6], changes)
    hits = playable(song.hits)
    if len(hits) < len(song.hits):
        changes.append(Change("limbs", f"{len(song.hits) - len(hits)} strokes left out that no limb was free for"))
    return Varied(replace(song, hits=hits), tuple(changes), start_s, stretch)


def _of_length(
    song: AnnotatedSong, wanted_s: float, random: Random, changes: list[Change]
) -> tuple[AnnotatedSong, float]:
    """An excerpt of the song, repeated if it is short, and the time at which it starts [s]."""
    if (whole_s := end_s(song)) < wanted_s:
        times = min(int(np.ceil(wanted_s / whole_s)), _MOST_REPEATS)
        changes.append(Change("repeated", f"{times} times"))
        song = join([song] * times)
    starts_s = tempo_of(song).seconds(lines_of(song))
    # A passage begins where something is played: an arrangement's drums may rest for a minute.
    played = np.unique(bar_numbers(song))
    fitting = [int(bar) for bar in played if starts_s[-1] - starts_s[bar] >= wanted_s - 1e-9] or [int(played[0])]
    first = fitting[random.integers(len(fitting))]
    num_bars = max(1, int(np.searchsorted(starts_s, starts_s[first] + wanted_s, side="right")) - 1 - first)
    changes.append(Change("excerpt", f"from bar {first} of the source, {num_bars} bars"))
    return excerpt(song, first, num_bars), float(starts_s[first])


def _led_in(song: AnnotatedSong, config: VaryConfig, random: Random, changes: list[Change]) -> AnnotatedSong:
    if not (num_bars := int(random.integers(config.lead_in_bars + 1))):
        return song
    tempo = tempo_of(song)
    _, top, bottom = tempo.time_signatures[0]
    bar = tempo.resolution * 4 * top // bottom
    shift = num_bars * bar
    shifted = replace(
        tempo,
        tempos=tuple((tick and tick + shift, bpm) for tick, bpm in tempo.tempos),
        time_signatures=tuple((tick and tick + shift, n, d) for tick, n, d in tempo.time_signatures),
    )
    song = moved(song, shifted, shift_ticks=shift)
    sticks: list[Hit] = []
    if random.random() < config.count_in:
        ticks = [shift - bar + round(beat * bar / top) for beat in range(top)]
        times_s = shifted.seconds(ticks).tolist()
        sticks = [
            Hit(time_s, "other", velocity=0.6, evidence="performance", source_name="sticks", tick=tick)
            for time_s, tick in zip(times_s, ticks, strict=True)
        ]
    changes.append(Change("lead-in", "counted in" if sticks else "silent", 0, num_bars))
    return replace(song, hits=sorted_hits([*song.hits, *sticks]))


def _at_tempo(
    song: AnnotatedSong, stretch: float, config: VaryConfig, random: Random, changes: list[Change]
) -> AnnotatedSong:
    deviation = float(random.uniform(*config.drift))
    factors = drift(len(lines_of(song)), deviation, random) if deviation else [1.0]
    changes.append(Change("tempo", f"time stretched by {stretch:.4f}, drift {deviation:.4f}"))
    return stretched(song, [stretch * factor for factor in factors])


def _revoiced(song: AnnotatedSong, config: VaryConfig, random: Random, changes: list[Change]) -> AnnotatedSong:
    low, high = config.passage_bars
    # So many bars are expected to lie in passages if a passage starts at every free bar with this chance.
    mean = (low + high) / 2
    chance = config.revoiced / (mean * (1 - config.revoiced) + config.revoiced)
    numbers, num_bars = bar_numbers(song), len(lines_of(song)) - 1
    hits: list[Hit] = []
    bar = 0
    while bar < num_bars:
        length = int(random.integers(low, high + 1)) if random.random() < chance else 0
        inside = np.flatnonzero((numbers >= bar) & (numbers < bar + max(length, 1)))
        passage = [song.hits[i] for i in inside]
        if length:
            passage, name = _one_voicing(passage, config, random)
            if name:
                changes.append(Change("voicing", name, bar, min(length, num_bars - bar)))
        hits += passage
        bar += max(length, 1)
    return replace(song, hits=sorted_hits(hits))


def _one_voicing(passage: list[Hit], config: VaryConfig, random: Random) -> tuple[list[Hit], str]:
    """The passage by the first of the drawn voicings that finds something to do, with its name, or as it was."""
    weights = {name: weight for name in VOICINGS if (weight := float(getattr(config.voicings, name))) > 0}
    names = list(weights)
    # Exponential deviates over weights, in order: a draw by weight without putting back.
    keys = random.exponential(1.0, len(names)) / list(weights.values())
    for name in (names[i] for i in np.argsort(keys)):
        voiced = VOICINGS[name](passage, random)
        if voiced != passage:
            return voiced, name
    return passage, ""


def _with_one_left_out(song: AnnotatedSong, config: VaryConfig, random: Random, changes: list[Change]) -> AnnotatedSong:
    if random.random() >= config.left_out:
        return song
    piece = config.without[random.integers(len(config.without))]
    kept = tuple(hit for hit in song.hits if hit.label not in _PIECES[piece])
    if not (1 - _MOST_LEFT_OUT) * len(song.hits) <= len(kept) < len(song.hits):
        return song
    changes.append(Change("left out", f"{piece}: {len(song.hits) - len(kept)} strokes"))
    return replace(song, hits=kept)


def _rested(song: AnnotatedSong, config: VaryConfig, random: Random, changes: list[Change]) -> AnnotatedSong:
    """Inside the song: a rest at its end would only make it shorter."""
    numbers = bar_numbers(song)
    length = int(random.integers(config.passage_bars[0], config.passage_bars[1] + 1))
    if (last := int(numbers.max()) - length) < 1 or random.random() >= config.rests:
        return song
    first = int(random.integers(1, last + 1))
    kept = [hit for hit, bar in zip(song.hits, numbers.tolist(), strict=True) if not first <= bar < first + length]
    if not kept or len(kept) == len(song.hits):
        return song
    changes.append(Change("rest", f"{len(song.hits) - len(kept)} strokes left out", first, length))
    return replace(song, hits=tuple(kept))


def _touched(song: AnnotatedSong, config: VaryConfig, random: Random, changes: list[Change]) -> AnnotatedSong:
    jitter_s = float(random.uniform(*config.jitter_s))
    lags_s = dict(zip(CLASSES, np.clip(random.normal(0, 1, len(CLASSES)), -2, 2) * config.lag_s, strict=True))
    hits, furthest_s = retimed(song.hits, jitter_s=jitter_s, lags_s=lags_s, random=random)
    changes.append(Change("timing", f"jitter {jitter_s * 1000:.2f} ms, furthest {furthest_s * 1000:.2f} ms"))
    gain, power = float(random.uniform(*config.gain)), float(random.uniform(*config.power))
    limits = config.soft_velocities if random.random() < config.soft else (0.0, 1.0)
    changes.append(Change("velocities", f"gain {gain:.3f}, power {power:.3f}, limits {limits[0]:g} to {limits[1]:g}"))
    hits = reweighted(hits, gain=gain, power=power, jitter=config.velocity_jitter, limits=limits, random=random)
    return replace(song, hits=hits)
