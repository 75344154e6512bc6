"""Build a dataset: find songs, process each one, remove duplicates, split, pack and describe.

Stages exchange files, and a build that was interrupted at any moment resumes from them. The finished dataset is equal
byte for byte whatever the number of workers, interruptions or order of listings. The manifest is written last; all
files that it names are complete.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tqdm import tqdm

from drumline.core.artifacts import check_writable, exists, filesystem, join, refuse_foreign_output
from drumline.core.errors import FAILURES, ConfigError, DrumlineError
from drumline.dataset.assemble import Assembly, assemble, previous_splits
from drumline.dataset.config import BuildConfig
from drumline.dataset.find import find_songs
from drumline.dataset.finish import WRITTEN_NAMES, finish
from drumline.dataset.manifest import Counts, is_manifest
from drumline.dataset.products import ProductStore
from drumline.dataset.shards import WRITTEN, ShardStep
from drumline.dataset.sources import SongSource
from drumline.dataset.stems import Stems, separate_missing
from drumline.dataset.steps import OUTCOME, SongStep
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import map_rows
from drumline.runtime.products import Products
from drumline.runtime.report import RunReport
from drumline.runtime.session import session

log = logging.getLogger("drumline")


@dataclass(frozen=True)
class BuildResult:
    """Location and counts of a finished dataset."""

    output: str
    report: str
    """URI of this run's report."""
    counts: Counts


def plan(config: BuildConfig) -> list[SongSource]:
    """Find the songs that a build would process. Raises ConfigError if a root is missing or empty."""
    check_writable(config.output)
    if not is_manifest(config.output):
        refuse_foreign_output(config.output, writes=WRITTEN_NAMES, evidence=("_work", "_runs"))
    sources = find_songs(config.roots)
    if not sources:
        places = ", ".join(root.uri for root in config.roots)
        raise ConfigError(f"roots: no chart, .sng or known corpus below {places}")
    return sources


def describe_plan(sources: Sequence[SongSource], config: BuildConfig) -> str:
    """Describe the planned songs as a table for the terminal."""
    formats = Counter(source.format for source in sources)
    layouts = Counter(source.audio_layout for source in sources)
    store = ProductStore.of(config, Stems.open(config).separator)
    finished = len(store.products.finished() & {store.id(source) for source in sources})
    lines = [f"{len(sources)} songs would be built into {config.output}; {finished} of them are finished already"]
    for title, counts in (("format", formats), ("audio", layouts)):
        lines += [f"  {title:7} {name:14} {count:7}" for name, count in counts.most_common()]
    return "\n".join(lines)


def build(config: BuildConfig) -> BuildResult:
    """Build the dataset of a configuration, resuming from finished songs and shards.

    Parameters
    ----------
    config
        Roots, processing, splits, shards and run settings.

    Returns
    -------
    BuildResult
        Location of the dataset, its counts and the run report.

    Raises
    ------
    ConfigError
        The configuration cannot be run; raised before any work.
    DrumlineError
        The run as a whole failed; finished songs are kept.
    """
    report = RunReport("build")
    sources = plan(config)
    stems = Stems.open(config)
    ledger = Ledger(
        join(config.work_uri, "attempts", report.run_id), config.run.song_timeout_s, config.run.max_attempts
    )
    if config.run.retry_rejected:
        log.info(
            "%d rejected songs will be tried again", ProductStore.of(config, stems.separator).products.forget_rejected()
        )
    previous = previous_splits(config)
    with report.saved(config.output):
        with session(config.run.ray) as about:
            report.about = dict(about)
            with report.stage("separation"):
                patient = replace(ledger, timeout_s=config.run.separation_timeout_s)
                report.separated = separate_missing(sources, stems, config, patient)
            with report.stage("songs"):
                outcomes = _work_on_songs(sources, SongStep(config, stems, ledger), report)
            _check_failures(outcomes, config.run.max_failed_fraction)
            with report.stage("assembly"):
                assembly = assemble(outcomes, config, previous)
                if not config.run.allow_empty:
                    _check_not_empty(assembly)
            with report.stage("shards"):
                written = _write_shards(assembly, config, ledger, report)
        with report.stage("tables"):
            counts = finish(assembly, written, config=config, separator=stems.separator)
    _clean_up(config, ledger)
    return BuildResult(config.output, report.uri(config.output), counts)


def _work_on_songs(sources: Sequence[SongSource], step: SongStep, report: RunReport) -> list[dict[str, Any]]:
    rows = [source.to_json() for source in sources]
    outcomes: dict[str, dict[str, Any]] = {}
    report.meter.planned(len(rows))
    with tqdm(total=len(rows), unit="song", desc="songs", smoothing=0.05, mininterval=1.0) as bar:
        for outcome in map_rows(rows, step, schema=OUTCOME, ledger=step.ledger):
            outcomes[outcome["key"]] = outcome
            hours = sum(recording["duration_s"] for recording in outcome["recordings"]) / 3600
            report.song(
                reused=outcome["reused"],
                hours=hours,
                cpu_s=outcome["cpu_s"],
                peak_mb=outcome["peak_mb"],
                reason=outcome["reason"],
            )
            bar.set_postfix_str(f"{report.audio_hours:.1f} h audio, {sum(report.failures.values())} rejected", False)
            bar.update()
    missing = {source.key for source in sources} - outcomes.keys()
    if missing:  # Ray lost rows without an error: never publish a dataset that silently lacks songs
        raise RuntimeError(f"{len(missing)} songs never came back, {min(missing)} among them")
    return [outcomes[key] for key in sorted(outcomes)]


def _check_failures(outcomes: Sequence[dict[str, Any]], limit: float) -> None:
    """Raise DrumlineError if more songs failed than the configured limit, which points to a fault of the run."""
    failed = Counter(outcome["reason"] for outcome in outcomes if outcome["reason"] in FAILURES)
    if failed.total() > limit * len(outcomes):
        detail = next(outcome["detail"] for outcome in outcomes if outcome["reason"] in FAILURES)
        reasons = ", ".join(f"{count} {reason}" for reason, count in failed.most_common())
        raise DrumlineError(
            f"{failed.total()} of {len(outcomes)} songs failed ({reasons}; first: {detail}), limit {limit:.0%} "
            "(run.max_failed_fraction): storage, memory or a defect? Nothing was published. Mend it, then run again "
            "with --retry-rejected"
        )


def _check_not_empty(assembly: Assembly) -> None:
    """Raise DrumlineError if every song was rejected."""
    if assembly.songs:
        return
    reasons = Counter(row["reason"] for row in assembly.rejected)
    counts = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    first = assembly.rejected[0]
    raise DrumlineError(
        f"no song is left for the dataset: {len(assembly.rejected)} rejected ({counts}; first: {first['key']}: "
        f"{first['detail']}). Nothing was published. Mend the songs or the configuration, or set run.allow_empty=true"
    )


def _write_shards(assembly: Assembly, config: BuildConfig, ledger: Ledger, report: RunReport) -> list[dict[str, Any]]:
    rows = [spec.to_json() for spec in assembly.shards]
    written = []
    with tqdm(total=len(rows), unit="shard", desc="shards", mininterval=1.0) as bar:
        for shard in map_rows(rows, ShardStep(config, ledger), schema=WRITTEN, ledger=ledger):
            written.append(shard)
            report.shards_reused += shard["reused"]
            report.shards_written += not shard["reused"]
            bar.update()
    return sorted(written, key=lambda shard: str(shard["name"]))


def _clean_up(config: BuildConfig, ledger: Ledger) -> None:
    """Remove files that only a running build needs, and finished songs if ``keep_work`` is off.

    A work folder chosen by the user may hold other files: only products are removed there.
    """
    unneeded = [ledger.uri.rpartition("/")[0]]
    if not config.run.keep_work:
        unneeded += [] if config.work else [config.work_uri]
        Products(join(config.work_uri, "songs")).forget_all()
    for uri in unneeded:
        if exists(uri):
            fs, path = filesystem(uri)
            fs.rm(path, recursive=True)
