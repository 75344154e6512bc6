"""The arguments, the summary and the exit codes that all commands of the quality suite have."""

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module

import click

from drumline.commands.options import explained, settings_of, told


def quality_check(
    module: str, name: str, *, writes: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The arguments around a function that holds only its name and help.

    It runs ``module.run`` with a configuration of class ``name``. One that ``writes`` data besides its report has
    ``--dry-run``. Exits 0 if all gates passed, 1 if one failed; errors of ours are one message and exit code 2.
    """

    def wrap(described: Callable[..., None]) -> Callable[..., None]:
        @wraps(described)
        def run(settings: tuple[str, ...], strict: bool, dry_run: bool = False) -> None:
            from drumline.quality.outcome import publish, summary

            config = settings_of(getattr(import_module(module), name), (*settings, *["dry_run=true"] * dry_run))
            outcome = import_module(module).run(config)
            click.echo(summary(outcome.report))
            for uri in outcome.written:
                click.echo(f"  written  {uri}")
            if writes and config.dry_run:
                click.echo("  dry run: nothing is written")
            elif config.output:
                publish(outcome, config.output)
                click.echo(f"  page     {config.output}/report.html\n  report   {config.output}/report.json")
            sys.exit(1 if outcome.report.failed(strict=strict) else 0)

        command = explained(module, name)(told(run))
        command = click.option(
            "--strict", is_flag=True, help="Fail as well on notes, and on gates that could not be judged."
        )(command)
        if writes:
            command = click.option("--dry-run", is_flag=True, help="Count and judge, but write nothing.")(command)
        return click.argument("settings", nargs=-1, metavar="[CONFIG] [NAME=VALUE]...")(command)

    return wrap
