"""Schema of the `report.json` of all checks. Reports hold no date: equal inputs give equal bytes."""

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from pydantic import SerializeAsAny

import drumline
from drumline.core.artifacts import join
from drumline.core.config import Config, fingerprint
from drumline.core.errors import ConfigError
from drumline.quality.gates import Gate, Verdict, combined_verdict

SCHEMA_VERSION: Final = 1
"""Version of the report schema of all checks; raised whenever an old reader would misread a new file."""


class CheckConfig(Config):
    """Options common to all checks."""

    name: str = ""
    """Title of the report; the name of the check if empty."""
    output: str = ""
    """Folder or URI for report.json and report.html; empty writes nothing."""


class WriterConfig(CheckConfig):
    """Options common to all commands that write data besides their report."""

    output: str = ""
    """Folder or URI for the data files, report.json and report.html; required but for a dry run."""
    dry_run: bool = False
    """Compute findings and verdicts without writing any file."""

    def output_uri(self, name: str) -> str:
        """Location of an output file of that name; empty on a dry run. Raises ConfigError without an output."""
        self.check_output()
        return "" if self.dry_run else join(self.output, name)

    def check_output(self) -> None:
        """Raise ConfigError where files are to be written and no output is named."""
        if not self.output and not self.dry_run:
            raise ConfigError("output: must be set: the folder for the files")


class Input(Config):
    """A file or dataset that a check read."""

    role: str
    """Role of the input: truth, predictions, baseline ..."""
    path: str
    """Path or URI as configured."""
    records: int
    """Number of lines or rows."""
    sha256: str
    """SHA-256 of the file; of a dataset, of its manifest; empty if not known."""


F = TypeVar("F", bound=Config)


class Report(Config, Generic[F]):
    """Contents of `report.json`."""

    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    check: str
    """Name of the check."""
    name: str
    """Title of the report."""
    drumline: str
    """Version of drumline that wrote it."""
    fingerprint: str
    """Fingerprint of the configuration without title, output location and run settings."""
    verdict: Verdict
    """Combined verdict: failed if any gate failed, else unknown if any is unknown, else passed."""
    gates: tuple[Gate, ...]
    """Gates in the order of the configuration."""
    notes: tuple[str, ...]
    """Repairs, missing data and exclusions. With ``--strict`` any note fails the check."""
    inputs: tuple[Input, ...]
    """Files and datasets that were read."""
    findings: SerializeAsAny[F]
    """Findings of this check."""

    def failed(self, *, strict: bool) -> bool:
        """Whether the check failed. With ``strict``, unknown gates and notes are failures too."""
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
    """Assemble the report of a check: versions, fingerprint and combined verdict."""
    return Report(
        check=check,
        name=config.name or check,
        drumline=drumline.__version__,
        fingerprint=fingerprint(check, config.model_dump(mode="json", exclude={"name", "output", "dry_run", "run"})),
        verdict=combined_verdict(gates),
        gates=gates,
        notes=tuple(notes),
        inputs=tuple(inputs),
        findings=findings,
    )
