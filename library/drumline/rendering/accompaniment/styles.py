"""Styles of the band, their players, and the rhythms of each.

A rhythm is a text with one group of characters a beat, its length the steps in the beat: ``x`` a note, ``X`` an
accented one, ``-`` the note goes on, ``.`` silence. Two rhythms are words: ``kicks`` follows the kick drum, ``chugs``
follows it too and fills the eighths between. A bar with more beats than groups begins them again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

KICKS: Final = "kicks"
CHUGS: Final = "chugs"
COMPOUND: Final = ("x-- x--", "x-x x-x", "xxx xxx", "X-- ..x")
"""For bars of dotted beats (6/8, 12/8), whatever the style."""


@dataclass(frozen=True)
class Player:
    """One instrument of a style."""

    line: str
    """How it finds its pitches: a key of `lines.LINES`."""
    programs: tuple[int, ...]
    """General MIDI programs, one drawn a song."""
    rhythms: tuple[str, ...]
    """One drawn a section of the song."""
    lowest: int
    """The pitch at which its range begins."""
    gain_db: float = 0.0
    doubled: bool = False
    """Played twice, left and right, as rhythm guitars are."""


@dataclass(frozen=True)
class Style:
    progressions: tuple[str, ...]
    """`harmony.chords`, one a section."""
    scale: tuple[int, ...]
    """Semitones over the key, for melodies."""
    players: tuple[Player, ...]
    """The first plays throughout, the others come and go with the sections."""
    genres: tuple[str, ...] = ()
    """Words of a song's genre that call for this style."""


_MINOR_PENTATONIC: Final = (0, 3, 5, 7, 10)
_MAJOR_PENTATONIC: Final = (0, 2, 4, 7, 9)
_DORIAN: Final = (0, 2, 3, 5, 7, 9, 10)
_MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)

_BASSES: Final = (33, 34, 35)
_DISTORTED: Final = (29, 30)
_CLEAN: Final = (25, 26, 27)
_KEYS: Final = (0, 1, 2, 4, 5, 16, 17)
_PADS: Final = (48, 49, 50, 51, 52, 88, 89, 90, 91, 94)
_LEADS: Final = (29, 30, 56, 61, 65, 66, 73, 80, 81)

_PAD: Final = Player("chord", _PADS, ("x--- ---- ---- ----",), 55, -6.0)
_LEAD: Final = Player("melody", _LEADS, ("x--- x-x- ..x- x-x-", "..x- x--- x-x- ....", "xxxx x-x- xxxx x---"), 67, -4.0)

STYLES: Final[Mapping[str, Style]] = MappingProxyType(
    {
        "rock": Style(
            ("I IV V IV", "I V VIm IV", "I bVII IV I", "VIm IV I V"),
            _MINOR_PENTATONIC,
            (
                Player("bass", _BASSES, (KICKS, "x-x- x-x- x-x- x-x-", "X--- x-x- ..x- x-x-"), 28, 2.0),
                Player("power", _DISTORTED, ("X--- ---- ..x- x---", "x-x- x-x- x-x- x-x-", CHUGS), 40, -2.0, True),
                Player("chord", (*_CLEAN, 16, 17), (".... X-.. .... X-..", "x-.x x-.x x-.x x-xx"), 55, -3.0),
                _LEAD,
            ),
            ("rock", "punk", "indie", "alternative", "grunge"),
        ),
        "metal": Style(
            ("Im bVI bVII Im", "Im bII Im bVII", "Im Im bIII bII"),
            _MINOR_PENTATONIC,
            (
                Player("bass", (34, 33), (CHUGS, KICKS, "xxxx xxxx xxxx xxxx"), 26, 0.0),
                Player("power", _DISTORTED, (CHUGS, "xxxx xxxx xxxx xxxx", "X-xx X-xx X-xx X-xx"), 38, 0.0, True),
                Player("riff", (30,), ("x-xx x-xx x-x- xxxx", "xx.x x.xx .xx. xxxx"), 40, -2.0, True),
                Player("melody", (30, 81), ("xxxx xxxx xxxx xxxx", "x--- x--- xxxx x---"), 64, -4.0),
            ),
            ("metal", "core", "thrash", "hard"),
        ),
        "pop": Style(
            ("I V VIm IV", "VIm IV I V", "I VIm IV V", "IV I V VIm"),
            _MAJOR_PENTATONIC,
            (
                Player("bass", (33, 38, 39), (KICKS, "x-x- x-x- x-x- x-x-"), 28, 2.0),
                Player("chord", _KEYS, (".... X--- .... X---", "x--- x--- x--- x---", "x-.x ..x- x-.x ..x-"), 55, -1.0),
                Player("arpeggio", (*_CLEAN, 80, 81, 11), ("x-x- x-x- x-x- x-x-", "xxxx xxxx xxxx xxxx"), 60, -4.0),
                _PAD,
                _LEAD,
            ),
            ("pop", "dance", "disco"),
        ),
        "funk": Style(
            ("Im7 IV7 Im7 IV7", "I7 I7 IV7 I7", "Im7 Im7 bVII IV7"),
            _DORIAN,
            (
                Player("bass", (36, 37, 33), (KICKS, "X.x. .x.x X..x .x.x", "Xx.x .x.. x.xx .x.x"), 28, 2.0),
                Player("chord", (27, 28, 7), (".x.x Xx.x .x.x Xx.x", ".... X... .xx. X.x."), 58, -2.0),
                Player("chord", (16, 17, 4), ("..x. .... ..x- ....", "x--- ---- .... ..x-"), 55, -4.0),
                Player("riff", (61, 62), (".... .... ..xx X...", "X... .... .... .x.x"), 60, -3.0),
            ),
            ("funk", "soul", "hiphop", "r&b", "motown", "gospel"),
        ),
        "jazz": Style(
            ("IIm7 V7 IM7 VI7", "IM7 VIm7 IIm7 V7", "I7 IV7 I7 V7", "Im7 Im7 IIm7b5 V7"),
            _DORIAN,
            (
                Player("walk", (32, 43), ("x x x x",), 31, 3.0),
                Player("chord", (0, 1, 4, 26), ("x-- ..x ... ...", "..x ... ..x ...", "... x-. ..x ..x"), 55, -2.0),
                Player(
                    "melody", (56, 65, 66, 71, 11), ("x-x x-x x-x x--", "..x x-x x-- ...", "xxx x-x xxx x-x"), 62, -1.0
                ),
            ),
            ("jazz", "swing", "bebop", "blues"),
        ),
        "latin": Style(
            ("IIm7 V7 IM7 IM7", "Im7 IV7 Im7 V7", "I VIm7 IIm7 V7"),
            _MAJOR,
            (
                Player("bass", (32, 33), ("x--x --x- x--x --x-", "...x --x- ...x --x-", KICKS), 31, 2.0),
                Player("chord", (24, 25), ("x..x ..x. .x.. x...", "x.x. .x.x .x.x .x.x"), 55, -1.0),
                Player("arpeggio", (0, 11, 12), ("x.xx .x.x x.xx .x.x", "xx.x x.x. xx.x x.x."), 60, -2.0),
                Player("riff", (56, 61), ("X... .x.x .... ....", ".... ..xx x.x. ...."), 62, -3.0),
            ),
            ("latin", "afro", "brazil", "salsa", "samba", "bossa", "cuban"),
        ),
        "reggae": Style(
            ("I IV I IV", "Im bVII Im bVII", "I V VIm IV"),
            _MINOR_PENTATONIC,
            (
                Player("bass", (33, 34), (".... x-x- x-.x x-..", "X--. x-x. ..x- x-.."), 26, 4.0),
                Player("chord", (27, 26, 0), ("..X. ..X. ..X. ..X.", ".... X... .... X..."), 57, -1.0),
                Player("chord", (16, 17, 18), (".xx. .xx. .xx. .xx.",), 55, -5.0),
                Player("melody", (57, 22), ("x--- .... x-x- ....",), 60, -4.0),
            ),
            ("reggae", "ska", "dub"),
        ),
        "ballad": Style(
            ("I VIm IV V", "I IIIm IV IV", "VIm IV I V", "Im bVI bIII bVII"),
            _MAJOR_PENTATONIC,
            (
                Player("bass", (33, 35, 32), ("x--- ---- x--- ----", KICKS), 28, 1.0),
                Player("arpeggio", (0, 24, 25, 46), ("x-x- x-x- x-x- x-x-",), 55, -1.0),
                _PAD,
                Player("melody", (40, 68, 73, 52), ("x--- ---- x--- x---", "x--- x--- ---- ...."), 67, -2.0),
            ),
            ("ballad", "country", "folk", "slow"),
        ),
        "synth": Style(
            ("Im bVI bIII bVII", "Im Im bVI bVII", "IVm Im V Im"),
            _MINOR_PENTATONIC,
            (
                Player("bass", (38, 39, 87), ("..x. ..x. ..x. ..x.", "x.xx x.xx x.xx x.xx", KICKS), 28, 2.0),
                Player("arpeggio", (80, 81, 84, 87), ("xxxx xxxx xxxx xxxx", "x.xx .xx. x.xx .xx."), 60, -3.0),
                Player("chord", (62, 63, 81, 90), ("X..X ..X. .... ....", "..X. ..X. ..X. ..X."), 57, -4.0),
                _PAD,
            ),
            ("electro", "techno", "trance", "house", "breakbeat"),
        ),
    }
)
