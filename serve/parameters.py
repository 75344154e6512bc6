"""Query parameters of requests."""

from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from drumline.core.errors import ConfigError
from drumline.decoding.config import DecodeConfig
from drumline.decoding.presets import MICRO, PRESETS
from drumline.transcription.beat_tracking import GIVEN_BPM
from drumline.transcription.quantise import QuantiseConfig
from drumline.transcription.transcribe import Timing, hints_of

_OCTAVES: Final = {"half": 0.5, "double": 2.0}


def _meter(text: str) -> str:
    try:
        hints_of(meter=text)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return text


NoteLength = Annotated[
    Literal[4, 8, 16, 32, 64], BeforeValidator(lambda text: int(text) if str(text).isdigit() else text)
]


class DecodeParameters(BaseModel):
    """Decoding of activations to hits; an omitted parameter keeps the model package's value."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    preset: Literal[(*PRESETS, MICRO)] | None = None  # type: ignore[valid-type]  # the names are defined in `decoding`
    """Decoding preset: one that `/v1/models` lists."""
    sensitivity: float | None = Field(default=None, ge=-5, le=5)
    """Above 0 more hits, below 0 fewer: subtracted from the log-odds threshold of a hit."""
    tempo_bpm: float | None = Field(default=None, ge=GIVEN_BPM[0], le=GIVEN_BPM[1])
    """A steady tempo in beats per minute; estimated if omitted."""
    downbeat_s: float | None = Field(default=None, ge=0)
    """A time [s] at which a bar begins."""
    octave: Literal["half", "double"] | None = None
    """Half or twice the tempo that would be estimated."""
    meter: Annotated[str, AfterValidator(_meter)] | None = None
    """The meter throughout, such as ``3/4``; estimated if omitted."""
    free_timing: bool | None = None
    """Charts for games keep played times; else their notes are on the grid."""
    quantise: NoteLength | None = None
    """Move hits to a grid of notes of this length."""
    triplets: bool | None = None
    """With ``quantise``: allow triplet subdivisions of a beat."""
    strength: float | None = Field(default=None, ge=0, le=1)
    """With ``quantise``: 1 moves hits onto the grid, 0 not at all."""

    def with_defaults(self, defaults: "DecodeParameters") -> "DecodeParameters":
        """Parameters with omitted values taken from `defaults`."""
        return DecodeParameters(**{**defaults.given(), **self.given()})

    def given(self) -> dict[str, str | float | bool]:
        """Values of the decoding parameters that the request sets, by name."""
        return {name: value for name in DecodeParameters.model_fields if (value := getattr(self, name)) is not None}

    def decode_config(self, preset: DecodeConfig) -> DecodeConfig:
        """Decoder settings: the preset with its threshold shifted by `sensitivity`."""
        log_odds = min(10.0, max(-10.0, preset.threshold_log_odds - (self.sensitivity or 0.0)))
        return preset.model_copy(update={"threshold_log_odds": log_odds})

    def timing(self) -> Timing:
        """Tempo and quantisation settings."""
        octave = _OCTAVES[self.octave] if self.octave else 1.0
        hints = hints_of(downbeat_s=self.downbeat_s, octave=octave, meter=self.meter or "")
        hints = replace(hints, tempo_bpm=self.tempo_bpm)
        if self.quantise is None:
            return Timing(hints, free=bool(self.free_timing))
        strength = 1.0 if self.strength is None else self.strength
        grid = QuantiseConfig(note=self.quantise, triplets=bool(self.triplets), strength=strength)
        return Timing(hints, grid=grid, free=bool(self.free_timing))


class ResultParameters(DecodeParameters):
    """Query parameters of a result: its format and its decoding."""

    format: str = ""
    """Output format: a name below, or ``folder``; if omitted, chosen by ``Accept``, else JSON."""
    edited: bool = False
    """Whether hits and beats are those of the newest saved edit, if there is one."""

    def decoding(self) -> DecodeParameters:
        """Only the decoding parameters."""
        return DecodeParameters(**self.given())


class TranscriptionParameters(ResultParameters):
    """Query parameters of a new transcription."""

    is_async: bool = Field(default=False, alias="async")
    """Respond at once with 202 and a job instead of waiting for the result."""
    name: str = ""
    """File name of the recording if the request body is the file itself."""
