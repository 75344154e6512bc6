"""Kits out of folders of one-shots: a YAML file says which files are which class (``*.kit.yaml``).

A pack of samples seldom comes as a kit. The file names its folder and, for each class, a regular expression over the
paths of the samples. A named group ``variant`` in it distinguishes drums (eleven snares, four kicks):
``pack.kit.yaml#7`` draws one of each by seed 7, so one pack is many kits. Without a number the first is taken.

Velocity layers follow from the measured level of the samples (`onset.level_db`), or, where a pack was normalised file
by file, from the names (``layers``).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from pydantic import Field

from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.rendering.kits.families import Cast, Piece
from drumline.rendering.kits.instrument import Instrument, Region
from drumline.rendering.kits.recording import Sound

_MAX_LAYERS: Final = 5
_TAKES_PER_LAYER: Final = 4
_MIN_SPREAD_DB: Final = 3.0
"""Samples whose levels are this close are takes of one layer."""
_NAMED_SLOPE_DB: Final = 30.0
"""Level by tenfold velocity between layers that only their names distinguish."""


class SamplePiece(Config):
    """One voice of a class in a folder of samples."""

    drum: str
    """A class."""
    name: str = ""
    """The voice's name, in General MIDI's words."""
    files: str
    """Regular expression, searched in a sample's path below the folder; group ``variant`` distinguishes drums."""
    layers: tuple[str, ...] = ()
    """Regular expressions of velocity layers, softest first, where all samples are equally loud; empty: by level."""
    openness: float | None = None
    """Openness of a hi-hat, 0 closed to 1 open."""


class SampleSet(Config):
    """A folder of samples as a kit."""

    name: str
    """The kit's name."""
    folder: str
    """Where the samples are, relative to the file."""
    licence: str
    """Licence of the samples."""
    attribution: str = ""
    """Attribution required of anything made with them."""
    group: str = ""
    """Kits of one group share recordings; the name if empty."""
    pieces: tuple[SamplePiece, ...] = Field(min_length=1)
    """By order of preference within a class."""


def voices_of(
    kit: SampleSet, paths: Sequence[str], *, level_db: Callable[[str], float], seed: int | None, location: str
) -> list[Cast]:
    """The voices of a kit.

    Parameters
    ----------
    kit
        What the file says.
    paths
        Paths of all samples, relative to the folder.
    level_db
        Level of a sample by its path [dB].
    seed
        Of the drawn variants and takes; None takes the first variant.
    location
        Of the kit, for messages.

    Raises
    ------
    ConfigError
        If a piece has no sample, or a regular expression is malformed.
    """
    random = None if seed is None else np.random.default_rng(seed)
    return [
        Cast(
            Piece(drum=piece.drum, name=piece.name, openness=piece.openness),
            Instrument(piece.name or piece.drum, regions, slope_db=_NAMED_SLOPE_DB if piece.layers else 0.0),
        )
        for piece in kit.pieces
        if (regions := _regions(piece, _chosen(piece, paths, random, location), level_db, random))
    ]


def _chosen(
    piece: SamplePiece, paths: Sequence[str], random: np.random.Generator | None, location: str
) -> Sequence[str]:
    """The samples of one variant of a piece."""
    variants: dict[str, list[str]] = {}
    try:
        for path in sorted(paths):
            if (found := re.search(piece.files, path, re.IGNORECASE)) is not None:
                variants.setdefault(found.groupdict().get("variant") or "", []).append(path)
    except re.error as error:
        raise ConfigError(
            f"{location}: {piece.drum}: files: {piece.files!r} is no regular expression ({error})"
        ) from error
    if not variants:
        raise ConfigError(f"{location}: {piece.drum}: no sample matches {piece.files!r}")
    names = sorted(variants)
    return variants[names[0 if random is None else int(random.integers(len(names)))]]


def _regions(
    piece: SamplePiece,
    paths: Sequence[str],
    level_db: Callable[[str], float],
    random: np.random.Generator | None,
) -> tuple[Region, ...]:
    if piece.layers:
        named = [[path for path in paths if re.search(layer, path)] for layer in piece.layers]
        layers = [_some(layer, _TAKES_PER_LAYER, random) for layer in named if layer]
    else:
        layers = _by_level(_some(paths, _MAX_LAYERS * _TAKES_PER_LAYER, random), level_db)
    edges = np.linspace(0.0, 1.0, len(layers) + 1).tolist()
    return tuple(
        Region(Sound(path), low, high, (turn,))
        for layer, (low, high) in zip(layers, pairwise(edges), strict=True)
        for turn, path in enumerate(layer)
    )


def _by_level(paths: Sequence[str], level_db: Callable[[str], float]) -> list[list[str]]:
    """Samples in layers of equal numbers, softest first."""
    levels: Mapping[str, float] = {path: level_db(path) for path in paths}
    ordered = sorted(paths, key=lambda path: (levels[path], path))
    if not ordered or levels[ordered[-1]] - levels[ordered[0]] < _MIN_SPREAD_DB:
        return [ordered] if ordered else []
    count = min(_MAX_LAYERS, len(ordered))
    return [part.tolist() for part in np.array_split(np.array(ordered, dtype=object), count)]


def _some(paths: Sequence[str], most: int, random: np.random.Generator | None) -> list[str]:
    """At most so many of the samples, spread over them all where nothing is drawn."""
    if len(paths) <= most:
        return list(paths)
    if random is None:
        return [paths[index] for index in np.linspace(0, len(paths) - 1, most).round().astype(int)]
    return [paths[index] for index in np.sort(random.permutation(len(paths))[:most])]
