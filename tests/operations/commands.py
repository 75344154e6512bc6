"""Commands as operators give them, checked without running them: their files, their options, their configurations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from drumline.cli import main
from drumline.core.config import Config, load_config
from drumline.dataset.config import BuildConfig
from drumline.evaluation.config import EvaluationConfig
from drumline.export.config import ExportConfig
from drumline.training.config import TrainConfig
from drumline.transcription.library.config import LibraryConfig
from drumline.tuning.config import SweepConfig

ROOT: Final = Path(__file__).parents[2]
CONFIGS: Final[dict[str, type[Config]]] = {
    "build_dataset": BuildConfig,
    "train_model": TrainConfig,
    "evaluate_model": EvaluationConfig,
    "export_model": ExportConfig,
    "transcribe_library": LibraryConfig,
    "tune_model": SweepConfig,
}
"""Job -> its configuration."""


def check_job(words: Sequence[str]) -> None:
    """``python jobs/X.py configs/X/Y.yaml name=value ...``: the file exists, and the configuration parses."""
    program, job, config, *changes = words
    assert program == "python", words
    assert (ROOT / job).is_file(), job
    load_config(
        CONFIGS[Path(job).stem], str(ROOT / config), [change for change in changes if not change.startswith("--")]
    )


def check_drumline(words: Sequence[str]) -> None:
    """``drumline COMMAND ...``: the command exists and takes the options it is given."""
    command: click.Command = main
    rest = list(words[1:])
    while isinstance(command, click.Group) and rest:
        assert rest[0] in command.commands, words
        command = command.commands[rest.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= options, words
    if rest and rest[0].startswith("configs/"):
        assert (ROOT / rest[0]).is_file(), words
