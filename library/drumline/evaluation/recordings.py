"""Recordings for inference: of a built dataset, or beside annotations under roots, each with one name.

Audio is decoded only when samples are requested.
"""

import logging
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.audio import decode as audio
from drumline.audio.loudness import amplify, decode_flac, measure
from drumline.core.artifacts import join, sha256
from drumline.dataset.find import find_songs
from drumline.dataset.manifest import read_manifest
from drumline.dataset.parquet import open_parquet
from drumline.dataset.reading import read_song
from drumline.dataset.sources import RootConfig, SongSource

log = logging.getLogger("drumline")

_SHORTEST_S: Final = 0.4


@dataclass(frozen=True)
class Recorded:
    """A named recording whose samples are decoded on request."""

    name: str
    sha256: str
    """Fingerprint of everything that determines its samples."""
    read: Callable[[], NDArray[np.float32]]
    """Read the samples [N], mono at 22,050 Hz and -14 LUFS. Raises AudioError for unusable audio."""


def dataset_recordings(
    dataset: str, *, splits: Sequence[str | None], wanted: Container[str] | None = None
) -> Iterator[Recorded]:
    """Recordings ``<song id>.<domain>`` of some splits (None: of all) whose name is in ``wanted``."""
    manifest = read_manifest(dataset)
    for uri in (join(dataset, shard) for split in splits for shard in manifest.shards(split)):
        with open_parquet(uri) as shard:
            keys = shard.read(["song_id", "domain"]).to_pylist()
            for number, name in enumerate(f"{key['song_id']}.{key['domain']}" for key in keys):
                if wanted is None or name in wanted:
                    row = shard.row_group(number, ["audio_flac", "headroom_db"]).to_pylist()[0]
                    flac, headroom_db = row["audio_flac"], row["headroom_db"]
                    digest = sha256(f"{sha256(flac)} {headroom_db!r}".encode())
                    yield Recorded(name, digest, partial(_of_shard, flac, headroom_db))


def root_recordings(roots: Sequence[RootConfig], domain: str) -> Iterator[Recorded]:
    """Audio of each song in one domain, by the song's key; songs without it are skipped."""
    for source in find_songs(roots):
        if not (source.superseded_by or source.fault) and (found := _of_song(source, domain)):
            yield found


def recording_of(name: str, files: Sequence[tuple[str, bytes]]) -> Recorded:
    """Mix simultaneous files (name, content) and normalise to the loudness that models are trained at."""
    digest = sha256(" ".join(["levelled", *(sha256(data) for _, data in files)]).encode())
    return Recorded(name, digest, partial(_levelled, files))


def _of_song(source: SongSource, domain: str) -> Recorded | None:
    """Audio of a song in a domain, decoded as in a dataset build."""
    read = read_song(source, difficulty="expert", transcriptions="include")
    choice = next((choice for choice in read.audio if choice.domain == domain), None)
    if choice is None:
        log.warning("%s: has no %s; left out", source.key, domain)
        return None
    return recording_of(source.key, [(name, read.load(name)) for name in choice.files])


def _of_shard(flac: bytes, headroom_db: float) -> NDArray[np.float32]:
    return amplify(decode_flac(flac), headroom_db)


def _levelled(files: Sequence[tuple[str, bytes]]) -> NDArray[np.float32]:
    settings = audio.AudioConfig(min_duration_s=_SHORTEST_S)
    samples = audio.mix([audio.decode(data, name=name, config=settings) for name, data in files]).samples
    return amplify(samples, measure(samples).gain_db)
