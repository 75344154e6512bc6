"""The `drumline` command. Each sub-command imports what it needs, so that `--help` is instant."""

import json
import logging
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import click

from drumline import __version__
from drumline.core.errors import DrumlineError


def _told(command: Callable[..., None]) -> Callable[..., None]:
    """Turn our errors into one message and exit code 2; anything else keeps its traceback."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except DrumlineError as error:
            click.echo(f"drumline: {error}", err=True)
            sys.exit(2)

    return run


def log_to_console() -> None:
    """Show our own messages from INFO on, those of libraries from WARNING on."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("drumline").setLevel(logging.INFO)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """From rhythm-game charts and recordings to drum-transcription data, models and charts."""
    log_to_console()


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each chart, for machines.")
@_told
def inspect(paths: tuple[Path, ...], as_json: bool) -> None:
    """Read charts and say what is in them.

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


def _explained(module: str, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option ``--explain``: print every key of a configuration class and stop."""

    def explain(context: click.Context, _: click.Parameter, wanted: bool) -> None:
        if wanted:
            from drumline.core.config_reference import as_text

            click.echo(as_text(getattr(import_module(module), name)))
            context.exit()

    return click.option(
        "--explain",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=explain,
        help="Print every key that CONFIG can hold, with type, default and meaning, and stop.",
    )


@main.command("build-dataset")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--dry-run", is_flag=True, help="List what would be built, by format and audio layout, and stop.")
@_explained("drumline.dataset.config", "BuildConfig")
@click.option("--retry-rejected", is_flag=True, help="Try again what an earlier run rejected; keep what it finished.")
@_told
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
    from drumline.dataset.build import build, describe_plan, plan  # a wrong key is told before these seconds

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


@main.command("render-corpus")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@_explained("drumline.rendering.corpus.config", "CorpusConfig")
@_told
def render_corpus(config: Path, overrides: tuple[str, ...]) -> None:
    """Render songs with exact labels: performances on sampled kits, produced, with and without a backing.

    CONFIG is a YAML file (configs/render_corpus/); NAME=VALUE changes one key of it. What comes out is a folder of
    songs that build-dataset reads. A run that was interrupted goes on where it was when the same command runs again.

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


@main.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@_explained("drumline.training.config", "TrainConfig")
@_told
def train(config: Path, overrides: tuple[str, ...]) -> None:
    """Train a model on a dataset that build-dataset built.

    CONFIG is a YAML file (configs/train_model/); NAME=VALUE changes one key of it. Checkpoints, curves, pictures and
    metrics go to its output. A run that was interrupted goes on where it was when the same command runs again.

    \b
    drumline train configs/train_model/demo.yaml
    drumline train my.yaml output=s3://bucket/run workers.num_workers=4 workers.use_gpu=true
    """
    from drumline.core.config import load_config
    from drumline.training.config import TrainConfig

    settings = load_config(TrainConfig, config, overrides)
    from drumline.training.distributed import run

    result = run(settings)
    score = settings.validation.score
    click.echo(
        f"\n{score} {result.metrics[score]:.4f}\n"
        f"  model     {result.best}\n"
        f"  curves    {result.output}/curves.svg\n"
        f"  pictures  {result.output}/pictures/\n"
        f"  metrics   {result.output}/metrics.json"
    )


@main.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--dry-run", is_flag=True, help="List which songs and predictions belong together, and stop.")
@_explained("drumline.evaluation.config", "EvaluationConfig")
@_told
def evaluate(config: Path, overrides: tuple[str, ...], dry_run: bool) -> None:
    """Judge systems, ours or others', from the files that they wrote.

    CONFIG is a YAML file (configs/evaluate_model/); NAME=VALUE changes one key of it. The truth is a built dataset,
    charts, or a corpus. Predictions are a folder with a JSON, JAMS or MIDI file for each song, or one JSON or Parquet
    file for many; frame activations (.npz) may stand beside them. Writes a page to read, a report for machines, and
    tables. Exits 1 if a song could not be read.

    \b
    drumline evaluate configs/evaluate_model/rivals_drums.yaml
    drumline evaluate my.yaml scoring.vocabulary=12 'scoring.windows_s=[0.03]' unmatched=ignore --dry-run
    """
    from drumline.core.config import load_config
    from drumline.evaluation.config import EvaluationConfig

    settings = load_config(EvaluationConfig, config, overrides)
    from drumline.evaluation.evaluate import describe_plan, plan
    from drumline.evaluation.evaluate import evaluate as run

    if dry_run:
        click.echo(describe_plan(plan(settings), settings))
        return
    result = run(settings)
    unread = [(truth.name, row) for truth in result.report.truths for row in truth.unread]
    click.echo(f"\n{result.headline}")
    for system in result.report.truths[0].systems:
        for branch, told in system.branches.items():
            click.echo(f"  verdict   {system.name}: {branch}: {told.finding} ({told.reason})")
    for truth, row in unread:
        click.echo(f"  not judged  {truth}: {row.song}: {row.system or 'the truth'}: {row.reason}", err=True)
    click.echo(f"  page      {result.output}/report.html\n  report    {result.output}/report.json")
    sys.exit(1 if unread else 0)


@main.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@_explained("drumline.evaluation.calibrate", "CalibrationConfig")
@_told
def calibrate(config: Path, overrides: tuple[str, ...]) -> None:
    """Fit temperatures, thresholds and offsets on a development set: a class_thresholds.json.

    CONFIG is a YAML file (configs/calibrate_model/); NAME=VALUE changes one key of it. The file is used at decoding,
    and by `drumline evaluate` where a system names it. Fit on songs that nobody is judged on.

    \b
    drumline calibrate configs/calibrate_model/validation.yaml system.activations=out/activations
    """
    from drumline.core.config import load_config
    from drumline.evaluation.calibrate import CalibrationConfig

    settings = load_config(CalibrationConfig, config, overrides)
    from drumline.evaluation.calibrate import calibrate as run

    fitted = run(settings)
    click.echo(f"{'label':14} {'temperature':>11} {'threshold':>9} {'offset ms':>9} {'strokes':>8} {'F':>6} {'now':>6}")
    for name, label in fitted.calibration.labels.items():
        before, after = fitted.f[name]
        click.echo(
            f"{name:14} {label.temperature:11.3f} {label.threshold:9.3f} {1000 * label.offset_s:+9.1f} "
            f"{label.num_references:8,} {before:6.3f} {after:6.3f}"
        )
    click.echo(f"  written   {settings.output} ({fitted.calibration.num_songs} songs)")


@main.command("export-model")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@_explained("drumline.export.config", "ExportConfig")
@_told
def export_model(config: Path, overrides: tuple[str, ...]) -> None:
    """Make a package of a checkpoint: ONNX graphs in float32, int8 and float16, thresholds and a card.

    CONFIG is a YAML file (configs/export_model/); NAME=VALUE changes one key of it. Each graph is compared with the
    checkpoint, from samples to strokes; beyond the limits there is no package and the exit code is 2.

    \b
    drumline export-model configs/export_model/small.yaml checkpoint=out/train/small
    """
    from drumline.core.config import load_config
    from drumline.export.config import ExportConfig

    settings = load_config(ExportConfig, config, overrides)
    from drumline.export.export import export

    made = export(settings)
    click.echo(f"{'precision':10} {'largest':>9} {'mean':>9} {'F':>7} {'change':>8}")
    for precision, parity in made.package.parity.items():
        f = "" if parity.f is None else f"{parity.f:7.4f} {parity.f_change:+8.4f}"
        click.echo(f"{precision:10} {parity.max_difference:9.1e} {parity.mean_difference:9.1e} {f}")
    click.echo(f"  package   {made.folder}")


@main.command("sampling-weights")
@click.argument("dataset")
@click.option("--output", required=True, help="Where the weights go: a Parquet file, local or a URI.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="YAML; the defaults if none is named.")
@click.option("--hard", help="JSON Lines of windows to see more often: song_id, start_s, end_s, weight.")
@click.option("--plot", help="Where a picture of the shares goes: an SVG file.")
@_told
def sampling_weights(dataset: str, output: str, config: Path | None, hard: str | None, plot: str | None) -> None:
    """Weigh every window of a dataset, so that training sees rare drums, tempos and fast passages more often.

    DATASET is a local folder or a URI. Training draws windows by these weights; they may be read and changed by hand.

    \b
    drumline sampling-weights out/demo/dataset --output weights.parquet --plot weights.svg
    """
    from drumline.core.artifacts import write_bytes
    from drumline.core.config import load_config
    from drumline.dataset.sampling_plot import plot_weights
    from drumline.dataset.sampling_weights import WeightsConfig, read_hard_windows, write_weights
    from drumline.dataset.sampling_weights import sampling_weights as weigh

    settings = load_config(WeightsConfig, config) if config else WeightsConfig()
    table = weigh(dataset, settings, hard=read_hard_windows(hard) if hard else ())
    write_weights(table, output)
    if plot:
        write_bytes(plot, plot_weights(table).encode())
    click.echo(f"{output}: {table.num_rows:,} windows of {len(set(table['song_id'].to_pylist()))} songs")


@main.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@_explained("drumline.evaluation.predict", "PredictConfig")
@_told
def predict(config: Path, overrides: tuple[str, ...]) -> None:
    """Let a checkpoint listen to a dataset or a corpus, and write what `evaluate` and `calibrate` read.

    CONFIG is a YAML file (configs/predict/); NAME=VALUE changes one key of it.

    \b
    drumline predict configs/predict/mdb_drums.yaml checkpoint=out/train/small
    """
    from drumline.core.config import load_config
    from drumline.evaluation.predict import PredictConfig
    from drumline.evaluation.predict import predict as listen

    settings = load_config(PredictConfig, config, overrides)
    click.echo(f"{listen(settings)} recordings in {settings.output}")


@main.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--format", "formats", default="", help="Formats, with commas between; MIDI if none is named. See below.")
@click.option(
    "--output", "-o", default="", help="A file, a folder, or - for standard output; beside each song if left out."
)
@click.option("--preset", default="", help="default, conservative, aggressive, or a YAML file of your own.")
@click.option("--model", default="", help="A model package: a folder, or the name of one that comes with drumline.")
@click.option(
    "--precision", type=click.Choice(["int8", "float32", "float16"]), help="The package's graph; the fastest."
)
@click.option("--threads", type=click.IntRange(1), default=None, help="Of arithmetic; two if left out.")
@click.option(
    "--stem",
    type=click.Choice(["auto", "mix", "separate"]),
    default="auto",
    help="Of a song folder: its drum stems if it has any, or everything. separate: take the drums out first (slow).",
)
@click.option("--heuristic", is_flag=True, help="Without a model: onsets and spectral bands. Much worse.")
@click.option("--tempo", default="", help="Beats a minute, or a .mid, .chart or .beats file; estimated if left out.")
@click.option("--quantise", type=click.Choice(["4", "8", "16", "32", "64"]), help="Move hits to notes of this length.")
@click.option("--triplets", is_flag=True, help="With --quantise: a beat may be in three.")
@click.option(
    "--strength", type=click.FloatRange(0, 1), default=1.0, help="With --quantise: 1 onto the line, 0 not at all."
)
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@_told
def transcribe(
    files: tuple[str, ...],
    formats: str,
    output: str,
    preset: str,
    model: str,
    precision: str | None,
    threads: int | None,
    stem: Literal["auto", "mix", "separate"],
    heuristic: bool,
    tempo: str,
    quantise: str | None,
    triplets: bool,
    strength: float,
    quiet: bool,
) -> None:
    """Write down the drums of songs.

    FILES are audio files, globs, folders of songs, or - for standard input. Formats are midi, json, csv, jams, labels,
    chart, mid (a game's notes.mid), bsm, and folder: a song folder that Clone Hero and YARG play. Exits 1 if any song
    could not be transcribed.

    \b
    drumline transcribe song.ogg
    drumline transcribe 'album/*.flac' --format midi,json --output out/ --preset conservative
    curl -s https://example.org/song.mp3 | drumline transcribe - --format json > song.json
    """
    from drumline.transcription.command import Job, run
    from drumline.transcription.engine import open_engine, open_fallback
    from drumline.transcription.outputs import plan_outputs
    from drumline.transcription.quantise import QuantiseConfig
    from drumline.transcription.sources import find_sources
    from drumline.transcription.transcribe import timing_of

    sources = find_sources(files, stem)
    outputs = plan_outputs(formats, output, sources)
    grid = {"note": int(quantise), "triplets": triplets, "strength": strength} if quantise else None
    timing = timing_of(tempo, QuantiseConfig.model_validate(grid) if grid else None)
    listener = (
        open_fallback()
        if heuristic
        else open_engine(model, preset=preset, precision=precision or "", threads=threads or 0)
    )
    sys.exit(1 if run(sources, Job(listener, stem, timing, outputs, quiet)) else 0)


@main.command()
@click.option("--model", default="", help="A model package: a folder, or the name of one that comes with drumline.")
@_told
def doctor(model: str) -> None:
    """Say what is installed, which model is used and on what; what is missing, and how to get it.

    Exits 1 if something is missing that transcribing with a model needs.
    """
    from drumline.transcription.doctor import examine

    findings = list(examine(model))
    for finding in findings:
        click.echo(f"{finding.state:8}{finding.what:12}{finding.told}")
    sys.exit(1 if any(finding.state == "missing" for finding in findings) else 0)


@main.command("demo-library")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@_told
def demo_library(folder: Path) -> None:
    """Render a small library of songs into FOLDER: several formats and audio layouts, some broken on purpose.

    What `make demo` builds its dataset from, and a way to see what each format looks like.
    """
    from drumline.rendering.demo_library import SONGS, make_demo_library

    make_demo_library(folder)
    broken = sum(bool(song.rejected) for song in SONGS)
    click.echo(f"{folder}: {len(SONGS)} songs, {broken} of them broken on purpose")


@main.command()
@click.argument("dataset")
@_told
def verify(dataset: str) -> None:
    """Check a dataset against its manifest: checksums, schemas, counts, uniqueness.

    DATASET is a local folder or a URI such as s3://bucket/set. Exits 1 if anything is wrong.
    """
    from drumline.dataset.verify import verify as check

    manifest, problems = check(dataset)
    for problem in problems:
        click.echo(f"{problem}", err=True)
    counts = manifest.counts
    verdict = f"{len(problems)} problems" if problems else "sound"
    click.echo(f"{dataset}: {verdict}: {counts.songs} songs, {counts.recordings} recordings, {counts.hits:,} hits")
    sys.exit(1 if problems else 0)


@main.group()
def check() -> None:
    """Quality gates: on datasets, on recordings, on what a system says of samples.

    Each check takes a YAML file, NAME=VALUE or both, and prints one screen; with output=FOLDER it also writes
    report.json and report.html. Exits 0 if all gates passed, 1 if one failed, 2 if the input cannot be used.

    \b
    A limit is {at_least: 0.9} or {at_most: 0.1}; with by: low (or high) it judges that end of the interval.
    gates.auroc.at_least=0.85 changes one, gates.auroc=null takes it away.
    """


def _settings(model: Any, settings: tuple[str, ...]) -> Any:
    """A configuration from a YAML file, NAME=VALUE settings, or both."""
    from drumline.core.config import load_config

    path = settings[0] if settings and "=" not in settings[0] else None
    return load_config(model, path, settings[path is not None :])


def _quality_check(module: str, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The arguments that every check has, around a function that holds only its name and help."""

    def wrap(described: Callable[..., None]) -> Callable[..., None]:
        @wraps(described)
        def run(settings: tuple[str, ...], strict: bool) -> None:
            from drumline.quality.outcome import publish, summary

            config = _settings(getattr(import_module(module), name), settings)
            outcome = import_module(module).check(config)
            click.echo(summary(outcome.report))
            if config.output:
                publish(outcome, config.output)
                click.echo(f"  page     {config.output}/report.html\n  report   {config.output}/report.json")
            sys.exit(1 if outcome.report.failed(strict=strict) else 0)

        strict = click.option(
            "--strict", is_flag=True, help="Fail as well on notes, and on gates that could not be judged."
        )
        settings = click.argument("settings", nargs=-1, metavar="[CONFIG] [NAME=VALUE]...")
        return settings(strict(_explained(module, name)(_told(run))))

    return wrap


@check.command("bootstrap")
@_quality_check("drumline.quality.bootstrap.check", "BootstrapCheckConfig")
def check_bootstrap() -> None:
    """F by label, openness and velocity errors with intervals over songs; two systems compared.

    \b
    drumline check bootstrap truth=truth.jsonl predictions=new.jsonl baseline=old.jsonl output=out/bootstrap
    drumline check bootstrap my.yaml gates.f_macro.at_least=0.8 gates.f_macro.by=low
    """


@check.command("open-set")
@_quality_check("drumline.quality.open_set", "OpenSetConfig")
def check_open_set() -> None:
    """Known against unknown percussion: AUROC, AUPRC, and the false alarms at 95 % of the known.

    \b
    drumline check open-set truth=truth.jsonl predictions=scores.jsonl output=out/open_set
    """


@check.command("alignment")
@_quality_check("drumline.quality.alignment.check", "AlignmentCheckConfig")
def check_alignment() -> None:
    """Microphones of a session against each other (delay, drift), and a dataset's charts against their audio.

    \b
    drumline check alignment 'sessions=[sessions/001.json, sessions/002]' anchor=overhead_l output=out/alignment
    drumline check alignment dataset=out/dataset charts.residual_limit_ms=10
    """


@check.command("boundaries")
@_quality_check("drumline.quality.boundaries.check", "BoundariesConfig")
def check_boundaries() -> None:
    """Recall of onsets near the edges of streaming windows, from a boundary pack.

    \b
    drumline make boundary-pack events=out/dataset output=out/pack 'splits=[test]'
    drumline check boundaries labels=out/pack/labels.jsonl predictions=heard.jsonl output=out/boundaries
    """


@check.command("health")
@_quality_check("drumline.quality.health.check", "HealthConfig")
def check_health() -> None:
    """What a dataset consists of: labels, dynamics, duplicates, techniques, loudness, hours; and is it enough?

    \b
    drumline check health events=events.jsonl min_counts_file=min_counts.json output=out/health
    drumline check health events=out/dataset 'required_labels=[ride_bell, crash]' gates.hours.train.at_least=10
    """


@check.command("ready")
@_quality_check("drumline.quality.ready", "ReadyConfig")
def check_ready() -> None:
    """All checks of a release from one YAML file, in order, with one verdict; stops at the first failure.

    \b
    drumline check ready configs/check_ready/release.yaml output=out/ready
    drumline check ready my.yaml halt=false strict=true
    """


@main.group()
def compare() -> None:
    """A candidate against a baseline. Arguments and exit codes are those of `drumline check`."""


@compare.command("health")
@_quality_check("drumline.quality.health.compare", "CompareHealthConfig")
def compare_health() -> None:
    """Two reports of `check health`: what dropped, which gates fail anew, which labels are unknown anew.

    \b
    drumline compare health candidate=out/new/report.json baseline=blessed/report.json gates.label_drop.at_most=0.05
    """


@compare.command("manifests")
@_quality_check("drumline.quality.compare_manifests", "CompareManifestsConfig")
def compare_manifests() -> None:
    """Two files of events, or two datasets: sessions, components and techniques added, removed, changed.

    \b
    drumline compare manifests candidate=new.jsonl baseline=old.jsonl
    """


@main.group()
def make() -> None:
    """Materials for quality checks."""


@make.command("boundary-pack")
@click.argument("settings", nargs=-1, metavar="[CONFIG] [NAME=VALUE]...")
@_explained("drumline.quality.boundaries.pack", "BoundaryPackConfig")
@_told
def make_boundary_pack(settings: tuple[str, ...]) -> None:
    """List the onsets near the edges of streaming windows: labels for `check boundaries`.

    \b
    drumline make boundary-pack events=events.jsonl output=out/pack windows.margin_ms=20
    """
    from drumline.quality.boundaries.pack import BoundaryPackConfig
    from drumline.quality.boundaries.pack import make as make_pack

    config = _settings(BoundaryPackConfig, settings)
    pack = make_pack(config)
    edges = ", ".join(f"{count:,} {edge}" for edge, count in pack.samples.items())
    click.echo(f"{edges} samples of {pack.onsets:,} onsets\n  written  {config.output}/labels.jsonl")


@main.group()
def corpora() -> None:
    """Public corpora, drum kits and SoundFonts: list them, fetch them, check a folder."""


_catalogue_option = click.option(
    "--catalogue",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A YAML file of more materials, in the form of drumline's own catalogue.yaml.",
)


@corpora.command("list")
@click.argument("names", nargs=-1)
@_catalogue_option
@_told
def list_corpora(names: tuple[str, ...], catalogue: Path | None) -> None:
    """What there is, under which licence; with NAMES all that is known of these."""
    from drumline.dataset.corpora.catalogue import find, load_catalogue
    from drumline.dataset.corpora.words import describe, table

    known = load_catalogue(catalogue)
    click.echo("\n\n".join(describe(find(known, name)) for name in names) if names else table(known.values()))


@corpora.command("fetch")
@click.argument("name")
@click.option("--to", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where its folder is made.")
@click.option("--yes", is_flag=True, help="Accept the licence and download without asking.")
@_catalogue_option
@_told
def fetch_corpus(name: str, to: Path, yes: bool, catalogue: Path | None) -> None:
    """Download NAME into TO/NAME, after showing its size and licence and asking.

    A download that broke off goes on where it was when the same command runs again.

    \b
    drumline corpora fetch groove-midi --to ~/corpora
    """
    from drumline.dataset.corpora.catalogue import find, load_catalogue
    from drumline.dataset.corpora.words import describe

    material = find(load_catalogue(catalogue), name)
    click.echo(describe(material))
    if material.files and not yes:
        click.confirm(f"\nAccept the licence ({material.licence}) and download {material.size}?", abort=True)
    from drumline.dataset.corpora.check import check
    from drumline.dataset.corpora.fetch import fetch
    from drumline.dataset.corpora.words import verdict

    folder = fetch(material, to, show_progress=sys.stderr.isatty())
    found = check(material, folder, hashed=False)
    click.echo(f"\n{verdict(found, folder)}\nwhat came is recorded in {folder}.fetched.json")
    sys.exit(1 if found.problems else 0)


@corpora.command("check")
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="Compare the sizes of fetched files, not their contents.")
@_catalogue_option
@_told
def check_corpus(folder: Path, name: str | None, quick: bool, catalogue: Path | None) -> None:
    """Say whether FOLDER holds NAME whole, or what of the catalogue it holds. Exits 1 if not, or nothing.

    Any copy will do, from wherever; one that `fetch` made is also compared with what was downloaded.
    """
    from drumline.dataset.corpora.catalogue import find, load_catalogue
    from drumline.dataset.corpora.check import check, recognise
    from drumline.dataset.corpora.words import verdict

    known = load_catalogue(catalogue)
    verdicts = (
        [check(find(known, name), folder, hashed=not quick)]
        if name
        else recognise(known.values(), folder, hashed=not quick)
    )
    for each in verdicts:
        click.echo(verdict(each, folder))
    if not verdicts:
        click.echo(f"{folder}: nothing of the catalogue")
    sys.exit(0 if any(not each.problems for each in verdicts) else 1)
