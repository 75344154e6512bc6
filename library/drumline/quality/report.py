"""The schema of a check's `report.json`. It holds no date: equal inputs give equal bytes."""

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from pydantic import SerializeAsAny

import drumline
from drumline.core.artifacts import join
from drumline.core.config import Config, fingerprint
from drumline.quality.gates import Gate, Verdict, overall

SCHEMA_VERSION: Final = 1
"""Of all checks together. Raised whenever an old reader would misread a new file."""


class CheckConfig(Config):
    """What every check is told."""

    name: str = ""
    """The report's title; the name of the check if empty."""
    output: str = ""
    """Folder or URI for report.json and report.html; nothing is written if empty."""


class WriterConfig(CheckConfig):
    """What every command that writes data besides its report is told."""

    output: str
    """Folder or URI for what is made, and for report.json and report.html."""
    dry_run: bool = False
    """Count and judge, but write nothing at all."""

    def place(self, name: str) -> str:
        """Where a file of that name goes; empty on a dry run."""
        return "" if self.dry_run else join(self.output, name)


class Input(Config):
    """A file or a dataset that was read."""

    role: str
    """What it is for: truth, predictions, baseline ..."""
    path: str
    """As it was given."""
    records: int
    """Lines or rows in it."""
    sha256: str
    """Of the file; of a dataset's manifest."""


F = TypeVar("F", bound=Config)


class Report(Config, Generic[F]):
    """The whole of `report.json`."""

    schema_version: int = SCHEMA_VERSION
    """Of this schema."""
    check: str
    """Which check."""
    name: str
    """The title."""
    drumline: str
    """Version of the code."""
    fingerprint: str
    """Of the configuration, less its title, where the report goes and how it ran."""
    verdict: Verdict
    """Of all gates together: failed if any is, else unknown if any is, else passed."""
    gates: tuple[Gate, ...]
    """In the order of the configuration."""
    notes: tuple[str, ...]
    """What was mended, missing or left out. With ``--strict`` any note fails the check."""
    inputs: tuple[Input, ...]
    """What was read."""
    findings: SerializeAsAny[F]
    """What the check found."""

    def failed(self, *, strict: bool) -> bool:
        """Whether the check failed. Strictly, a gate without an answer or a note is a failure too."""
        return self.verdict == "failed" or (strict and (self.verdict == "unknown" or bool(self.notes)))


def make_report(
    check: str,
    config: CheckConfig,
    *,
    findings: F,
    gates: tuple[Gate, ...],
    inputs: Iterable[Input],
    notes: Iterable[str] = (),
) -> Report[F]:
    """The report of a check."""
    return Report(
        check=check,
        name=config.name or check,
        drumline=drumline.__version__,
        fingerprint=fingerprint(check, config.model_dump(mode="json", exclude={"name", "output", "dry_run", "run"})),
        verdict=overall(gates),
        gates=gates,
        notes=tuple(notes),
        inputs=tuple(inputs),
        findings=findings,
    )
