"""What is written down of an accepted recording, and how it is read back by this version and by others.

Fields that a newer version added are passed over, those that an older one did not know have their defaults.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from drumline.core.documents import DocumentError

VERSION: Final = 1
"""Raised only where an older version could not work on a job."""

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """What was accepted."""

    id: str
    """Not to be guessed: who knows it may have the result."""
    owner: str
    """Name of the API key; empty where there are none."""
    name: str
    """Of the file, without folders."""
    ending: str
    """Of such audio, by its content."""
    sha256: str
    """Of the file."""
    created_s: float
    """Seconds since 1970, as all times here."""
    expires_s: float
    max_duration_s: float
    """What it may last."""
    wanted: dict[str, Any] = field(default_factory=dict)
    """`asked.Wanted`: how it is decoded unless the result is asked for in another way."""
    is_async: bool = True
    """Its sender knows its id. Otherwise nobody does once the connection is gone, and the job ends with it."""
    version: int = VERSION


@dataclass(frozen=True)
class Claim:
    """Somebody works on it."""

    attempts: int
    heard_of_s: float


@dataclass(frozen=True)
class Progress:
    """How much of the recording has been processed [s]."""

    heard_s: float
    duration_s: float


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    kind: str = ""
    """Of the problem (`problems.KINDS`); empty if all went well."""
    detail: str = ""
    """Of the problem."""
    duration_s: float = 0.0
    """Of the recording; 0 with a problem."""
    cache: Literal["hit", "miss"] = "miss"
    """Whether it had been heard before."""
    model: str = ""
    """Where the package is that heard it: while a model is rolled out, its listener's may not be its front's."""


@dataclass(frozen=True)
class State:
    """A job as it stands."""

    job: Job
    heard_s: float | None
    """Seconds of the recording; None before anything was heard."""
    duration_s: float | None
    outcome: Outcome | None
    """None until it has ended."""


_ADAPTERS: Final[Mapping[type[Any], TypeAdapter[Any]]] = {
    kind: TypeAdapter(kind) for kind in (Job, Claim, Progress, Outcome)
}


def new_id() -> str:
    """128 random bits."""
    return secrets.token_urlsafe(16)


def record_of(kind: type[T], tree: Any) -> T:
    """A record from a JSON value. Raises DocumentError where it is of another kind, or of a version beyond ours."""
    try:
        found: T = _ADAPTERS[kind].validate_python(tree)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        what = "of a newer version" if is_newer(tree) else "damaged, or not of this program"
        raise DocumentError(f"{what}: {place}: {first['msg']}") from error
    return found


def is_newer(tree: Any) -> bool:
    """Whether a JSON value says that it is of a version beyond ours."""
    version = tree.get("version") if isinstance(tree, Mapping) else None
    return isinstance(version, int) and version > VERSION
