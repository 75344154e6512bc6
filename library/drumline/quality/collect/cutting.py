"""Cut single hits out of recordings."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray
from pydantic import Field

from drumline.audio.decode import decode_native
from drumline.core.artifacts import STORAGE_ERRORS, read_bytes, sha256
from drumline.core.config import Config
from drumline.core.errors import DrumlineError


class CutConfig(Config):
    """Length of a cut around an onset."""

    pre_ms: float = Field(default=25.0, ge=0)
    """Duration before the onset [ms]; zero-padded at the start of the recording."""
    post_ms: float = Field(default=100.0, gt=0)
    """Duration after the onset [ms]; shorter at the end of the recording."""


@dataclass(frozen=True)
class DecodedAudio:
    """A decoded audio file."""

    uri: str
    samples: NDArray[np.float32]
    """[N], mono."""
    rate_hz: int
    sha256: str


def read_recording(uri: str) -> DecodedAudio:
    """Read an audio file and average its channels. Raises DrumlineError if it is missing, not audio, or cut."""
    try:
        data = read_bytes(uri)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"audio: {uri}: cannot be read ({error or type(error).__name__})") from error
    audio = decode_native(data, name=uri)
    return DecodedAudio(uri, audio.samples, audio.rate_hz, sha256(data))


def cut(recording: DecodedAudio, onset_s: float, config: CutConfig) -> bytes | None:
    """WAV file of one hit; None if the onset is beyond the recording or the cut is silent."""
    rate_hz = recording.rate_hz
    onset, before = round(onset_s * rate_hz), round(config.pre_ms / 1000 * rate_hz)
    end = min(len(recording.samples), onset + round(config.post_ms / 1000 * rate_hz))
    if onset < 0 or end <= onset:
        return None
    found = recording.samples[max(0, onset - before) : end]
    if not np.abs(found).max(initial=0.0) > 0:
        return None
    clip = np.concatenate([np.zeros(max(0, before - onset), dtype=np.float32), found])
    buffer = io.BytesIO()
    soundfile.write(buffer, clip, rate_hz, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
