"""Plan of a corpus: performances and kits of its songs, sampled once from the seed. Pure and deterministic.

Every performance is used once before one comes again, and every kit as often as any other. Songs that share a kit and
its tuning stand together, so that a worker loads it once for many.
"""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.config import fingerprint
from drumline.core.errors import ConfigError
from drumline.rendering.corpus.config import CorpusConfig, KitConfig
from drumline.rendering.kit import PIECES
from drumline.rendering.performances.medleys import Medley, medleys
from drumline.rendering.performances.sources import PerformanceSource, find_performances
from drumline.rendering.performances.torture import torture_sets

Random = np.random.Generator


@dataclass(frozen=True, order=True)
class Setup:
    """A kit as it stands on the stage."""

    uri: str
    licence: str = ""
    tuning: tuple[tuple[str, float], ...] = ()
    """(piece, semitones)."""


@dataclass(frozen=True)
class SongSpec:
    """One song to be rendered: all that a worker needs beside the configuration."""

    number: int
    medley: Medley
    """Performances to join; empty for an etude or a torture song."""
    setups: tuple[Setup, ...]
    """One kit; or several, of which each piece is drawn."""
    has_backing: bool
    seed: int
    torture: int | None = None
    """Index into `torture_songs`."""
    altered: bool = False
    """Whether the kit is: `kits.altered`, with the second set-up under the first."""

    def folder(self, recipe: str) -> str:
        """Name of its folder: another recipe or draw has another name, so what exists is right."""
        return f"{self.number:06d}-{fingerprint(self.to_json(), recipe)}"

    def to_json(self) -> str:
        """As one line, for Ray's rows."""
        return json.dumps(asdict(self, dict_factory=_without_empty_backing), sort_keys=True)

    @staticmethod
    def from_json(line: str) -> "SongSpec":
        """The inverse of `to_json`."""
        return _ADAPTER.validate_json(line)


_ADAPTER: Final = TypeAdapter(SongSpec)


def _without_empty_backing(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Fields as JSON; an empty `PerformanceSource.backing` is left out, as in the names of songs that exist."""
    return {name: value for name, value in items if (name, value) != ("backing", "")}


def plan(config: CorpusConfig) -> list[SongSpec]:
    """Every song of the corpus, songs of one set-up together.

    Raises ConfigError where a root cannot be listed, or holds nothing to play and not all songs are etudes.
    """
    if config.torture_takes:
        return _torture(config)
    wanted = [source for source in find_performances(config.performances) if _is_wanted(source, config)]
    low_s, high_s = config.vary.duration_s
    units = medleys(wanted, duration_s=high_s * config.vary.stretch[1], seed=config.seed) if wanted else []
    if not units and config.etudes < 1:
        places = ", ".join(root.uri for root in config.performances) or "none given"
        raise ConfigError(
            f"performances: nothing to play in {places} (with these splits and performers); etudes: 1 needs none"
        )
    num_songs = math.ceil(config.hours * 3600 / ((low_s + high_s) / 2 + config.tail_s))
    random = np.random.default_rng((config.seed, 0))
    setups = [_setups(kit, config, index) for index, kit in enumerate(config.kits)]
    order: list[int] = []
    songs = []
    for number in range(num_songs):
        is_etude = not units or random.random() < config.etudes
        if not is_etude and not order:
            order = random.permutation(len(units)).tolist()
        own = setups[number % len(setups)]
        first = own[random.integers(1, len(own))] if random.random() < config.kit_use.tuned else own[0]
        others = [each[0] for index, each in enumerate(setups) if index != number % len(setups)]
        is_mixed = bool(others) and random.random() < config.kit_use.mixed
        num_others = config.kit_use.sources - 1 if is_mixed else 0
        drawn = tuple(others[random.integers(len(others))] for _ in range(num_others))
        is_altered = config.kit_use.altered > 0 and bool(random.random() < config.kit_use.altered)
        songs.append(
            SongSpec(
                number=number,
                medley=() if is_etude else units[order.pop()],
                setups=(first, *drawn),
                has_backing=bool(random.random() < config.mixes),
                seed=int(random.integers(1 << 31)),
                altered=is_altered,
            )
        )
    return sorted(songs, key=lambda song: (song.setups, song.number))


def torture_songs(config: CorpusConfig) -> list[AnnotatedSong]:
    """Every torture song, set after set."""
    sets = torture_sets(num_takes=config.torture_takes, seed=config.seed)
    return [song for songs in sets.values() for song in songs]


def _torture(config: CorpusConfig) -> list[SongSpec]:
    random = np.random.default_rng((config.seed, 0))
    number = len(torture_songs(config))
    has_backing = random.random((len(config.kits), number)) < config.mixes
    return [
        SongSpec(
            number=index * number + song,
            medley=(),
            setups=(Setup(kit.uri, kit.licence),),
            has_backing=bool(has_backing[index, song]),
            seed=int(random.integers(1 << 31)),
            torture=song,
        )
        for index, kit in enumerate(config.kits)
        for song in range(number)
    ]


def _is_wanted(source: PerformanceSource, config: CorpusConfig) -> bool:
    return (
        (not config.performance_splits or source.official_split in config.performance_splits)
        and (not config.performers or source.performer in config.performers)
        and source.performer not in config.without_performers
    )


def _setups(kit: KitConfig, config: CorpusConfig, index: int) -> list[Setup]:
    """The kit as it is, then in each of its tunings."""
    random = np.random.default_rng((config.seed, 1, index))
    most = config.kit_use.tuning_semitones
    tunings = [
        tuple((piece, round(float(random.uniform(-most, most)), 2)) for piece in PIECES)
        for _ in range(config.kit_use.tunings)
    ]
    return [Setup(kit.uri, kit.licence), *(Setup(kit.uri, kit.licence, tuning) for tuning in tunings)]
