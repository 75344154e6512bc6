"""Transcribe a library on a cluster: one result a song, resumable, with a table of all of them.

Below the output::

    songs/                     the results of each song, in the configured formats, with the library's folders
    transcriptions.parquet     every song (`transcription.table`), in order of key
    rejected.parquet           every song that could not be transcribed, with the reason
    _runs/<run>.json           one report a run
    _work/                     finished songs and the cache, for the next run; may be deleted

A run that was killed goes on where it was, and ends in the same bytes: a song's product is named by all that decides
it, and both tables are made of products alone.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import pyarrow as pa
from tqdm import tqdm

from drumline.core.artifacts import check_writable, exists, filesystem, join
from drumline.core.errors import DrumlineError, Rejected
from drumline.dataset.parquet import open_parquet, write_parquet
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import map_actors
from drumline.runtime.report import RunReport
from drumline.runtime.session import session
from drumline.transcription.formats.registry import named
from drumline.transcription.library.config import LibraryConfig
from drumline.transcription.library.songs import LibrarySong, find_library
from drumline.transcription.library.step import RESULTS, Store, TranscribeSongs, result_uri
from drumline.transcription.library.summary import Summary
from drumline.transcription.ownership import refuse_foreign
from drumline.transcription.table import REJECTED, SCHEMA

log = logging.getLogger("drumline")

TABLE: Final = "transcriptions.parquet"
REJECTED_TABLE: Final = "rejected.parquet"
_ROWS_A_GROUP: Final = 64
_OPTION, _OUTPUT = "run.overwrite=true", "output"


@dataclass(frozen=True)
class LibraryResult:
    """Result of a library run."""

    output: str
    report: str
    """URI of this run's report."""
    songs: int
    """In the table."""
    rejected: dict[str, int]
    """Reason -> songs."""
    summary: Summary


def plan(config: LibraryConfig) -> tuple[list[LibrarySong], Store]:
    """The songs of a run, and where finished ones are. Raises ConfigError where it cannot be run."""
    check_writable(config.output)
    return find_library(config), Store.of(config)


def transcribe_library(config: LibraryConfig) -> LibraryResult:
    """Transcribe a library, going on from whatever is finished.

    Raises ConfigError before any work, DrumlineError where the run as a whole fails; what was finished is kept.
    """
    report = RunReport("transcribe")
    songs, store = plan(config)
    if config.run.retry_rejected:
        log.info("%d rejected songs will be tried again", store.products.forget_rejected())
    finished = store.products.finished()
    todo = [song for song in songs if store.id(song) not in finished]
    if not config.run.overwrite:
        refuse_foreign_results(todo, config)
    ledger = Ledger(join(config.output, "_attempts", report.run_id), config.run.song_timeout_s, config.run.max_attempts)
    how: Counter[str] = Counter()
    with report.saved(config.output):
        with report.stage("songs"):
            if todo:
                how = _work(todo, config, store, ledger, report)
        with report.stage("tables"):
            num_songs, rejected = _tables(songs, store, config.output)
        summary = Summary(
            songs=how["heard"] + how["cached"],
            cached=how["cached"],
            rejected=how["rejected"],
            hours=report.audio_hours,
            wall_s=report.stages_s["songs"],
            nodes=int(report.about.get("nodes", 1)),
            node_price_an_hour=config.node_price_an_hour,
        )
        report.about["summary"] = summary.to_dict()
    if exists(attempts := join(config.output, "_attempts")):
        fs, path = filesystem(attempts)
        fs.rm(path, recursive=True)
    return LibraryResult(config.output, report.uri(config.output), num_songs, dict(sorted(rejected.items())), summary)


def refuse_foreign_results(todo: Sequence[LibrarySong], config: LibraryConfig) -> None:
    """Raise ConfigError where it would replace a file that drumline did not write: one listing, and what it finds."""
    fs, folder = filesystem(join(config.output, RESULTS))
    fs.invalidate_cache()
    there = set(fs.find(folder)) if fs.exists(folder) else set()
    results = [result_uri(config, song, each) for song in todo for each in map(named, config.formats)]
    refuse_foreign([uri for uri in results if filesystem(uri)[1] in there], option=_OPTION, output=_OUTPUT)
    tables = {join(config.output, TABLE): SCHEMA, join(config.output, REJECTED_TABLE): REJECTED}
    refuse_foreign([*tables], option=_OPTION, output=_OUTPUT, own=lambda uri: _is_our_table(uri, tables[uri]))


def _is_our_table(uri: str, schema: pa.Schema) -> bool:
    """Whether nothing is there, or a table with no columns but those of the schema (an earlier one had fewer)."""
    if not exists(uri):
        return True
    try:
        with open_parquet(uri) as file:
            return {*file.schema.names} <= {*schema.names}
    except DrumlineError:
        return False


def _work(
    todo: Sequence[LibrarySong], config: LibraryConfig, store: Store, ledger: Ledger, report: RunReport
) -> Counter[str]:
    """How many songs were heard, cached or rejected."""
    workers = config.workers
    how: dict[str, str] = {}
    with (
        session(config.run.ray) as about,
        tqdm(total=len(todo), unit="song", desc="transcribing", smoothing=0.05, mininterval=1.0) as bar,
    ):
        report.about = dict(about)
        report.meter.planned(len(todo))
        for outcome in map_actors(
            [song.to_json() for song in todo],
            TranscribeSongs,
            arguments=(config, store, ledger),
            ledger=ledger,
            num_actors=workers.num_workers,
            num_cpus=workers.num_cpus,
            num_gpus=workers.num_gpus,
            rows_a_call=workers.songs_a_call,
        ):
            how[outcome["key"]] = outcome["how"]
            report.song(
                reused=outcome["how"] == "reused",
                hours=outcome["duration_s"] / 3600,
                cpu_s=outcome["cpu_s"],
                peak_mb=outcome["peak_mb"],
                reason=outcome["reason"],
            )
            bar.set_postfix_str(f"{report.audio_hours:.1f} h audio, {sum(report.failures.values())} rejected", False)
            bar.update()
    if missing := {song.key for song in todo} - how.keys():
        raise DrumlineError(f"{len(missing)} songs never came back, {min(missing)} among them: run again to resume")
    return Counter(how.values())


def _tables(songs: Sequence[LibrarySong], store: Store, output: str) -> tuple[int, Counter[str]]:
    """Write both tables; how many songs are in the one, and in the other by reason."""
    rejected: list[dict[str, str]] = []

    def rows() -> Iterator[pa.Table]:
        for song in songs:
            found = store.products.find(store.id(song))
            if isinstance(found, Rejected):
                rejected.append({"key": song.key, "reason": found.reason, "detail": found.detail})
            elif found is not None:
                with open_parquet(found) as file:
                    yield file.read().cast(SCHEMA)

    def groups(each: Iterator[pa.Table]) -> Iterator[pa.Table]:
        while group := list(islice(each, _ROWS_A_GROUP)):
            yield pa.concat_tables(group)

    written = write_parquet(join(output, TABLE), SCHEMA, groups(rows()))
    write_parquet(join(output, REJECTED_TABLE), REJECTED, [pa.Table.from_pylist(rejected, schema=REJECTED)])
    return written.rows, Counter(row["reason"] for row in rejected)
