"""Cutting single strokes out of recordings."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray
from pydantic import Field

from drumline.core.artifacts import STORAGE_ERRORS, read_bytes, sha256
from drumline.core.config import Config
from drumline.core.errors import DrumlineError


class CutConfig(Config):
    """What of a recording belongs to a stroke."""

    pre_ms: float = Field(default=25.0, ge=0)
    """Before the onset [ms]; silence where the recording begins later."""
    post_ms: float = Field(default=100.0, gt=0)
    """After it [ms]; less where the recording ends earlier."""


@dataclass(frozen=True)
class Recording:
    """An audio file, decoded."""

    uri: str
    samples: NDArray[np.float32]
    """[N], mono."""
    rate_hz: int
    sha256: str


def read_recording(uri: str) -> Recording:
    """A whole audio file, its channels' mean. Raises DrumlineError where it is missing or no audio."""
    try:
        data = read_bytes(uri)
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"audio: {uri}: cannot be read ({error or type(error).__name__})") from error
    except soundfile.LibsndfileError as error:
        raise DrumlineError(f"audio: {uri}: no audio ({error})") from error
    return Recording(uri, samples.mean(axis=1), rate_hz, sha256(data))


def cut(recording: Recording, onset_s: float, config: CutConfig) -> bytes | None:
    """The WAV file of a stroke; None where the recording does not reach so far, or nothing sounds there."""
    rate_hz = recording.rate_hz
    at, before = round(onset_s * rate_hz), round(config.pre_ms / 1000 * rate_hz)
    end = min(len(recording.samples), at + round(config.post_ms / 1000 * rate_hz))
    if at < 0 or end <= at:
        return None
    found = recording.samples[max(0, at - before) : end]
    if not np.abs(found).max(initial=0.0) > 0:
        return None
    clip = np.concatenate([np.zeros(max(0, before - at), dtype=np.float32), found])
    buffer = io.BytesIO()
    soundfile.write(buffer, clip, rate_hz, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
