"""Guitar styles of a section, and their weights in heavy, rock and clean music.

Rhythms are written as in `styles`; besides ``kicks`` and ``chugs`` there are ``accents`` (the bar's first beat and
every crash) and ``snares``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from drumline.rendering.accompaniment.sampled_strings import Technique
from drumline.rendering.accompaniment.styles import CHUGS, KICKS

ACCENTS: Final = "accents"
SNARES: Final = "snares"
HEAVY: Final = "heavy"
FASTEST_S: Final = 0.055
"""Between two strokes of a hand."""


@dataclass(frozen=True)
class GuitarStyle:
    """Rhythm guitar style of a section."""

    rhythms: tuple[str, ...]
    """One a section; empty for a rest."""
    voice: Literal["root", "power", "chord", "tones", "riff", "fifths"] = "power"
    technique: Technique = "open"
    rings: float = 0.5
    """Share of a damped style's accents that are ringing chords."""
    dead: float = 0.0
    """Share of strokes on damped strings."""
    channel: Literal["driven", "clean"] = "driven"
    strum_s: float = 0.004
    """From the first string of a chord to its last, at most."""
    lead: float = 0.15
    """Share of its sections with a tune."""


@dataclass(frozen=True)
class Feel:
    """How heavy the music is."""

    weights: Mapping[str, float]
    """Relative weights of styles."""
    genres: tuple[str, ...]
    """Words of a song's genre that call for it."""


GUITAR_STYLES: Final[Mapping[str, GuitarStyle]] = MappingProxyType(
    {
        "chugs": GuitarStyle((KICKS, KICKS, CHUGS), "root", "muted", rings=0.15),
        "power chugs": GuitarStyle((KICKS, CHUGS, "X-xx X-xx X-xx X-xx", "x-x- x-x- x-x- x-x-"), "power", "muted"),
        "gallop": GuitarStyle(("X-xx X-xx X-xx X-xx", "xxx- xxx- xxx- xxx-"), "root", "muted", rings=0.2, dead=0.05),
        "thrash": GuitarStyle(("xxxx xxxx xxxx xxxx", "Xxxx xxxx Xxxx xxXx"), "root", "muted", rings=0.4),
        "accents": GuitarStyle((ACCENTS,), "power", strum_s=0.01),
        "stabs": GuitarStyle((SNARES, "X... x... ..X. x...", "X..X ..X. .... ...."), "power", dead=0.1),
        "tremolo": GuitarStyle(("xxxx xxxx xxxx xxxx", "xxxxxxxx", "xxxxxx"), "riff", lead=0.0),
        "tremolo fifths": GuitarStyle(("xxxx", "xxxxxxxx"), "fifths", strum_s=0.002, lead=0.0),
        "ringing": GuitarStyle(
            ("X--- ---- ---- ----", "X--- ---- X--- ----", "X--- ---- ..X- ----"), "power", strum_s=0.015, lead=0.4
        ),
        "riff": GuitarStyle(("x-xx x-xx x-x- xxxx", "xx.x x.xx .xx. xxxx", "X-x. x-x- .xx- X-x-"), "riff", dead=0.05),
        "muted riff": GuitarStyle(("x-xx x-x- x.xx xxxx", "xxx. xxx. xx.x x.x."), "riff", "muted", dead=0.05),
        "power eighths": GuitarStyle(("x-x- x-x- x-x- x-x-", "X-x- X-x- X-x- X-xx"), "power", dead=0.03, lead=0.3),
        "strums": GuitarStyle(
            ("X-x- X-xx ..xx X-xx", "X-xx X-xx X-xx X-xx", "x-x- X-x- x-x- X-xx"), "chord", dead=0.15, strum_s=0.02
        ),
        "clean strums": GuitarStyle(
            ("..X. ..X. ..X. ..X.", ".x.x Xx.x .x.x Xx.x", "X-x- X-xx ..xx X-xx", ".... X-.. .... X-.."),
            "chord",
            dead=0.25,
            channel="clean",
            strum_s=0.02,
        ),
        "arpeggio": GuitarStyle(("x-x- x-x- x-x- x-x-", "xxxx xxxx xxxx xxxx"), "tones", channel="clean", lead=0.3),
        "clean riff": GuitarStyle(("x-x- ..x- x-x- ....", "xx.x .x.. x.xx .x.x"), "riff", channel="clean", dead=0.1),
        "swell": GuitarStyle(("X--- ---- ---- ----", "X--- ---- X--- ----"), "power", "swell", lead=0.3),
        "rest": GuitarStyle(("",), lead=0.05),
    }
)

FEELS: Final[Mapping[str, Feel]] = MappingProxyType(
    {
        HEAVY: Feel(
            MappingProxyType(
                {
                    "chugs": 3,
                    "power chugs": 3,
                    "gallop": 2,
                    "thrash": 2,
                    "accents": 1.5,
                    "stabs": 0.5,
                    "tremolo": 2,
                    "tremolo fifths": 1.5,
                    "ringing": 2,
                    "riff": 1.5,
                    "muted riff": 1.5,
                    "power eighths": 1,
                    "swell": 0.4,
                    "arpeggio": 0.4,
                    "rest": 0.5,
                }
            ),
            ("metal", "core", "thrash", "hard", "punk"),
        ),
        "rock": Feel(
            MappingProxyType(
                {
                    "power eighths": 3,
                    "strums": 3,
                    "ringing": 2,
                    "accents": 1,
                    "power chugs": 1.5,
                    "stabs": 1,
                    "riff": 2,
                    "clean strums": 1,
                    "arpeggio": 1,
                    "swell": 0.4,
                    "tremolo": 0.3,
                    "rest": 0.7,
                }
            ),
            ("rock", "punk", "indie", "alternative", "grunge", "pop", "country", "blues"),
        ),
        "clean": Feel(
            MappingProxyType(
                {
                    "clean strums": 3,
                    "arpeggio": 2,
                    "clean riff": 2,
                    "strums": 0.7,
                    "ringing": 0.4,
                    "stabs": 0.4,
                    "rest": 1,
                }
            ),
            ("funk", "soul", "reggae", "jazz", "latin", "pop", "hiphop", "gospel", "afro", "ballad", "country"),
        ),
    }
)

TUNINGS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {HEAVY: (40, 39, 38, 38, 37, 36, 35, 33), "rock": (40, 40, 40, 39, 38), "clean": (40, 45, 47)}
)
"""The lowest strings, as MIDI pitches."""
PROGRESSIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        HEAVY: ("Im Im bII Im", "Im bVI bVII Im", "Im Im Im bIII", "Im bII Im bVII", "Im Im bIII bII", "Im"),
        "rock": ("I IV V IV", "I V VIm IV", "I bVII IV I", "VIm IV I V", "Im bVI bIII bVII", "I bIII IV I"),
        "clean": ("Im7 IV7", "I VIm IV V", "I V VIm IV", "Im bVII bVI V", "IIm7 V7 IM7 IM7", "I7 I7 IV7 I7"),
    }
)
