"""SFZ: a text file that lays recordings over keys and velocities (sfzformat.com).

Read: ``<control>`` (default_path, note_offset), the inheritance global > master > group > region, ``#define`` and
``#include``, keys, velocities, round robins (lorand/hirand, seq_position), volume, amplitude, tune, transpose,
pitch_keycenter, offset, amp_veltrack. Left out, as for a player that moves no controller: regions for other
triggers than the attack, and those that wait for a controller. Not read: envelopes, filters, loops, crossfades,
pan (kits are mono here), and group/off_by, because a hi-hat is choked in every kit alike (`rendering.play`).
"""

import math
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from drumline.core.errors import ConfigError
from drumline.rendering.kits.instrument import Instrument, Region
from drumline.rendering.kits.recording import Sound

Read = Callable[[str], str]
"""A path relative to the .sfz -> its text. Raises OSError where there is none."""
Opcodes = dict[str, str]

_COMMENT: Final = re.compile(r"(?<!:)//[^\n]*|/\*.*?\*/", re.DOTALL)
_HEADER: Final = re.compile(r"<(\w+)>")
_OPCODE: Final = re.compile(r"(\w+)=([^\n=<]*?)(?=\s+\w+=|\s*$)", re.MULTILINE)
_DEFINE: Final = re.compile(r"#define\s+(\$\w+)\s+(\S+)")
_INCLUDE: Final = re.compile(r'#include\s+"([^"]+)"')
_LEVELS: Final = ("global", "master", "group", "region")
_NOTES: Final = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_VELTRACK_DB: Final = 40.0  # at amp_veltrack=100 the gain is (velocity / 127)^2
_MOST_INCLUDES: Final = 100


def read_sfz(text: str, location: str, read: Read) -> list[Instrument]:
    """An instrument a key, named after the first recording on it.

    Raises ConfigError with the place where a number or an included file is not there.
    """
    by_key: dict[int, list[tuple[Region, Opcodes]]] = {}
    for opcodes in _regions(_resolved(text, location, read)):
        for key in _keys(opcodes, location):
            by_key.setdefault(key, []).append((_region(opcodes, key, location), opcodes))
    return [
        Instrument(
            name=PurePosixPath(regions[0][0].sound.path).stem,
            regions=tuple(region for region, _ in regions),
            key=key,
            slope_db=_VELTRACK_DB * _number(regions[0][1], "amp_veltrack", 100.0, location) / 100.0,
        )
        for key, regions in sorted(by_key.items())
    ]


def _resolved(text: str, location: str, read: Read) -> str:
    """The text without comments, with includes and definitions put in."""
    text = _COMMENT.sub("", text)
    for _ in range(_MOST_INCLUDES):
        if (include := _INCLUDE.search(text)) is None:
            break
        try:
            included = read(include[1].replace("\\", "/"))
        except OSError as error:
            raise ConfigError(f"{location}: #include {include[1]!r} cannot be read") from error
        text = text[: include.start()] + _COMMENT.sub("", included) + text[include.end() :]
    else:
        raise ConfigError(f"{location}: more than {_MOST_INCLUDES} files are included (does one include itself?)")
    values = dict(_DEFINE.findall(text))
    text = _DEFINE.sub("", text)
    for name in sorted(values, key=len, reverse=True):  # $KICKDIR before $KICK
        text = text.replace(name, values[name])
    return text


def _regions(text: str) -> Iterator[Opcodes]:
    """The opcodes of each region that sounds on a stroke, inherited ones included."""
    control: Opcodes = {}
    inherited: dict[str, Opcodes] = {level: {} for level in _LEVELS}
    headers = [*_HEADER.finditer(text)]
    for header, after in zip(headers, [*headers[1:], None], strict=True):
        body = text[header.end() : after.start() if after else len(text)]
        opcodes = dict(_OPCODE.findall(body))
        if header[1] == "control":
            control.update(opcodes)
        if header[1] not in _LEVELS:
            continue
        depth = _LEVELS.index(header[1])
        inherited[header[1]] = opcodes
        for level in _LEVELS[depth + 1 :]:
            inherited[level] = {}
        if header[1] == "region":
            merged = control | {name: value for level in _LEVELS for name, value in inherited[level].items()}
            if _sounds(merged):
                yield merged


def _sounds(opcodes: Mapping[str, str]) -> bool:
    waits = any(re.fullmatch(r"(on_)?locc\d+", name) and value not in ("0", "-1") for name, value in opcodes.items())
    sample = opcodes.get("sample", "*")
    return not waits and not sample.startswith("*") and opcodes.get("trigger", "attack") in ("attack", "first")


def _keys(opcodes: Opcodes, location: str) -> range:
    key = opcodes.get("key", "")
    low, high = (
        _note(opcodes.get(name, key) or default, location) for name, default in (("lokey", "0"), ("hikey", "127"))
    )
    shift = int(_number(opcodes, "note_offset", 0, location)) + 12 * int(_number(opcodes, "octave_offset", 0, location))
    return range(low + shift, high + shift + 1)


def _region(opcodes: Opcodes, key: int, location: str) -> Region:
    def number(name: str, default: float) -> float:
        return _number(opcodes, name, default, location)

    path = (opcodes.get("default_path", "") + opcodes["sample"]).replace("\\", "/")
    amplitude = number("amplitude", 100.0) / 100.0
    gain_db = sum(number(name, 0.0) for name in ("volume", "group_volume", "master_volume", "global_volume"))
    centre = opcodes.get("pitch_keycenter", opcodes.get("key", "60"))
    track = number("pitch_keytrack", 100.0) / 100.0 if centre != "sample" else 0.0
    semitones = number("transpose", 0.0) + (number("tune", 0.0) or number("pitch", 0.0)) / 100.0
    sound = Sound(
        path=posixpath.normpath(path),
        gain_db=gain_db + (20.0 * math.log10(amplitude) if amplitude > 0 else -math.inf),
        semitones=semitones + (track * (key - _note(centre, location)) if track else 0.0),
        first_frame=int(number("offset", 0)),
    )
    return Region(
        sound=sound,
        # Half a step to either side, so that neighbouring regions meet.
        low=(number("lovel", 1) - 0.5) / 127.0,
        high=(number("hivel", 127) + 0.5) / 127.0,
        turn=(number("seq_position", 1), number("lorand", 0.0)),
    )


def _number(opcodes: Opcodes, name: str, default: float, location: str) -> float:
    try:
        return float(opcodes.get(name, default))
    except ValueError as error:
        raise ConfigError(f"{location}: {name}={opcodes[name]!r} is not a number") from error


def _note(text: str, location: str) -> int:
    """A key as a number or as a name: c4 is 60."""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if (name := re.fullmatch(r"([a-g])([#b]?)(-?\d+)", text.casefold())) is None:
        raise ConfigError(f"{location}: {text!r} is not a key")
    return _NOTES[name[1]] + {"#": 1, "b": -1, "": 0}[name[2]] + 12 * (int(name[3]) + 1)
