"""Edits of a transcription: numbered versions as files, of which none is ever replaced.

::

    edits/<id>/000001.json    the first saved version (`Edit`)
    edits/<id>/000002.json    the next; each names the version that it was made from

An editor saves with the number of the version that it has; if another one is newer, nothing is written. Of many
versions some old ones are removed: the newest `NEWEST` stay, and of the others each tenth, within `MAX_HISTORY_BYTES`.
"""

import threading
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from drumline.charts.beats import tempo_from_beats
from drumline.core.artifacts import filesystem, join, read_bytes, remove, write_bytes
from drumline.core.vocabularies import LABEL_NAMES
from drumline.transcription.result import TranscribedHit, Transcription
from serve.errors import Problem
from serve.job_store import EDITS, JobStore

NEWEST: Final = 50
"""Versions that are always kept."""
MAX_HITS: Final = 100_000
"""Most hits of an edit."""
_EACH: Final = 10
MAX_BYTES: Final = 8 << 20
"""Largest body of a request that saves an edit."""
MAX_HISTORY_BYTES: Final = 64 << 20
"""Largest size of all versions of a transcription; beyond it the oldest are removed."""
_SUFFIX: Final = ".json"

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class EditedHit(BaseModel):
    """One hit."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True, populate_by_name=True)

    time_s: Seconds
    """Onset [s]."""
    label: str = Field(alias="class")
    """Class, as in results."""
    velocity: Share | None = None
    """Velocity, 0 to 1."""
    confidence: Share | None = None
    """Confidence of the model; omitted for a hit that a person placed."""

    @model_validator(mode="after")
    def _check_label(self) -> Self:
        if self.label not in LABEL_NAMES:
            raise ValueError(f"class {self.label!r} is not one of {', '.join(LABEL_NAMES)}")
        return self


class Beat(BaseModel):
    """One beat."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    time_s: Seconds
    """Time [s]."""
    position: int = Field(ge=1, le=64)
    """Number in the bar, from 1."""


class EditContent(BaseModel):
    """Content of an edit: all hits, and all beats if they were edited."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    base: int = Field(default=0, ge=0)
    """Version that it was made from; 0 for the transcription itself."""
    hits: tuple[EditedHit, ...] = Field(max_length=MAX_HITS)
    """All hits, in any order."""
    beats: tuple[Beat, ...] = Field(default=(), max_length=MAX_HITS)
    """All beats in order; empty for those of the transcription."""
    author: Annotated[str, StringConstraints(max_length=200)] = ""
    """Name of the person."""

    @model_validator(mode="after")
    def _check_beats(self) -> Self:
        times_s = [beat.time_s for beat in self.beats]
        if any(after <= before for before, after in pairwise(times_s)):
            raise ValueError("beats must be in order, without two at one time")
        return self


class Edit(EditContent):
    """A saved version."""

    version: int = Field(ge=1)
    """Number of the version, from 1."""
    saved: str
    """Time of saving in UTC, ISO 8601."""


class EditVersion(BaseModel):
    """A version in a list."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    version: int
    """Number of the version."""
    saved: str
    """Time of saving in UTC, ISO 8601."""
    author: str
    """Name of the person."""
    num_hits: int
    """Number of hits."""


class EditStore:
    """Versions of each transcription below a folder or URI. All methods block: call them from a thread."""

    def __init__(self, uri: str) -> None:
        self._uri = join(uri, EDITS)
        self._saving = threading.Lock()

    def save(self, job_id: str, content: EditContent) -> Edit:
        """Save the next version.

        Raises
        ------
        Problem
            ``edit_conflict``: ``content.base`` is not the newest version.
        """
        with self._saving:
            newest = self.newest(job_id)
            if content.base != newest:
                detail = f"the newest version is {newest}, and this was made from {content.base}: load it, or save anew"
                raise Problem("edit_conflict", detail)
            saved = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            edit = Edit(**dict(content), version=newest + 1, saved=saved)
            write_bytes(self._file(job_id, edit.version), edit.model_dump_json(by_alias=True).encode())
            self._thin(job_id)
        return edit

    def newest(self, job_id: str) -> int:
        """Number of the newest version; 0 if there is none."""
        return max(self._sizes(job_id), default=0)

    def versions(self, job_id: str) -> list[int]:
        """Numbers of the kept versions, in order."""
        return sorted(self._sizes(job_id))

    def get(self, job_id: str, version: int = 0) -> Edit | None:
        """A version, the newest for 0; None if there is none.

        Raises
        ------
        Problem
            ``storage_unavailable``: the file is damaged.
        """
        if not version and not (version := self.newest(job_id)):
            return None
        try:
            return Edit.model_validate_json(read_bytes(self._file(job_id, version), MAX_BYTES))
        except FileNotFoundError:
            return None
        except (ValidationError, ValueError) as error:
            raise Problem("storage_unavailable", f"version {version} of the edit is damaged") from error

    def history(self, job_id: str) -> list[EditVersion]:
        """Kept versions, the newest first."""
        edits = (self.get(job_id, version) for version in reversed(self.versions(job_id)))
        return [
            EditVersion(version=edit.version, saved=edit.saved, author=edit.author, num_hits=len(edit.hits))
            for edit in edits
            if edit is not None
        ]

    def _thin(self, job_id: str) -> None:
        total = 0
        for rank, (version, num_bytes) in enumerate(sorted(self._sizes(job_id).items(), reverse=True)):
            total += num_bytes
            if rank and (total > MAX_HISTORY_BYTES or (rank >= NEWEST and version % _EACH)):
                remove(self._file(job_id, version))

    def _sizes(self, job_id: str) -> dict[int, int]:
        """Size of each kept version in bytes, by number."""
        fs, path = filesystem(join(self._uri, job_id))
        fs.invalidate_cache()
        try:
            entries = fs.ls(path, detail=True)
        except FileNotFoundError:
            return {}
        names = {
            str(entry["name"]).rpartition("/")[2].removesuffix(_SUFFIX): int(entry["size"] or 0) for entry in entries
        }
        return {int(name): num_bytes for name, num_bytes in names.items() if name.isdecimal()}

    def _file(self, job_id: str, version: int) -> str:
        return join(self._uri, job_id, f"{version:06d}{_SUFFIX}")


def remove_unedited(uri: str) -> None:
    """Remove all jobs of a store without edits, and the cache of activations."""
    store, edits = JobStore(uri), EditStore(uri)
    for job_id in store.job_ids():
        if not edits.versions(job_id):
            store.remove(job_id)
    fs, path = filesystem(join(uri, "cache"))
    if fs.exists(path):
        fs.rm(path, recursive=True)


def apply_edit(transcription: Transcription, edit: EditContent) -> Transcription:
    """The transcription with the hits, and the beats if there are any, of an edit."""
    hits = [TranscribedHit(hit.time_s, hit.label, hit.velocity, hit.confidence) for hit in edit.hits]
    tempo = tempo_from_beats([beat.time_s for beat in edit.beats], [beat.position for beat in edit.beats])
    return transcription.edited(hits, tempo)


async def read_content(chunks: AsyncIterator[bytes]) -> EditContent:
    """Read the body of a request.

    Raises
    ------
    Problem
        ``upload_too_large``, or ``bad_parameter`` with the first fault.
    """
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > MAX_BYTES:
            raise Problem("upload_too_large", f"an edit has at most {MAX_BYTES >> 20} MB")
    try:
        return EditContent.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors()[0]
        location = ".".join(map(str, first["loc"])) or "body"
        raise Problem("bad_parameter", f"{location}: {first['msg']}") from error


def _content_body() -> dict[str, Any]:
    schema = EditContent.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)  # the response model `Edit` brings them
    return {"required": True, "content": {"application/json": {"schema": schema}}}


CONTENT_BODY: Final = _content_body()
"""OpenAPI description of the body that `read_content` reads."""
