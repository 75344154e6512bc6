"""Selection of the files of a song folder that hold the drums.

Clone Hero and YARG play every stem at once: ``song`` is the backing, the drums lie in ``drums`` or, numbered,
in ``drums_1`` (kick), ``drums_2`` (snare), ``drums_3`` (toms) and ``drums_4`` (cymbals). Numbered drums override
``drums``; ``drums_1`` alone is the whole kit. What a listener hears is the sum of all stems except ``preview``.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

EXTENSIONS: Final = (
    *(".flac", ".wav", ".opus", ".ogg", ".mp3"),
    *(".aiff", ".aif", ".aifc", ".w64", ".rf64", ".bwf", ".caf", ".au", ".snd", ".wv", ".ape", ".tta", ".tak"),
    *(".dsf", ".dff", ".oga", ".m4a", ".m4b", ".aac", ".adts", ".wma", ".asf", ".mka", ".weba", ".mpc", ".mp+"),
    *(".mp2", ".mpga", ".ac3", ".eac3", ".dts", ".amr", ".ra", ".voc", ".oma", ".spx"),
    *(".mp4", ".webm", ".mkv", ".m4v", ".mov", ".3gp", ".ogv", ".flv", ".avi"),
)
"""Every kind of audio file, best first, for the stem that is there twice: what the games read (lossless, then codecs
that state their delay, then MP3), then what they do not, and last what may hold pictures. Which a file is, its bytes
decide (`audio.sniff`); the name decides whether it is looked at."""

VIDEO: Final = ("video", "background", "bg")
"""Names that the games give to the pictures behind a song."""

AUDIO_KINDS: Final = frozenset({*EXTENSIONS, ".alac"})
"""Endings of files that people take for audio, whether or not a decoder here reads them."""

DRUMS: Final = "drums"
NUMBERED_DRUMS: Final = ("drums_1", "drums_2", "drums_3", "drums_4")
BACKING: Final = ("song", "guitar", "bass", "rhythm", "keys", "vocals", "vocals_1", "vocals_2")
CROWD: Final = "crowd"
PREVIEW: Final = "preview"

DOMAINS: Final = ("stem", "stems", "mix", "separated")
"""One drum file; several, to be summed; everything together; drums that a separator took out of the mix."""


@dataclass(frozen=True)
class Choice:
    """Files that together are one recording of the song."""

    domain: str
    """``stem``, ``stems`` or ``mix``; a name from `DOMAINS`."""
    files: tuple[str, ...]
    """Names as they were given, to be summed."""


def choose(names: Collection[str]) -> tuple[Choice, ...]:
    """Every way to hear the drums of a folder that holds these file names, purest first; empty where there is none.

    Case does not matter. A stem that is there twice is taken in the order of `EXTENSIONS`, then of its name, so
    the choice never depends on the order of a listing. A folder without any known stem but with exactly one other
    audio file (old charts name it in ``MusicStream``) has that file as its mix.
    """
    stems = _stems(names)
    numbered = tuple(stems[stem] for stem in NUMBERED_DRUMS if stem in stems)
    drums = numbered or ((stems[DRUMS],) if DRUMS in stems else ())
    backing = tuple(stems[stem] for stem in BACKING if stem in stems)
    if not drums and not backing:
        others = [stem for stem in stems if stem not in (CROWD, PREVIEW, *VIDEO)]
        return (Choice("mix", (stems[others[0]],)),) if len(others) == 1 else ()

    choices = []
    if drums:
        choices.append(Choice("stem" if len(drums) == 1 else "stems", drums))
    if backing:
        crowd = (stems[CROWD],) if CROWD in stems else ()
        choices.append(Choice("mix", (*backing, *drums, *crowd)))
    return tuple(choices)


def _stems(names: Collection[str]) -> dict[str, str]:
    """Lower-case stem -> the file that stands for it."""
    stems: dict[str, str] = {}
    for name in sorted(names, key=_preference):
        stem, dot, extension = name.lower().rpartition(".")
        if dot + extension in EXTENSIONS:
            stems.setdefault(stem, name)
    return stems


def _preference(name: str) -> tuple[int, str]:
    extension = "." + name.lower().rpartition(".")[2]
    return (EXTENSIONS.index(extension) if extension in EXTENSIONS else len(EXTENSIONS), name)
