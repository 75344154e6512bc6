"""What is answered in JSON, as models: validated where it is made, and described in ``/openapi.json``."""

import time
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from drumline.transcription.formats.registry import Format
from serve.problems import KINDS, Problem
from serve.records import State
from serve.settings import Limits


class Answer(BaseModel):
    """An object."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class ProblemAnswer(Answer):
    """What went wrong (RFC 9457)."""

    type: str
    """Where the kind is explained."""
    kind: str
    """For programs: one of those that `/docs` lists."""
    title: str
    """For people: the kind in words."""
    status: int
    """Of the answer."""
    detail: str
    """The value, the limit, the likely cause."""

    @classmethod
    def of(cls, problem: Problem) -> Self:
        return cls.model_validate(problem.tree())


class Links(Answer):
    """Paths of a transcription."""

    state: str = Field(alias="self")
    """Its state."""
    result: str
    """Its result, in any format."""


class TranscriptionState(Answer):
    """How a transcription stands."""

    id: str
    """To ask for it again."""
    status: Literal["waiting", "running", "done", "failed"]
    """`done` and `failed` are final."""
    progress: float
    """Share of the recording that has been processed, 0 to 1."""
    name: str
    """Of the file."""
    created: str
    """Time in UTC, ISO 8601."""
    expires: str
    """Time in UTC after which recording and result are removed."""
    links: Links
    """Where to ask."""
    duration_s: float | None = None
    """Of the recording [s]; once it is done."""
    cache: Literal["hit", "miss"] | None = None
    """Whether the recording had been processed before; once it is done."""
    problem: ProblemAnswer | None = None
    """Why it failed."""

    @classmethod
    def of(cls, state: State) -> Self:
        """A job, for its owner."""
        job, outcome = state.job, state.outcome
        path = f"/v1/transcriptions/{job.id}"
        about = {
            "id": job.id,
            "name": job.name,
            "created": _time(job.created_s),
            "expires": _time(job.expires_s),
            "links": {"self": path, "result": f"{path}/result"},
        }
        if outcome is not None and outcome.kind:
            kind = outcome.kind if outcome.kind in KINDS else "audio_undecodable"
            problem = ProblemAnswer.of(Problem(kind, outcome.detail))
            return cls(**about, status="failed", progress=_progress(state), problem=problem)
        if outcome is not None:
            done = {"duration_s": outcome.duration_s, "cache": outcome.cache}
            return cls(**about, status="done", progress=1.0, **done)
        return cls(**about, status="running" if state.duration_s else "waiting", progress=_progress(state))


class ModelAnswer(Answer):
    """A model that transcribes here."""

    name: str
    version: str
    precision: str
    """Of its arithmetic."""
    classes: tuple[str, ...]
    """What it tells apart."""
    preset: str
    """By which it is decoded unless another is asked for."""
    presets: tuple[str, ...]
    """By which it can be decoded."""
    default: bool
    """Whether it is used where none is asked for."""


class FormatAnswer(Answer):
    """A format of results."""

    name: str
    """For the parameter `format`."""
    media_type: str
    """For `Accept`."""
    title: str
    """For people."""

    @classmethod
    def of(cls, form: Format) -> Self:
        return cls(name=form.name, media_type=form.media_type, title=form.title)


class ModelsAnswer(Answer):
    """What answers here, with what."""

    models: tuple[ModelAnswer, ...]
    formats: tuple[FormatAnswer, ...]
    limits: Limits
    drumline: str
    """Version of the program."""


class StatusAnswer(Answer):
    """A sign of life."""

    status: Literal["ok", "ready"]


def _progress(state: State) -> float:
    return round((state.heard_s or 0.0) / state.duration_s, 3) if state.duration_s else 0.0


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
