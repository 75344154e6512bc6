"""Real encoded files, made on the spot."""

import io
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from drumline.core.grid import RATE_HZ

CODECS: Final = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


def encode(samples: NDArray[np.float32], codec: str, rate_hz: int) -> bytes:
    """Samples [num_samples] or [num_samples, channels] as a file. Opus knows only 48, 24, 16, 12 and 8 kHz."""
    container, subtype = CODECS[codec]
    buffer = io.BytesIO()
    channels = samples.shape[1] if samples.ndim == 2 else 1
    with soundfile.SoundFile(buffer, "w", rate_hz, channels, format=container, subtype=subtype) as file:
        for start in range(0, len(samples), rate_hz):  # libsndfile's Vorbis keeps what it is given at once on the stack
            file.write(samples[start : start + rate_hz])
    return buffer.getvalue()


def hits(duration_s: float, rate_hz: int, times_s: list[float], seed: int = 0) -> NDArray[np.float32]:
    """Decaying noise bursts at the given times, mono, peak about 0.5."""
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, round(duration_s * rate_hz)).astype(np.float32)
    clock_s = np.arange(len(noise)) / rate_hz
    envelope = np.zeros_like(clock_s)
    for time_s in times_s:
        since_s = clock_s - time_s
        envelope = np.where(since_s >= 0, np.exp(-since_s / 0.05), envelope)
    return (noise * envelope).astype(np.float32)


def tune(seed: int, duration_s: float = 15.0, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """A song nobody wrote: drums at random eighths over decaying tones, peak 0.5. Another seed is another song."""
    random = np.random.default_rng(seed)
    clock_s = np.arange(round(0.5 * rate_hz)) / rate_hz
    song = np.zeros(round(duration_s * rate_hz) + len(clock_s))
    for start_s in np.arange(0, duration_s - 0.5, 0.25):
        at = round(start_s * rate_hz)
        for _ in range(3):
            pitch_hz = 110 * 2 ** (random.integers(0, 48) / 12)
            song[at : at + len(clock_s)] += np.sin(2 * np.pi * pitch_hz * clock_s) * np.exp(-clock_s / 0.2)
        if random.random() < 0.7:
            noise = random.standard_normal(len(clock_s)) * np.exp(-clock_s / random.choice([0.02, 0.08]))
            song[at : at + len(clock_s)] += 2 * noise
    song = song[: round(duration_s * rate_hz)]
    return (0.5 * song / np.abs(song).max()).astype(np.float32)
