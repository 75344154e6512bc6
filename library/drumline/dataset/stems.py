"""Separated drums for songs that have a mix only: read from the cache, or made by a pool of actors.

The pool runs before song processing, on songs whose stem is not cached, so that a second run loads no model. Songs pass
through Ray as paths, never as samples.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from tqdm import tqdm

from drumline.audio.decode import decode_stereo, mix_stereo
from drumline.audio.layout import Choice
from drumline.audio.separation import cache
from drumline.audio.separation.protocol import Separator, open_separator, separator_fingerprint
from drumline.audio.separation.weights import Weights, resolve
from drumline.core.artifacts import join
from drumline.core.errors import ChartError, SongError
from drumline.dataset.config import BuildConfig
from drumline.dataset.products import ProductStore
from drumline.dataset.reading import read_song
from drumline.dataset.sources import SongSource
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import map_actors, map_rows

log = logging.getLogger("drumline")

_ROW: Final = pa.schema([pa.field("row", pa.string(), nullable=False)])


@dataclass(frozen=True)
class Stems:
    """Stem cache of a build, and the separator that its stems were made with."""

    uri: str
    separator: str
    """Fingerprint of the separator; empty if none is configured."""
    weights: Weights | None

    @staticmethod
    def open(config: BuildConfig) -> "Stems":
        """Resolve the separator's weights before any work. Raises DrumlineError if they are missing."""
        settings = config.separation
        uri = settings.cache or join(config.work_uri, "stems")
        if settings.backend == "none":
            return Stems(uri, "", None)
        weights = resolve(
            settings.backend,
            path=settings.weights,
            model=settings.model,
            download=settings.download,
            environment=os.environ,
        )
        return Stems(uri, separator_fingerprint(settings, weights), weights)

    def lookup(self, files: Sequence[bytes]) -> cache.Stem | None:
        """Separated drums of a mix from its files' bytes; None if not cached."""
        if not self.separator:
            return None
        try:
            return cache.load_stem(self.uri, cache.stem_key(files, self.separator))
        except FileNotFoundError:
            return None


def separate_missing(sources: Sequence[SongSource], stems: Stems, config: BuildConfig, ledger: Ledger) -> int:
    """Separate every mix without a cached stem; returns the number of attempted songs.

    A song whose mix cannot be read or separated is left to song processing, which rejects it or uses the mix.
    """
    if not stems.separator:
        return 0
    candidates = [source.to_json() for source in sources if source.audio_layout in ("mix", "container")]
    search = map_rows(candidates, _NeedsStem(config, stems), schema=_ROW, ledger=ledger)
    todo = sorted(found["row"] for found in search)
    done = map_actors(
        todo,
        _SeparateSongs,
        arguments=(config, stems, ledger),
        ledger=ledger,
        num_actors=config.separation.num_actors,
        num_cpus=config.separation.num_cpus,
        num_gpus=config.separation.num_gpus,
    )
    for _ in tqdm(done, total=len(todo), unit="song", desc="separation", mininterval=1.0, disable=not todo):
        pass
    return len(todo)


def _mix_of(source: SongSource, config: BuildConfig) -> tuple[Choice, list[bytes]] | None:
    """Mix files of a song that has no drum stem."""
    try:
        read = read_song(source, difficulty=config.difficulty, transcriptions=config.transcriptions)
        if len(read.audio) != 1 or read.audio[0].domain != "mix":
            return None
        return read.audio[0], [read.load(name) for name in read.audio[0].files]
    except (ChartError, SongError):
        return None


@dataclass(frozen=True)
class _NeedsStem:
    """Select the songs whose stem is not cached."""

    config: BuildConfig
    stems: Stems

    def __call__(self, row: str) -> list[dict[str, Any]]:
        source = SongSource.from_json(row)
        if ProductStore.of(self.config, self.stems.separator).find(source) is not None:
            return []
        mix = _mix_of(source, self.config)
        if mix is None or cache.has_stem(self.stems.uri, cache.stem_key(mix[1], self.stems.separator)):
            return []
        return [{"row": row}]


class _SeparateSongs:
    """Actor that holds the separation model."""

    def __init__(self, config: BuildConfig, stems: Stems, ledger: Ledger) -> None:
        self.config, self.stems, self.ledger = config, stems, ledger
        self._separator: Separator | None = None

    def __call__(self, block: pa.Table) -> pa.Table:
        for row in block["row"].to_pylist():
            self._separate(SongSource.from_json(row))
        return block

    def _separate(self, source: SongSource) -> None:
        id_ = f"stem-{ProductStore.of(self.config, self.stems.separator).id(source)}"
        if self.ledger.given_up(id_):
            log.warning("%s: separation ended its worker in every attempt; the mix will be used", source.key)
            return
        mix = _mix_of(source, self.config)
        if mix is None:
            return
        choice, files = mix
        with self.ledger.attempt(id_, f"{source.key} (separation)"):
            try:
                parts = [
                    decode_stereo(data, name=name, config=self.config.audio)
                    for data, name in zip(files, choice.files, strict=True)
                ]
            except SongError:
                return
            if self._separator is None:
                assert self.stems.weights is not None
                self._separator = open_separator(self.config.separation, self.stems.weights)
            key = cache.stem_key(files, self.stems.separator)
            cache.separate_stems(mix_stereo(parts), self._separator, cache=self.stems.uri, key=key)
