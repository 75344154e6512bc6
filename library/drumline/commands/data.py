"""Charts, rendered songs and datasets: from `inspect` to `build-dataset`, `verify` and `sampling-weights`."""

import json
import sys
from pathlib import Path

import click

from drumline.commands.options import AS_JSON, echo_json, explained, handle_errors


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each chart, for machines.")
@handle_errors
def inspect(paths: tuple[Path, ...], as_json: bool) -> None:
    """Read charts and summarise their contents.

    PATHS are .chart, .mid or .sng files, *.midi.json or .bsm exports, or folders, which are searched. Exits 1 if
    any of them cannot be read.

    \b
    drumline inspect song/notes.chart
    drumline inspect --json library/ > charts.jsonl
    """
    from drumline.charts import inspection

    failed = False
    for path in paths:
        for chart in inspection.inspect(path):
            failed |= "error" in chart
            click.echo(json.dumps(chart, ensure_ascii=False) if as_json else inspection.summary(chart))
    sys.exit(1 if failed else 0)


@click.command("demo-library")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@handle_errors
def demo_library(folder: Path) -> None:
    """Render a small library of songs into FOLDER: several formats and audio layouts, some broken on purpose.

    What `make demo` builds its dataset from, and a way to see what each format looks like.
    """
    from drumline.rendering.demo_library import SONGS, make_demo_library

    make_demo_library(folder)
    broken = sum(bool(song.rejected) for song in SONGS)
    click.echo(f"{folder}: {len(SONGS)} songs, {broken} of them broken on purpose")


@click.command("render-corpus")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@explained("drumline.rendering.corpus.config", "CorpusConfig")
@handle_errors
def render_corpus(config: Path, overrides: tuple[str, ...]) -> None:
    """Render songs with exact labels: performances on sampled kits, produced, with and without a backing.

    CONFIG is a YAML file (configs/render_corpus/); NAME=VALUE changes one key of it. The output is a folder of
    songs that build-dataset reads. Run the same command again to resume an interrupted run.

    \b
    drumline render-corpus configs/render_corpus/demo.yaml
    drumline render-corpus my.yaml hours=20 output=s3://bucket/rendered
    """
    from drumline.core.config import load_config
    from drumline.rendering.corpus.config import CorpusConfig

    settings = load_config(CorpusConfig, config, overrides)
    from drumline.rendering.corpus.render import render

    result = render(settings)
    strokes = ", ".join(f"{name} {number:,}" for name, number in sorted(result.labels.items()))
    click.echo(f"\n{result.songs} songs, {result.hours:.2f} h in {result.output}/songs/\n  strokes   {strokes}")
    for folder, reason in sorted(result.rejected.items()):
        click.echo(f"  rejected  {folder}: {reason}")
    click.echo(f"  report    {result.report}")


@click.command("build-dataset")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--dry-run", is_flag=True, help="List the songs to build, by format and audio layout, and stop.")
@explained("drumline.dataset.config", "BuildConfig")
@click.option("--retry-rejected", is_flag=True, help="Process songs again that an earlier run rejected.")
@handle_errors
def build_dataset(config: Path, overrides: tuple[str, ...], dry_run: bool, retry_rejected: bool) -> None:
    """Build a training set from a library of songs.

    CONFIG is a YAML file (configs/build_dataset/); NAME=VALUE changes one key of it, dotted for sections. A build
    that was interrupted goes on where it was when the same command runs again.

    \b
    drumline build-dataset configs/build_dataset/demo.yaml
    drumline build-dataset my.yaml output=s3://bucket/set alignment.max_residual_ms=20 --dry-run
    """
    from drumline.core.config import load_config
    from drumline.dataset.config import BuildConfig

    changes = [*overrides, *(["run.retry_rejected=true"] if retry_rejected else [])]
    settings = load_config(BuildConfig, config, changes)
    from drumline.dataset.build import build, describe_plan, plan  # a wrong key is handle_errors before these seconds

    if dry_run:
        click.echo(describe_plan(plan(settings), settings))
        return
    result = build(settings)
    counts = result.counts
    rejected = ", ".join(f"{number} {reason}" for reason, number in counts.rejected.items()) or "none"
    click.echo(
        f"\n{counts.songs} songs ({counts.recordings} recordings, {counts.hours:.2f} h, {counts.hits:,} hits)\n"
        f"  shards    {result.output}/shards/\n"
        f"  card      {result.output}/card.html\n"
        f"  rejected  {result.output}/rejected.parquet ({rejected})\n"
        f"  report    {result.report}"
    )


@click.command()
@click.argument("dataset")
@AS_JSON
@handle_errors
def verify(dataset: str, as_json: bool) -> None:
    """Check a dataset against its manifest: checksums, schemas, counts, uniqueness.

    DATASET is a local folder or a URI such as s3://bucket/set. Exits 1 if anything is wrong.
    """
    from drumline.dataset.verify import verify as check

    manifest, problems = check(dataset)
    counts = manifest.counts
    if as_json:
        echo_json(
            {
                "dataset": dataset,
                "sound": not problems,
                "problems": [str(problem) for problem in problems],
                "counts": counts.model_dump(),
            }
        )
    else:
        for problem in problems:
            click.echo(f"{problem}", err=True)
        verdict = f"{len(problems)} problems" if problems else "sound"
        click.echo(f"{dataset}: {verdict}: {counts.songs} songs, {counts.recordings} recordings, {counts.hits:,} hits")
    sys.exit(1 if problems else 0)


@click.command("sampling-weights")
@click.argument("dataset")
@click.option("--output", required=True, help="Output: a Parquet file, local or a URI.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="YAML file; defaults if omitted.")
@click.option("--hard", help="JSON lines of passages to sample more often: song_id, start_s, end_s, weight.")
@click.option("--plot", help="Output for a plot of the shares: an SVG file.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@handle_errors
def sampling_weights(
    dataset: str, output: str, config: Path | None, hard: str | None, plot: str | None, overwrite: bool
) -> None:
    """Compute sampling weights of training windows that balance drums, tempos and fast passages.

    DATASET is a local folder or a URI. Training samples windows by these weights; the file may be edited.

    \b
    drumline sampling-weights out/demo/dataset --output weights.parquet --plot weights.svg
    """
    from drumline.core.artifacts import exists, write_bytes
    from drumline.core.config import load_config
    from drumline.core.errors import ConfigError
    from drumline.dataset.sampling_plot import plot_weights
    from drumline.dataset.sampling_weights import WeightsConfig, read_hard_windows, write_weights
    from drumline.dataset.sampling_weights import sampling_weights as weigh

    settings = load_config(WeightsConfig, config) if config else WeightsConfig()
    for option, uri in (("--output", output), ("--plot", plot)):
        if uri and not overwrite and exists(uri):
            raise ConfigError(f"{option}: {uri} is there and may have been edited; --overwrite replaces it")
    table = weigh(dataset, settings, hard=read_hard_windows(hard) if hard else ())
    write_weights(table, output)
    if plot:
        write_bytes(plot, plot_weights(table).encode())
    click.echo(f"{output}: {table.num_rows:,} windows of {len(set(table['song_id'].to_pylist()))} songs")
