"""The `drumline` command. Each sub-command imports what it needs, so that `--help` is instant."""

import logging
import sys

import click

from drumline import __version__
from drumline.commands.band import evaluate_notes, evaluate_separation, render_parts
from drumline.commands.collect import collect
from drumline.commands.data import build_dataset, demo_library, inspect, render_corpus, sampling_weights, verify
from drumline.commands.init import init
from drumline.commands.listening import doctor, transcribe, transcribe_library
from drumline.commands.manifests import annotate, derive, merge, normalize
from drumline.commands.material import corpora
from drumline.commands.mine import mine
from drumline.commands.models import average, calibrate, evaluate, export_model, predict, train, tune
from drumline.commands.pseudo_label import pseudo_label
from drumline.commands.quality import check, compare, ingest_check, make
from drumline.commands.serving import serve


def log_to_console() -> None:
    """Show our own messages from INFO on, those of libraries from WARNING on."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("drumline").setLevel(logging.INFO)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """From rhythm-game charts and recordings to drum-transcription data, models and charts."""
    log_to_console()


for command in (
    init, inspect, build_dataset, demo_library, render_corpus, verify, sampling_weights, corpora,
    train, tune, average, predict, calibrate, evaluate, export_model,
    transcribe, transcribe_library, doctor, serve, render_parts, evaluate_notes, evaluate_separation,
    pseudo_label, check, ingest_check, compare, make, merge, annotate, normalize, derive, collect, mine,
):  # fmt: skip
    main.add_command(command)
