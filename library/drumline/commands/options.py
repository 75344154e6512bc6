"""Shared by commands: error messages, --explain, and reading of configurations."""

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from drumline.core.errors import DrumlineError
from drumline.core.extras import advice

INTERRUPTED: Final = 130
"""Exit code of a command that Ctrl-C ended: 128 and the number of SIGINT, as shells have it."""


AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON instead of text.")
"""Option of commands whose result programs read."""


def echo_json(value: Any) -> None:
    """Print a value, or a configuration model, as JSON on standard output."""
    import json

    dumped = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
    click.echo(json.dumps(dumped, indent=1, ensure_ascii=False))


def handle_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Print expected errors as one message with exit code 2, and exit 130 on Ctrl-C; others keep their traceback."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except DrumlineError as error:
            click.echo(f"drumline: {error}", err=True)
            sys.exit(2)
        except ModuleNotFoundError as error:
            _exit_for_missing(error)
        except KeyboardInterrupt:
            click.echo("\ndrumline: interrupted; what was finished is kept", err=True)
            sys.exit(INTERRUPTED)

    return run


def _exit_for_missing(error: ModuleNotFoundError) -> NoReturn:
    """Name the extra that brings the missing module and exit with 2; raise the error if no extra does."""
    line = advice(error.name)
    if not line:
        raise error
    click.echo(f"drumline: this command {line}", err=True)
    sys.exit(2)


def explained(module: str, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the option ``--explain``: print every key of a configuration class and stop."""

    def explain(context: click.Context, _: click.Parameter, wanted: bool) -> None:
        if wanted:
            from drumline.core.config_reference import as_text

            try:
                click.echo(as_text(getattr(import_module(module), name)))
            except ModuleNotFoundError as error:
                _exit_for_missing(error)
            context.exit()

    return click.option(
        "--explain",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=explain,
        help="Print every key that CONFIG can hold, with type, default and meaning, and stop.",
    )


def settings_of(model: Any, settings: tuple[str, ...]) -> Any:
    """Read a configuration from a YAML file, NAME=VALUE settings, or both."""
    from drumline.core.config import load_config

    path = settings[0] if settings and "=" not in settings[0] else None
    return load_config(model, path, settings[path is not None :])
