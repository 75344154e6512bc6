"""Arguments, summary and exit codes common to all commands of the quality suite."""

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module

import click

from drumline.commands.options import AS_JSON, echo_json, explained, handle_errors, settings_of


def quality_check(
    module: str, name: str, *, writes: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Build a command from a function that holds only its name and help text.

    The command runs ``module.run`` with a configuration of class ``name``; with ``writes`` it has
    ``--dry-run``. Exits 0 if all gates passed, 1 if one failed, 2 with one message on an error.
    """

    def wrap(described: Callable[..., None]) -> Callable[..., None]:
        @wraps(described)
        def run(settings: tuple[str, ...], strict: bool, as_json: bool, dry_run: bool = False) -> None:
            from drumline.quality.outcome import publish, refuse_foreign_report, summary
            from drumline.quality.report import WriterConfig

            config = settings_of(getattr(import_module(module), name), (*settings, *["dry_run=true"] * dry_run))
            if isinstance(config, WriterConfig):
                config.check_output()
            if config.output and not (writes and config.dry_run):
                refuse_foreign_report(config.output)
            outcome = import_module(module).run(config)
            has_reports = bool(config.output) and not (writes and config.dry_run)
            if has_reports:
                publish(outcome, config.output)
            if as_json:
                echo_json(outcome.report)
            else:
                click.echo(summary(outcome.report))
                for uri in outcome.written:
                    click.echo(f"  written  {uri}")
                if writes and config.dry_run:
                    click.echo("  dry run: no files were written")
                elif has_reports:
                    click.echo(f"  page     {config.output}/report.html\n  report   {config.output}/report.json")
            for error in outcome.errors:
                click.echo(f"drumline: {error}", err=True)
            sys.exit(2 if outcome.errors else 1 if outcome.report.failed(strict=strict) else 0)

        command = AS_JSON(explained(module, name)(handle_errors(run)))
        command = click.option("--strict", is_flag=True, help="Treat notes and unknown gates as failures.")(command)
        if writes:
            command = click.option(
                "--dry-run", is_flag=True, help="Compute counts and verdicts without writing files."
            )(command)
        return click.argument("settings", nargs=-1, metavar="[CONFIG] [NAME=VALUE]...")(command)

    return wrap
