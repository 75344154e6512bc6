"""Instruments in their parts become a kit: each recording loaded once, the whole brought to one level."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Final

from drumline.core.errors import ConfigError
from drumline.rendering.kit import PIECE_OF, PIECES
from drumline.rendering.kits.families import Cast
from drumline.rendering.kits.instrument import Instrument, Zone, zones_of
from drumline.rendering.kits.recording import Load, Sound, Take, recorded
from drumline.rendering.kits.sampled import KitFacts, Layer, SampledKit, Voice

SNARE_DB: Final = -14.0
"""`onset.level_db` of every kit's hardest snare, so that pieces of different kits can play together."""
_LOUDEST_FIRST: Final = ("snare_head", "kick")
_CYMBALS_DB: Final = -26.0
"""The same level of the first voice of kits that have neither: cymbals, which are softer than a snare."""

Takes = dict[tuple[tuple[Sound, ...], float], Take | None]


def assemble(
    parts: Sequence[Cast], *, load: Load, facts: KitFacts, rate_hz: int, tuning: Mapping[str, float]
) -> SampledKit:
    """The kit. ``tuning`` is semitones by `kit.PIECES`.

    Raises ConfigError where a sample cannot be read, nothing of the kit can be played, or a piece is unknown.
    """
    if unknown := sorted(set(tuning) - set(PIECES)):
        raise ConfigError(f"{facts.uri}: tuning: {unknown[0]!r} is not one of {', '.join(PIECES)}")
    takes: Takes = {}
    voices: dict[str, list[Voice]] = {}
    for part in parts:
        semitones = tuning.get(PIECE_OF[part.piece.drum], 0.0)
        layers = [
            layer
            for zone in zones_of(part.instrument.regions)
            if (layer := _layer(zone, part.instrument, takes, load=load, rate_hz=rate_hz, semitones=semitones))
        ]
        if layers:
            own = voices.setdefault(part.piece.drum, [])
            namesakes = sum(voice.name.startswith(part.piece.name) for voice in own)
            name = f"{part.piece.name} {namesakes + 1}" if namesakes else part.piece.name  # or nobody could ask for it
            own.append(Voice(name, tuple(layers), part.piece.openness))
    if not voices:
        raise ConfigError(f"{facts.uri}: none of its instruments is known to play one of our classes")
    kit = SampledKit(facts, rate_hz, {drum: tuple(own) for drum, own in voices.items()})
    reference = next((drum for drum in _LOUDEST_FIRST if drum in voices), min(voices))
    target_db = SNARE_DB if reference in _LOUDEST_FIRST else _CYMBALS_DB
    return replace(kit, gain_db=target_db - kit.voices[reference][0].level_db(1.0))


def _layer(
    zone: Zone, instrument: Instrument, takes: Takes, *, load: Load, rate_hz: int, semitones: float
) -> Layer | None:
    found = []
    for sounds in zone.takes:
        key = (sounds, semitones)
        if key not in takes:
            takes[key] = recorded(sounds, load=load, rate_hz=rate_hz, semitones=semitones)
        if (take := takes[key]) is not None:
            found.append(take)
    if not found:
        return None
    middle = (zone.low + zone.high) / 2
    level_db = median(take.level_db for take in found) + instrument.slope_db * math.log10(max(middle, 0.01))
    return Layer(zone.low, middle, level_db, tuple(found))
