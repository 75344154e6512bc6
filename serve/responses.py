"""JSON responses as pydantic models: validated where they are built, and described in ``/openapi.json``."""

import time
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from drumline.transcription.formats.registry import Format
from serve.errors import KINDS, Problem
from serve.records import JobState
from serve.settings import Limits


class ResponseModel(BaseModel):
    """Base of all JSON response bodies."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class ProblemDetails(ResponseModel):
    """An error response (RFC 9457, ``application/problem+json``)."""

    type: str
    """URL of the error kind's documentation."""
    kind: str
    """Error kind for programs: one of those listed at `/docs`."""
    title: str
    """Error kind in words."""
    status: int
    """HTTP status of the response."""
    detail: str
    """The value, the limit and the likely cause."""

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """Response body of a `Problem`."""
        return cls.model_validate(problem.to_json())


class Links(ResponseModel):
    """URL paths of a transcription."""

    state: str = Field(alias="self")
    """Path of its state."""
    result: str
    """Path of its result, in any format."""


class TranscriptionState(ResponseModel):
    """State of a transcription job."""

    id: str
    """Identifier for later requests."""
    status: Literal["waiting", "running", "done", "failed"]
    """Job status; `done` and `failed` are final."""
    progress: float
    """Processed share of the recording, 0 to 1."""
    name: str
    """File name of the recording."""
    created: str
    """Creation time in UTC, ISO 8601."""
    expires: str
    """Time in UTC after which recording and result are removed."""
    links: Links
    """Paths of state and result."""
    duration_s: float | None = None
    """Duration of the recording [s]; present once the job is done."""
    cache: Literal["hit", "miss"] | None = None
    """Whether the recording had been processed before; present once the job is done."""
    edit_version: int | None = None
    """Number of its newest saved edit; present if it was edited."""
    problem: ProblemDetails | None = None
    """Error of a failed job."""

    @classmethod
    def of(cls, state: JobState, *, edit_version: int = 0) -> Self:
        """State of a job as its owner sees it."""
        job, outcome = state.job, state.outcome
        path = f"/v1/transcriptions/{job.id}"
        common = {
            "id": job.id,
            "name": job.name,
            "created": _iso_time(job.created_s),
            "expires": _iso_time(job.expires_s),
            "links": {"self": path, "result": f"{path}/result"},
        }
        if outcome is not None and outcome.kind:
            kind = outcome.kind if outcome.kind in KINDS else "audio_undecodable"
            problem = ProblemDetails.of(Problem(kind, outcome.detail))
            return cls(**common, status="failed", progress=_progress(state), problem=problem)
        if outcome is not None:
            return cls(
                **common,
                status="done",
                progress=1.0,
                duration_s=outcome.duration_s,
                cache=outcome.cache,
                edit_version=edit_version or None,
            )
        return cls(**common, status="running" if state.duration_s else "waiting", progress=_progress(state))


class ModelInfo(ResponseModel):
    """A transcription model of this endpoint."""

    name: str
    """Name of the model package."""
    version: str
    """Version of the model package."""
    precision: str
    """Arithmetic precision of inference."""
    classes: tuple[str, ...]
    """Drum classes that the model predicts."""
    preset: str
    """Default decoding preset."""
    presets: tuple[str, ...]
    """Available decoding presets."""
    default: bool
    """Whether the model is used if a request names none."""


class FormatInfo(ResponseModel):
    """An output format of results."""

    name: str
    """Value of the query parameter `format`."""
    media_type: str
    """Value of the header `Accept`."""
    title: str
    """Display name."""

    @classmethod
    def of(cls, form: Format) -> Self:
        """Description of a registered format."""
        return cls(name=form.name, media_type=form.media_type, title=form.title)


class ModelsResponse(ResponseModel):
    """Models, output formats and limits of this endpoint."""

    models: tuple[ModelInfo, ...]
    """Available models."""
    formats: tuple[FormatInfo, ...]
    """Available output formats."""
    limits: Limits
    """Limits on uploads and processing."""
    drumline: str
    """Version of drumline."""


class HealthResponse(ResponseModel):
    """Liveness or readiness of a replica."""

    status: Literal["ok", "ready"]
    """`ok`: the process is alive. `ready`: the model is loaded."""


def _progress(state: JobState) -> float:
    return round((state.processed_s or 0.0) / state.duration_s, 3) if state.duration_s else 0.0


def _iso_time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
