"""Assignment of a kit's instruments to classes, read from ``families.yaml``.

A kit that no family knows is taken for General MIDI where it has keys (SFZ, SoundFonts), and by the words of its
instruments' names where it has those (Hydrogen).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal

import yaml

from drumline.charts.drum_maps import GENERAL_MIDI
from drumline.charts.general_midi import PITCHES
from drumline.core.config import Config, parse_config
from drumline.core.taxonomy import CLASSES
from drumline.rendering.kits.instrument import Instrument

OTHER: Final = "other"
_DATA: Final = "families.yaml"


class Piece(Config):
    """One voice of a class."""

    drum: str
    """A class, or ``other``."""
    name: str = ""
    """The voice's name."""
    key: int | None = None
    """MIDI key of the instrument."""
    like: str = ""
    """Regular expression, searched in the instrument's name."""
    sample: str = ""
    """Regular expression, searched in the paths of the instrument's recordings; the others are left out."""
    openness: float | None = None
    """Openness of a hi-hat, 0 closed to 1 open."""

    def fits(self, instrument: Instrument) -> bool:
        right_key = self.key is None or self.key == instrument.key
        return right_key and re.search(self.like, instrument.name, re.IGNORECASE) is not None


class Family(Config):
    """Kits whose instruments mean the same."""

    name: str
    """For messages."""
    format: Literal["sfz", "hydrogen", "soundfont"]
    """The reader."""
    match: str = ""
    """Regular expression, searched in the kit's name."""
    pieces: tuple[Piece, ...]
    """By order of preference."""
    licence: str = ""
    """Where the kit's own files do not tell it plainly."""
    attribution: str = ""
    """Attribution required of anything made with it."""


class Group(Config):
    """Kits that share recordings."""

    name: str
    """Value of `KitFacts.group`."""
    match: str
    """Regular expression, searched in the kit's name."""


class _Families(Config):
    """The file."""

    families: tuple[Family, ...]
    """The first that fits is used."""
    groups: tuple[Group, ...]
    """The first that fits is used."""


@dataclass(frozen=True)
class Cast:
    """An instrument in its part."""

    piece: Piece
    instrument: Instrument


def family_of(kit_format: str, name: str) -> Family:
    """The family of a kit, by its reader and its own name (of the .sfz file; else the title in the file)."""
    for family in (*_known().families, _GENERAL_MIDI):
        if family.format == kit_format and re.search(family.match, name, re.IGNORECASE):
            return family
    return _GENERAL_MIDI


def group_of(name: str) -> str:
    """The group of a kit, by its own name; empty where it shares recordings with none."""
    groups = (group.name for group in _known().groups if re.search(group.match, name, re.IGNORECASE))
    return next(groups, "")


def cast(instruments: Sequence[Instrument], family: Family) -> list[Cast]:
    """The instruments that play one of our classes, by the family's order of preference."""
    parts = []
    for instrument in instruments:
        piece = next((piece for piece in family.pieces if piece.fits(instrument)), None)
        if piece is not None and piece.drum != OTHER:
            parts.append(Cast(piece, instrument.only(piece.sample)))
    return sorted(parts, key=lambda part: family.pieces.index(part.piece))


def _general_midi() -> Family:
    """General MIDI's percussion; of several keys of a class, the one that we write comes first."""
    pieces = [
        Piece(drum=label, name=name, key=pitch, openness={"hihat_closed": 0.0, "hihat_open": 1.0}.get(label))
        for pitch, (label, name) in GENERAL_MIDI.items()
        if label in CLASSES
    ]
    pieces.sort(key=lambda piece: piece.key != PITCHES[piece.drum])
    return Family(name="General MIDI", format="soundfont", pieces=tuple(pieces))


_GENERAL_MIDI: Final = _general_midi()


@cache
def _known() -> _Families:
    tree = yaml.safe_load(resources.files("drumline.rendering.kits").joinpath(_DATA).read_text(encoding="utf-8"))
    return parse_config(_Families, tree, location=_DATA)
