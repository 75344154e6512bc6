"""From a dataset to a model: `train`, `average`, `predict`, `calibrate`, `evaluate`, `export-model`, `tune`."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drumline.commands.options import AS_JSON, echo_json, explained, handle_errors

if TYPE_CHECKING:
    from drumline.evaluation.conditions import ConditionsConfig


@click.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@explained("drumline.training.config", "TrainConfig")
@handle_errors
def train(config: Path, overrides: tuple[str, ...]) -> None:
    """Train a model on a dataset that build-dataset built.

    CONFIG is a YAML file (configs/train_model/); NAME=VALUE changes one key of it. Checkpoints, curves, pictures and
    metrics go to its output. Run the same command again to resume an interrupted run.

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


@click.command()
@click.argument("checkpoints", nargs=-1, required=True, metavar="CHECKPOINT CHECKPOINT...")
@click.option("--output", "-o", required=True, metavar="FILE", help="Output checkpoint: a file or URI ending in .pt.")
@handle_errors
def average(checkpoints: tuple[str, ...], output: str) -> None:
    """Average the weights of several checkpoints.

    Each is a checkpoint (.pt), a training's output, whose best is taken, or the weights.npz of a package. They must be
    trainings of one network, of which one began with the weights of the other, or all with the same: means of
    unrelated weights are noise.

    \b
    drumline average out/train/first out/train/second --output out/train/both.pt
    drumline export-model configs/export_model/small.yaml checkpoint=out/train/both.pt
    """
    from drumline.core.artifacts import exists, write_bytes
    from drumline.training.checkpoints import averaged, load

    if not output.endswith(".pt"):
        raise click.BadParameter(f"{output}: a checkpoint's name ends in .pt", param_hint="--output")
    if exists(output):
        load(output)  # a file that is no checkpoint is not replaced
    write_bytes(output, averaged(checkpoints).to_bytes())
    click.echo(f"the mean of {len(checkpoints)} in {output}")


@click.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@explained("drumline.evaluation.predict", "PredictConfig")
@handle_errors
def predict(config: Path, overrides: tuple[str, ...]) -> None:
    """Run a checkpoint on a dataset or corpus and write predictions for `evaluate` and `calibrate`.

    CONFIG is a YAML file (configs/predict/); NAME=VALUE changes one key of it.

    \b
    drumline predict configs/predict/validation.yaml checkpoint=out/train/small
    """
    from drumline.core.config import load_config
    from drumline.evaluation.predict import PredictConfig
    from drumline.evaluation.predict import predict as write_predictions

    settings = load_config(PredictConfig, config, overrides)
    click.echo(f"{write_predictions(settings)} recordings in {settings.output}")


@click.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@explained("drumline.evaluation.calibrate", "CalibrationConfig")
@handle_errors
def calibrate(config: Path, overrides: tuple[str, ...]) -> None:
    """Fit temperatures, thresholds and offsets on a development set: a class_thresholds.json.

    CONFIG is a YAML file (configs/calibrate_model/); NAME=VALUE changes one key of it. The file is used at decoding,
    and by `drumline evaluate` where a system names it. Fit on songs that nobody is judged on. F and "now" are what
    `drumline evaluate` finds on these songs with the same decoding, without and with the file.

    \b
    drumline calibrate configs/calibrate_model/validation.yaml system.activations=out/activations
    """
    from drumline.core.config import load_config
    from drumline.evaluation.calibrate import CalibrationConfig

    settings = load_config(CalibrationConfig, config, overrides)
    from drumline.evaluation.calibrate import calibrate as run

    fitted = run(settings)
    click.echo(f"{'label':14} {'temperature':>11} {'threshold':>9} {'offset ms':>9} {'strokes':>8} {'F':>6} {'now':>6}")
    for name, (before, after) in fitted.f.items():
        label = fitted.calibration.labels.get(name)
        numbers = (
            f"{label.temperature:11.3f} {label.threshold:9.3f} {1000 * label.offset_s:+9.1f} {label.num_references:8,}"
            if label
            else " " * 40  # a kind of a drum
        )
        click.echo(f"{name:14} {numbers} {before:6.3f} {after:6.3f}")
    click.echo(f"  written   {settings.output} ({fitted.calibration.num_songs} songs)")


@click.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--dry-run", is_flag=True, help="List the matched songs and predictions, and stop.")
@AS_JSON
@explained("drumline.evaluation.config", "EvaluationConfig")
@handle_errors
def evaluate(config: Path, overrides: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Evaluate systems, ours or others', from their output files.

    CONFIG is a YAML file (configs/evaluate_model/); NAME=VALUE changes one key of it. The truth is a built dataset,
    charts, or a corpus. Predictions are a folder with a JSON, JAMS or MIDI file for each song, or one JSON or Parquet
    file for many; frame activations (.npz) may stand beside them. Writes a page to read, a report for machines, and
    tables. Exits 1 if a song could not be read.

    A configuration with `conditions` transcribes with a model first, and judges it on every corpus as drums and as
    mixes, beside another system, and on music without drums: one table, and the mean over conditions.

    \b
    drumline evaluate configs/evaluate_model/dev.yaml
    drumline evaluate configs/evaluate_model/rivals_drums.yaml
    drumline evaluate my.yaml scoring.vocabulary=12 'scoring.windows_s=[0.03]' unmatched=ignore --dry-run
    """
    from drumline.core.config import load_config
    from drumline.evaluation.conditions import ConditionsConfig, is_conditions
    from drumline.evaluation.config import EvaluationConfig

    if is_conditions(config):
        _evaluate_conditions(load_config(ConditionsConfig, config, overrides), as_json=as_json)
        return
    settings = load_config(EvaluationConfig, config, overrides)
    from drumline.evaluation.evaluate import describe_plan, plan
    from drumline.evaluation.evaluate import evaluate as run

    if dry_run:
        click.echo(describe_plan(plan(settings), settings))
        return
    result = run(settings)
    unread = [(truth.name, row) for truth in result.report.truths for row in truth.unread]
    if as_json:
        echo_json(result.report)
        sys.exit(1 if unread else 0)
    click.echo(f"\n{result.headline}")
    for system in result.report.truths[0].systems:
        for branch, verdict in system.branches.items():
            click.echo(f"  verdict   {system.name}: {branch}: {verdict.finding} ({verdict.reason})")
    for truth, row in unread:
        click.echo(f"  not judged  {truth}: {row.song}: {row.system or 'the truth'}: {row.reason}", err=True)
    click.echo(f"  page      {result.output}/report.html\n  report    {result.output}/report.json")
    sys.exit(1 if unread else 0)


def _evaluate_conditions(settings: "ConditionsConfig", *, as_json: bool) -> None:
    from drumline.evaluation import condition_report
    from drumline.evaluation.conditions import judge_conditions
    from drumline.transcription.beat_tracking import tempo_of

    if settings.checkpoint:
        from drumline.decoding.presets import load_preset
        from drumline.evaluation.checkpoint import transcriber_of

        decoding = load_preset("default")
        transcribe = transcriber_of(settings.checkpoint, calibration=settings.calibration, decoding=decoding)
        system = Path(settings.checkpoint).stem
    else:
        from drumline.transcription.engine import open_engine
        from drumline.transcription.transcribe import hits_of

        engine = open_engine(settings.model, preset=settings.preset)
        transcribe = partial(hits_of, detector=engine)
        system = f"{engine.package.name} {engine.package.version}"
    result = judge_conditions(settings, transcribe, system=system, find_tempo=tempo_of)
    if as_json:
        echo_json(condition_report.as_json(result))
        return
    click.echo(
        f"\n{condition_report.as_markdown(result, title=settings.name)}\n  report    {settings.output}/report.json"
    )


@click.command("export-model")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@explained("drumline.export.config", "ExportConfig")
@handle_errors
def export_model(config: Path, overrides: tuple[str, ...]) -> None:
    """Export a checkpoint as a model package: ONNX graphs in float32, int8 and float16, thresholds and a card.

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


@click.command()
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--resume", is_flag=True, help="Resume a sweep; an error if there is none.")
@click.option("--retry-failed", is_flag=True, help="Resume failed trials from their last state.")
@click.option("--redo", is_flag=True, help="Start over, discarding finished trials.")
@explained("drumline.tuning.config", "SweepConfig")
@handle_errors
def tune(config: Path, overrides: tuple[str, ...], resume: bool, retry_failed: bool, redo: bool) -> None:
    """Sweep over training hyperparameters or decoder settings.

    CONFIG is a YAML file (configs/tune_model/); NAME=VALUE changes one key of it. Tables, a page and the winner's
    configuration go to its output. A sweep that was interrupted goes on when the same command runs again, and no
    finished trial is done twice.

    \b
    drumline tune configs/tune_model/demo.yaml
    drumline tune configs/tune_model/decoder.yaml budget.trials=4000
    drumline transcribe song.ogg --preset out/tune/decoder/winner.yaml
    """
    from drumline.core.config import load_config
    from drumline.tuning.config import SweepConfig

    settings = load_config(SweepConfig, config, overrides)
    from drumline.core.errors import ConfigError
    from drumline.tuning.sweep import Again
    from drumline.tuning.tune import begun
    from drumline.tuning.tune import tune as run

    if resume and not begun(settings):
        raise ConfigError(f"--resume: no sweep was begun in {settings.output}")
    result = run(settings, Again(failed=retry_failed, all=redo))
    click.echo("")
    for trial in result.trials[:5]:
        score = "     -" if trial.score is None else f"{trial.score:.4f}"
        values = ", ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in trial.values.items()
        )
        click.echo(f"{result.score} {score}  {trial.reason or trial.state:9} {values}")
    click.echo(
        f"  trials    {len(result.trials)} in {settings.output}/trials.csv\n  page      {settings.output}/report.html"
    )
    if not result.winner:
        raise ConfigError(f"no trial has a score: {settings.output}/trials.csv says why")
    click.echo(f"  winner    {result.winner}")
