"""What a request may ask for, as query parameters."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from drumline.decoding.presets import MICRO, PRESETS
from drumline.decoding.strokes import DecodeConfig
from drumline.transcription.quantise import QuantiseConfig
from drumline.transcription.tempo import GIVEN_BPM
from drumline.transcription.transcribe import Timing

Note = Annotated[Literal[4, 8, 16, 32, 64], BeforeValidator(lambda text: int(text) if str(text).isdigit() else text)]


class Wanted(BaseModel):
    """How what was heard becomes hits. What is left out is as the model's package has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    preset: Literal[(*PRESETS, MICRO)] | None = None  # type: ignore[valid-type]  # named in one place, `decoding`
    """A way of decoding: one that `/v1/models` lists."""
    sensitivity: float | None = Field(default=None, ge=-5, le=5)
    """Above 0 more hits, below fewer: taken from the log-odds that a hit must reach."""
    tempo_bpm: float | None = Field(default=None, ge=GIVEN_BPM[0], le=GIVEN_BPM[1])
    """A steady tempo; estimated if left out."""
    quantise: Note | None = None
    """Move hits to notes of this length."""
    triplets: bool | None = None
    """With ``quantise``: a beat may be in three."""
    strength: float | None = Field(default=None, ge=0, le=1)
    """With ``quantise``: 1 onto the line, 0 not at all."""

    def over(self, other: "Wanted") -> "Wanted":
        """The other, with what is told here."""
        return Wanted(**{**other.told(), **self.told()})

    def told(self) -> dict[str, str | float | bool]:
        """What is told."""
        return {name: value for name in Wanted.model_fields if (value := getattr(self, name)) is not None}

    def decoding(self, preset: DecodeConfig) -> DecodeConfig:
        """A preset as sensitive as is wanted."""
        log_odds = min(10.0, max(-10.0, preset.threshold_log_odds - (self.sensitivity or 0.0)))
        return preset.model_copy(update={"threshold_log_odds": log_odds})

    def timing(self) -> Timing:
        """What is made of times."""
        if self.quantise is None:
            return Timing(tempo_bpm=self.tempo_bpm)
        strength = 1.0 if self.strength is None else self.strength
        grid = QuantiseConfig(note=self.quantise, triplets=bool(self.triplets), strength=strength)
        return Timing(tempo_bpm=self.tempo_bpm, grid=grid)


class ResultAsked(Wanted):
    """A result."""

    format: str = ""
    """Of the answer: a name below, or ``folder``; else what ``Accept`` says, else JSON."""

    def wanted(self) -> Wanted:
        """Only how it is decoded."""
        return Wanted(**self.told())


class TranscriptionAsked(ResultAsked):
    """A new transcription."""

    is_async: bool = Field(default=False, alias="async")
    """Answer 202 with a job, and do not wait."""
    name: str = ""
    """The file's name, where the body is the file itself."""
