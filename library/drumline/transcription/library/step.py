"""Worker step: skip finished songs, read the cache, run inference on the others in batches, write results.

A song's results are written first and its product last, so a song with a product is finished. Songs that are taken
together and end their worker, or err unforeseen, are taken again one by one: only the guilty one pays.
"""

import io
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from drumline.audio.recording import Recording
from drumline.core.artifacts import filesystem, join, read_bytes
from drumline.core.artifacts import sha256 as digest_of
from drumline.core.config import fingerprint
from drumline.core.errors import ArchiveError, Rejected, SongError
from drumline.core.prefetch import prefetch
from drumline.decoding.cache import ActivationsCache, RecordingActivations
from drumline.decoding.model_package import find_micro, find_package, read_package
from drumline.decoding.peak_picking import DecodedHits
from drumline.decoding.presets import load_preset
from drumline.runtime.guarded import run_guarded
from drumline.runtime.ledger import Ledger
from drumline.runtime.products import Products
from drumline.runtime.report import peak_mb
from drumline.transcription.engine import open_engine
from drumline.transcription.formats.registry import Format, named
from drumline.transcription.library.config import LibraryConfig
from drumline.transcription.library.songs import LibrarySong
from drumline.transcription.ownership import write_own
from drumline.transcription.result import SourceAudio
from drumline.transcription.separate import Separation, find_separation
from drumline.transcription.sources import recording_of, sha256_of
from drumline.transcription.table import SCHEMA, row
from drumline.transcription.transcribe import Timing, transcription_of

log = logging.getLogger("drumline")

RESULTS: Final = "songs"
"""Folder of the output with the files of each song."""
VERSION: Final = "2"
"""Version of the processing of one song. Raised whenever its result changes: finished songs are then done again."""

OUTCOME: Final = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("how", pa.string(), nullable=False),
        pa.field("duration_s", pa.float64(), nullable=False),
        pa.field("cpu_s", pa.float64(), nullable=False),
        pa.field("peak_mb", pa.float64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
    ]
)
"""Result of a song for the driver. ``how``: heard, cached, reused, or rejected with a reason."""

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Store:
    """Where the finished songs of a configuration are."""

    products: Products
    work: str
    """Fingerprint of all that decides a song's results, but the song."""
    separation: Separation | None
    """Separator of drums from mixes, if configured."""

    @staticmethod
    def of(config: LibraryConfig) -> "Store":
        """Raises ConfigError where there is no such package or preset, DrumlineError where it is damaged, or where a
        separator is wanted and there is none."""
        folder = find_package(config.model)
        package = read_package(folder)
        decoding = load_preset(config.preset or package.preset)
        models = [package, *([find_micro(folder, package)[1]] if decoding.micro else [])]
        what = config.model_dump(mode="json", include={"songs", "stem", "formats", "precision", "preset", "grid"})
        separation = None
        if config.stem == "separate":
            device = "cuda" if config.workers.num_gpus else "cpu"
            separation = find_separation(device=device, cache=config.stems_uri)
        separator = [separation.fingerprint] if separation else []
        return Store(
            Products(join(config.work_uri, "songs")),
            fingerprint(VERSION, *models, decoding, what, config.workers.runtime, *separator),
            separation,
        )

    def id(self, song: LibrarySong) -> str:
        """Where a song is filed."""
        return fingerprint(self.work, song.to_json())


@dataclass(frozen=True)
class _Opened:
    """A song that is about to be heard."""

    song: LibrarySong
    recording: Recording
    sha256: str


class TranscribeSongs:
    """An actor that holds the model; takes some songs at a time (JSON of `LibrarySong`)."""

    def __init__(self, config: LibraryConfig, store: Store, ledger: Ledger) -> None:
        self.config, self.store, self.ledger = config, store, ledger
        workers = config.workers
        self._engine = open_engine(
            config.model,
            preset=config.preset,
            precision=config.precision,
            threads=workers.threads,
            runtime=workers.runtime,
            together=workers.together,
        )
        self._cache = ActivationsCache.of(config.kept)

    def __call__(self, block: pa.Table) -> pa.Table:
        rows = block["row"].to_pylist()
        songs = [LibrarySong.from_json(each) for each in rows]
        started_s = time.process_time()
        together = replace(self.ledger, max_attempts=1, timeout_s=self.ledger.timeout_s * len(songs))
        label = songs[0].key if len(songs) == 1 else f"{songs[0].key} and {len(songs) - 1} more"
        outcomes = run_guarded(together, fingerprint(rows), label, partial(self._transcribe, songs))
        if isinstance(outcomes, Rejected):
            outcomes = [outcome for song in songs for outcome in self._alone(song)]
        cpu_s = (time.process_time() - started_s) / len(outcomes)
        measured = [{**outcome, "cpu_s": cpu_s, "peak_mb": peak_mb()} for outcome in outcomes]
        return pa.Table.from_pylist(measured, schema=OUTCOME)

    def _alone(self, song: LibrarySong) -> Sequence[Outcome]:
        id_ = self.store.id(song)
        found = run_guarded(self.ledger, id_, song.key, partial(self._transcribe, [song]))
        return [self._rejected(song, found)] if isinstance(found, Rejected) else found

    def _transcribe(self, songs: Sequence[LibrarySong]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        opened: dict[str, _Opened] = {}
        readers = self.config.workers.readers

        def recordings() -> Iterator[tuple[str, Recording]]:
            for found in prefetch((partial(self._open, song) for song in songs), threads=readers):
                if isinstance(found, _Opened):
                    opened[found.song.key] = found
                    yield found.song.key, found.recording
                else:
                    outcomes.append(found)

        for key, activations in self._engine.network.infer_batched(recordings(), threads=readers):
            song = opened.pop(key)
            with song.recording as recording:
                inferred = RecordingActivations.of(activations.rounded(), recording)
                self._cache.put(self._key(song.sha256), inferred)
                found = self._engine.second_pass(*self._engine.decode(inferred, self._engine.decoding), recording)
            outcomes.append(self._finished(song.song, inferred, song.sha256, found, how="heard"))
        return outcomes

    def _open(self, song: LibrarySong) -> _Opened | Outcome:
        """A song ready to be heard, or what became of it without that."""
        product = self.store.products.find(self.store.id(song))
        if isinstance(product, Rejected):
            return _outcome(song, "rejected", rejected=product)
        if product is not None:
            return _outcome(song, "reused")
        if song.reason:
            return self._rejected(song, Rejected(song.reason, f"{song.key}: {song.detail}"))
        with ExitStack() as stack:
            try:
                files = [stack.enter_context(_opened(join(song.root, file))) for file in song.files]
            except (FileNotFoundError, PermissionError) as error:
                return self._rejected(song, Rejected("source_unreadable", f"{song.key}: {error.strerror or error}"))
            except ArchiveError as error:
                return self._rejected(song, Rejected("container_unreadable", f"{song.key}: {error}"))
            digest = sha256_of(files)
            kept = self._cache.get(self._key(digest))
            try:
                if kept is None:
                    return _Opened(song, self._recording(files, song), digest)
                found, passages = self._engine.decode(kept, self._engine.decoding)
                if passages:
                    with self._recording(files, song) as recording:
                        found = self._engine.second_pass(found, passages, recording)
                return self._finished(song, kept, digest, found, how="cached")
            except SongError as error:
                return self._rejected(song, Rejected(error.reason, error.detail))

    def _recording(self, files: Sequence[BinaryIO], song: LibrarySong) -> Recording:
        """As the model hears it."""
        if self.store.separation is None:
            return recording_of(files, song.files)
        return self.store.separation.drums_of([file.read() for file in files], song.files)

    def _key(self, sha256: str) -> str:
        """Key of the activations of a song whose files have this digest."""
        separation = self.store.separation
        return self._engine.key(digest_of(f"{sha256} {separation.fingerprint}".encode()) if separation else sha256)

    def _finished(
        self, song: LibrarySong, inferred: RecordingActivations, sha256: str, found: DecodedHits, *, how: str
    ) -> Outcome:
        """Write the results, and last the product."""
        name = song.files[0].rpartition("/")[2]
        audio = SourceAudio.of(name, sha256, inferred)
        if inferred.truncated:
            log.warning("%s: truncated: %s; what is there was transcribed", song.key, inferred.truncated)
        timing = Timing(grid=self.config.grid)
        result = transcription_of(found, audio, self._engine.transcriber, timing=timing)
        for each in map(named, self.config.formats):
            uri = result_uri(self.config, song, each)
            write_own(uri, each.write(result), overwrite=self.config.run.overwrite)
        sink = pa.BufferOutputStream()
        table = pa.Table.from_pylist([row(result, song.key)], schema=SCHEMA)
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        self.store.products.save(self.store.id(song), sink.getvalue().to_pybytes())
        return _outcome(song, how, duration_s=inferred.duration_s)

    def _rejected(self, song: LibrarySong, rejected: Rejected) -> Outcome:
        self.store.products.save(self.store.id(song), rejected)
        return _outcome(song, "rejected", rejected=rejected)


def result_uri(config: LibraryConfig, song: LibrarySong, format_: Format) -> str:
    """Where a song's result in a format is written."""
    return join(config.output, RESULTS, format_.file_of(song.name))


def _outcome(song: LibrarySong, how: str, *, duration_s: float = 0.0, rejected: Rejected | None = None) -> Outcome:
    return {
        "key": song.key,
        "how": how,
        "duration_s": duration_s,
        "reason": rejected.reason if rejected else "",
        "detail": rejected.detail if rejected else "",
    }


def _opened(uri: str) -> BinaryIO:
    """A file to read from anywhere in; one of an object store is fetched whole."""
    fs, path = filesystem(uri)
    if isinstance(fs, LocalFileSystem):
        return open(path, "rb")
    return cast(BinaryIO, io.BytesIO(read_bytes(uri)))
