"""Records of an accepted job in its store, readable by older and newer versions of drumline.

Unknown fields of a newer version are ignored; missing fields of an older one take their defaults.
Field names in the files are those of the first release (their aliases below).
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AliasChoices, Field, TypeAdapter, ValidationError

from drumline.core.documents import DocumentError

VERSION: Final = 1
"""Record version; raised only if an older version could not process a job."""

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """An accepted recording."""

    id: str
    """Unguessable identifier; it grants access to the result."""
    owner: str
    """Name of the client's API key; empty if there are no keys."""
    name: str
    """File name without folders."""
    ending: str
    """File extension by content, such as ``.flac``."""
    sha256: str
    """SHA-256 of the file, hexadecimal."""
    created_s: float
    """Creation time [s since 1970], as all times here."""
    expires_s: float
    """Time of removal [s since 1970]."""
    max_duration_s: float
    """Longest accepted duration of the recording [s]."""
    parameters: Annotated[
        dict[str, Any], Field(validation_alias=AliasChoices("wanted", "parameters"), serialization_alias="wanted")
    ] = field(default_factory=dict)
    """Decoding parameters of the request (`parameters.DecodeParameters`): defaults of its result."""
    is_async: bool = True
    """Whether the client knows the id; otherwise the job ends with the client's connection."""
    version: int = VERSION
    """Record version."""


@dataclass(frozen=True)
class Claim:
    """A gateway's lease on a job."""

    attempts: int
    """Number of attempts so far."""
    renewed_s: Annotated[
        float, Field(validation_alias=AliasChoices("heard_of_s", "renewed_s"), serialization_alias="heard_of_s")
    ]
    """Time of the last renewal [s since 1970]."""


@dataclass(frozen=True)
class Progress:
    """Processed part of a recording."""

    processed_s: Annotated[
        float, Field(validation_alias=AliasChoices("heard_s", "processed_s"), serialization_alias="heard_s")
    ]
    """Processed audio [s]."""
    duration_s: float
    """Duration of the recording [s]."""


@dataclass(frozen=True)
class Outcome:
    """Result of a finished job."""

    kind: str = ""
    """Error kind (`errors.KINDS`); empty on success."""
    detail: str = ""
    """Error detail."""
    duration_s: float = 0.0
    """Duration of the recording [s]; 0 on failure."""
    cache: Literal["hit", "miss"] = "miss"
    """Whether the activations were cached before."""
    model: str = ""
    """Location of the model package that was used: during a rollout it may differ from the gateway's."""


@dataclass(frozen=True)
class JobState:
    """Current state of a job."""

    job: Job
    """The accepted recording."""
    processed_s: float | None
    """Processed audio [s]; None before the first progress."""
    duration_s: float | None
    """Duration of the recording [s]; None before the first progress."""
    outcome: Outcome | None
    """Result; None until the job has finished."""


Record = Job | Claim | Progress | Outcome

_ADAPTERS: Final[Mapping[type[Any], TypeAdapter[Any]]] = {
    record_type: TypeAdapter(record_type) for record_type in (Job, Claim, Progress, Outcome)
}


def new_id() -> str:
    """Generate a job id: 128 random bits, URL-safe."""
    return secrets.token_urlsafe(16)


def to_json(record: Record) -> bytes:
    """Encode a record as JSON, with the field names of the first release."""
    return json.dumps(_ADAPTERS[type(record)].dump_python(record, by_alias=True)).encode()


def from_json_value(record_type: type[T], tree: Any) -> T:
    """Build a record from a JSON value.

    Raises
    ------
    DocumentError
        The value is not such a record, or has a newer version.
    """
    try:
        record: T = _ADAPTERS[record_type].validate_python(tree)
    except ValidationError as error:
        first = error.errors()[0]
        location = ".".join(map(str, first["loc"]))
        cause = "of a newer version" if is_newer(tree) else "damaged, or not written by drumline"
        raise DocumentError(f"{cause}: {location}: {first['msg']}") from error
    return record


def is_newer(tree: Any) -> bool:
    """Whether a JSON value carries a newer record version than `VERSION`."""
    version = tree.get("version") if isinstance(tree, Mapping) else None
    return isinstance(version, int) and version > VERSION
