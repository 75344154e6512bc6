"""A kit from its address: the format is told by the name.

``drums.sfz``; a folder with ``drumkit.xml`` or with one .sfz, or the file itself; ``font.sf2#8``, ``font.sf3``;
``pack.kit.yaml#3`` (`sample_set`). Local paths and any fsspec URI.
"""

import posixpath
import re
from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.artifacts import STORAGE_ERRORS, filesystem, join, names, read_bytes
from drumline.core.config import parse_config
from drumline.core.documents import DocumentError, parse_yaml
from drumline.core.errors import ConfigError
from drumline.rendering.kits import hydrogen, onset, sfz, soundfont
from drumline.rendering.kits.assembly import assemble
from drumline.rendering.kits.families import Family, cast, family_of, group_of
from drumline.rendering.kits.recording import read_audio
from drumline.rendering.kits.sample_set import SampleSet, voices_of
from drumline.rendering.kits.sampled import KitFacts, SampledKit

_AUDIO: Final = (".flac", ".wav", ".ogg", ".aiff", ".aif", ".mp3")
_DRUMKIT: Final = "drumkit.xml"
_SFZ: Final = ".sfz"
_SAMPLE_SET: Final = re.compile(r"(?P<file>.*\.kit\.ya?ml)(#(?P<seed>\d+))?", re.IGNORECASE)
_SOUNDFONT: Final = re.compile(r"(?P<file>.*\.sf[23])(#(?P<program>\d+))?", re.IGNORECASE)
_LICENCE_FILE: Final = re.compile(r"licen[cs]e|copying|copyright|readme", re.IGNORECASE)
_LICENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        r"CC0|Creative Commons 0|public domain": "CC0",
        r"Attribution[- ]NonCommercial|CC BY-NC": "CC BY-NC",
        r"Attribution[- ]Share ?Alike 4|CC BY-SA 4": "CC BY-SA 4.0",
        r"Attribution[- ]Share ?Alike|CC BY-SA": "CC BY-SA 3.0",
        r"Attribution 4|CC BY 4|licenses/by/4": "CC BY 4.0",
        r"Attribution 3|CC BY 3|licenses/by/3": "CC BY 3.0",
        r"GNU General Public|GNU GPL|\bGPL\b": "GPL",
        r"Permission is hereby granted, free of charge|\bMIT\b": "MIT",
    }
)
"""Patterns of licence files and their short names: a reminder for people to read them, not a legal opinion."""


def open_kit(uri: str, *, rate_hz: int, tuning: Mapping[str, float] = MappingProxyType({})) -> SampledKit:
    """The kit at ``uri``, its samples at ``rate_hz``, pieces tuned by semitones (`kit.PIECES`; none if empty).

    Raises ConfigError where there is no kit, or a part of it cannot be read.
    """
    try:
        if font := _SOUNDFONT.fullmatch(uri):
            return _open_soundfont(font["file"], font["program"], rate_hz, tuning)
        if uri.casefold().endswith(_SFZ):
            return _open_sfz(uri, rate_hz, tuning)
        if sample_set := _SAMPLE_SET.fullmatch(uri):
            return _open_sample_set(sample_set["file"], sample_set["seed"], rate_hz, tuning)
        if PurePosixPath(uri).name == _DRUMKIT:
            return _open_hydrogen(uri.removesuffix(_DRUMKIT), rate_hz, tuning)
        inside = names(uri)
        if _DRUMKIT in inside:
            return _open_hydrogen(uri, rate_hz, tuning)
        if len(found := sorted(name for name in inside if name.casefold().endswith(_SFZ))) == 1:
            return _open_sfz(join(uri, found[0]), rate_hz, tuning)
    except STORAGE_ERRORS as error:
        raise ConfigError(f"{uri}: cannot be read ({error})") from error
    several = f"; it has several, name one: {', '.join(found)}" if found else ""
    raise ConfigError(
        f"{uri}: not a kit (an .sfz, .kit.yaml, .sf2 or .sf3, a folder with {_DRUMKIT} or one .sfz){several}"
    )


def list_kits(uri: str) -> list[str]:
    """The addresses of all kits at a file or in a folder (not below it): a SoundFont holds several."""
    if _SOUNDFONT.fullmatch(uri) and "#" not in uri:
        return [f"{uri}#{program}" for program in soundfont.read_soundfont(read_bytes(uri), uri).kits]
    if any(pattern.fullmatch(uri) for pattern in (_SOUNDFONT, _SAMPLE_SET)) or (
        uri.casefold().endswith(_SFZ) or PurePosixPath(uri).name == _DRUMKIT
    ):
        return [uri]
    inside = sorted(names(uri))
    files = [name for name in inside if name.casefold().endswith((_SFZ, ".sf2", ".sf3", ".kit.yaml", ".kit.yml"))]
    return ([uri] if _DRUMKIT in inside else []) + [kit for name in files for kit in list_kits(join(uri, name))]


def _open_sfz(uri: str, rate_hz: int, tuning: Mapping[str, float]) -> SampledKit:
    folder, name = uri.rpartition("/")[0] or ".", PurePosixPath(uri).stem
    family = family_of("sfz", name)
    text = read_bytes(uri).decode("utf-8", "replace")
    instruments = sfz.read_sfz(text, uri, lambda path: read_bytes(join(folder, path)).decode("utf-8", "replace"))
    facts = _facts(name, uri, family, licence=_told_licence(folder))
    return assemble(
        cast(instruments, family), load=SampleFolder(folder).load, facts=facts, rate_hz=rate_hz, tuning=tuning
    )


def _open_hydrogen(folder: str, rate_hz: int, tuning: Mapping[str, float]) -> SampledKit:
    location = join(folder, _DRUMKIT)
    drumkit = hydrogen.read_drumkit(read_bytes(location), location)
    family = family_of("hydrogen", drumkit.name)
    licence = drumkit.licence or _told_licence(folder)
    facts = _facts(drumkit.name, folder, family, licence=licence, attribution=drumkit.author)
    parts = cast(drumkit.instruments, family)
    return assemble(parts, load=SampleFolder(folder).load, facts=facts, rate_hz=rate_hz, tuning=tuning)


def _open_soundfont(uri: str, program: str | None, rate_hz: int, tuning: Mapping[str, float]) -> SampledKit:
    data = read_bytes(uri)
    font = soundfont.read_soundfont(data, uri)
    number = int(program) if program else min(font.kits)
    if number not in font.kits:
        known = ", ".join(f"{key} {name}" for key, name in font.kits.items())
        raise ConfigError(f"{uri}: has no drum kit {number}; it has {known}")
    family = family_of("soundfont", font.name)
    name = f"{PurePosixPath(uri).stem}#{number} {font.kits[number]}"
    facts = _facts(name, f"{uri}#{number}", family, licence=font.licence, attribution=font.author)
    load = soundfont.striker(data, number, uri)
    return assemble(cast(soundfont.instruments(), family), load=load, facts=facts, rate_hz=rate_hz, tuning=tuning)


def _open_sample_set(uri: str, seed: str | None, rate_hz: int, tuning: Mapping[str, float]) -> SampledKit:
    try:
        kit = parse_config(SampleSet, parse_yaml(read_bytes(uri)), location=uri)
    except DocumentError as error:
        raise ConfigError(f"{uri}: not YAML: {error}") from error
    folder = posixpath.normpath(join(uri.rpartition("/")[0] or ".", kit.folder)) if "://" not in uri else kit.folder
    fs, root = filesystem(folder)
    paths = [path.removeprefix(f"{root}/") for path in fs.find(root) if path.casefold().endswith(_AUDIO)]
    load = cache(SampleFolder(folder).load)

    def level_db(path: str) -> float:
        channels, file_rate_hz = load(path)
        mono = channels.mean(axis=1)
        return onset.level_db(mono, onset.onset_of(mono, file_rate_hz), file_rate_hz)

    parts = voices_of(kit, paths, level_db=level_db, seed=int(seed) if seed else None, location=uri)
    name = f"{kit.name} {seed}" if seed else kit.name
    facts = KitFacts(name, f"{uri}#{seed}" if seed else uri, kit.licence, kit.attribution, kit.group or kit.name)
    return assemble(parts, load=load, facts=facts, rate_hz=rate_hz, tuning=tuning)


def _facts(name: str, uri: str, family: Family, *, licence: str, attribution: str = "") -> KitFacts:
    # The programs of a SoundFont share its recordings.
    group = group_of(name) or name.partition("#")[0]
    return KitFacts(name, uri, family.licence or licence, family.attribution or attribution, group)


class SampleFolder:
    """The recordings that a kit's file names: beside it or where it says, maybe under another audio extension."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._listings: dict[str, set[str]] = {}

    def find(self, path: str) -> str | None:
        """The file of a sample's path; None where it is missing."""
        above, _, name = self._place(path).rpartition("/")
        if above not in self._listings:
            self._listings[above] = names(above)
        stem = PurePosixPath(name).stem
        twins = (name, *(stem + suffix for suffix in _AUDIO))
        return next((f"{above}/{twin}" for twin in twins if twin in self._listings[above]), None)

    def load(self, path: str) -> tuple[NDArray[np.float32], int]:
        """As `recording.Load`."""
        if (found := self.find(path)) is None:
            raise ConfigError(f"{self._place(path)}: a sample that the kit names is missing")
        return read_audio(read_bytes(found), self._place(path))

    def _place(self, path: str) -> str:
        return path if path.startswith("/") else join(self._folder, path)


def _told_licence(folder: str) -> str:
    """The licence that the kit's own files speak of; empty where they do not."""
    for name in sorted(name for name in names(folder) if _LICENCE_FILE.search(name)):
        text = read_bytes(join(folder, name)).decode("utf-8", "replace")
        for pattern, licence in _LICENCES.items():
            if re.search(pattern, text, re.IGNORECASE):
                return licence
    return ""
