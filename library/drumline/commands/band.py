"""Commands for the whole band: `render-parts`, `evaluate-notes`, `evaluate-separation`."""

from dataclasses import asdict
from pathlib import Path

import click

from drumline.commands.options import explained, handle_errors


@click.command("render-parts")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@explained("drumline.band.rendered_pairs", "RenderPartsConfig")
@handle_errors
def render_parts(config: Path, overrides: tuple[str, ...]) -> None:
    """Render single parts of a band with their notes, for evaluate-notes.

    \b
    drumline render-parts configs/render_parts/general_midi.yaml
    drumline evaluate-notes out/parts/pairs.jsonl
    """
    from drumline.band.rendered_pairs import PAIRS, RenderPartsConfig, render_pairs
    from drumline.core.config import load_config

    settings = load_config(RenderPartsConfig, config, overrides)
    click.echo(f"{render_pairs(settings)} parts in {settings.output}/{PAIRS}")


@click.command("evaluate-notes")
@click.argument("pairs", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", "-o", default="", help="A JSON file for the scores.")
@handle_errors
def evaluate_notes(pairs: Path, output: str) -> None:
    """Score the transcription of pitched instruments on recordings with known notes.

    PAIRS has a line of JSON for each recording: {"audio_path": "bass.flac", "midi_path": "bass.mid", "instrument":
    "bass"}, with paths relative to it. Instruments are bass, guitar, keys, pad, vocals and other. Prints, for each,
    precision, recall and F-measure of onsets (50 ms), F-measures with offsets and of frames, the share of found onsets
    whose pitch is right, and the mean deviation of onsets.
    """
    import json

    from drumline.band.evaluate import evaluate_notes as run
    from drumline.band.evaluate import table
    from drumline.core.artifacts import refuse_foreign_file, write_bytes

    if output:
        refuse_foreign_file(output, mark=b'"onset_offset_f"')
    results = run(pairs)
    click.echo(table(results))
    if output:
        write_bytes(output, json.dumps({name: asdict(each) for name, each in results.items()}, indent=1).encode())


@click.command("evaluate-separation")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--output", "-o", default="", help="A JSON file for the scores.")
@explained("drumline.evaluation.separation", "SeparationEvaluationConfig")
@handle_errors
def evaluate_separation(config: Path, overrides: tuple[str, ...], output: str) -> None:
    """Score a separator by SI-SDR and SDR on mixes whose sources are known.

    \b
    drumline evaluate-separation configs/evaluate_separation/mdb.yaml
    drumline evaluate-separation my.yaml separation.weights=htdemucs.onnx
    """
    import json

    from drumline.core.artifacts import refuse_foreign_file, write_bytes
    from drumline.core.config import load_config
    from drumline.evaluation.separation import SeparationEvaluationConfig, as_rows, table
    from drumline.evaluation.separation import evaluate_separation as run

    settings = load_config(SeparationEvaluationConfig, config, overrides)
    if output:
        refuse_foreign_file(output, mark=b'"mix_si_sdr_db"')
    scores = run(settings)
    click.echo(table(scores))
    if output:
        write_bytes(output, json.dumps(as_rows(scores), indent=1).encode())
