"""One decoder for every source: bytes in, mono float32 at `core.grid.RATE_HZ` out.

libsndfile reads WAV, FLAC, Ogg Vorbis, Ogg Opus and MP3, whatever the file is called; soxr resamples. Both work
block by block, so memory holds one block of the source and the mono result, however the header lies. The sample
values are the source's own: full scale is 1.0, lossy files may exceed it.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from pydantic import Field

from drumline.core.config import Config
from drumline.core.errors import AudioError
from drumline.core.grid import RATE_HZ

SEPARATION_RATE_HZ: Final = 44_100
"""The rate that separators work at."""

_BLOCK_VALUES: Final = 1 << 18  # all channels together: 1 MiB of float32
_RATES_HZ: Final = (8_000, 192_000)  # outside: a damaged header, not a recording
_FULL_SCALE: Final = 0.9999  # 16-bit full scale is 32767/32768 = 0.99997
_MAX_MISSING_S: Final = 0.1  # MP3 headers count encoder delay, at most three frames of 1152 samples


class AudioConfig(Config):
    """What audio must be to serve as training data."""

    min_duration_s: float = Field(default=5.0, ge=0.4)
    """Seconds. Shorter audio is ``audio_too_short``. Loudness needs 0.4."""
    max_duration_s: float = Field(default=1200.0, gt=0)
    """Seconds. Longer audio is ``audio_too_long``, told from the header or, where that lies, while decoding."""
    silence_db: float = -60.0
    """dBFS. Audio whose mono peak stays under it is ``audio_silent``."""
    max_clipped_fraction: float = Field(default=0.02, ge=0, le=1)
    """Of all source samples, those at full scale: under 0.001 in masters, 0.02 to 0.06 in drums 12 dB too loud."""
    max_overrun_s: float = Field(default=1.0, ge=0)
    """Seconds by which the chart's last hit may lie behind the end of the audio, before that is ``audio_truncated``."""


@dataclass(frozen=True, eq=False)
class Audio:
    """Decoded audio."""

    samples: NDArray[np.float32]
    """[num_samples], mono (the mean of the channels) at `RATE_HZ`."""
    source_rate_hz: int
    num_channels: int
    source_num_samples: int
    """Samples a channel, at the source's rate."""
    peak: float
    """The largest absolute source sample in any channel."""
    clipped_fraction: float
    """The part of source samples at or beyond full scale."""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / RATE_HZ


def decode(data: bytes, *, name: str, config: AudioConfig) -> Audio:
    """The whole of an encoded file.

    Raises AudioError: ``audio_undecodable`` (also for samples that are not finite), ``audio_truncated`` (it holds
    less than its header promises) or ``audio_too_long``; ``name`` stands at the head of the detail.
    """
    level = _Level()
    with _opened(data, name, config.max_duration_s) as file:
        blocks = (level.heard(block) for block in _blocks(file, data, name=name, max_duration_s=config.max_duration_s))
        mono = (block.mean(axis=1, keepdims=True) for block in blocks)
        return Audio(
            samples=_resampled(mono, file.samplerate, RATE_HZ, num_channels=1)[:, 0],
            source_rate_hz=file.samplerate,
            num_channels=file.channels,
            source_num_samples=level.num_values // file.channels,
            peak=level.peak,
            clipped_fraction=level.num_clipped / level.num_values,
        )


def decode_stereo(data: bytes, *, name: str, config: AudioConfig) -> NDArray[np.float32]:
    """The whole of an encoded file as a separator wants it: float32 [2, num_samples] at `SEPARATION_RATE_HZ`.

    Mono goes to both sides; of more than two channels both sides get the mean. Raises as `decode` does.
    """
    with _opened(data, name, config.max_duration_s) as file:
        blocks = _blocks(file, data, name=name, max_duration_s=config.max_duration_s)
        stereo = (b if file.channels == 2 else np.repeat(b.mean(axis=1, keepdims=True), 2, axis=1) for b in blocks)
        samples = _resampled(stereo, file.samplerate, SEPARATION_RATE_HZ, num_channels=2)
        return np.ascontiguousarray(samples.T)


def mix(audios: Sequence[Audio]) -> Audio:
    """The sum of recordings that start together, as long as the longest.

    Of the source facts it keeps the largest; ``peak`` is that of the loudest part, ``clipped_fraction`` that of the
    worst, because nothing clips in a float sum.
    """
    samples = mix_samples([audio.samples for audio in audios])
    return Audio(
        samples=samples,
        source_rate_hz=max(audio.source_rate_hz for audio in audios),
        num_channels=max(audio.num_channels for audio in audios),
        source_num_samples=max(audio.source_num_samples for audio in audios),
        peak=max(audio.peak for audio in audios),
        clipped_fraction=max(audio.clipped_fraction for audio in audios),
    )


def mix_samples(signals: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The sum of signals of shape [..., num_samples], the shorter ones followed by silence."""
    longest = max(signals, key=lambda signal: signal.shape[-1])
    total = np.zeros_like(longest)
    for signal in signals:
        total[..., : signal.shape[-1]] += signal
    return total


def examine(audio: Audio, *, name: str, config: AudioConfig) -> None:
    """Raise AudioError where decoded audio cannot serve.

    The reasons, in the order tried: ``audio_too_short``, ``audio_silent``, ``audio_clipped``.
    """
    if audio.duration_s < config.min_duration_s:
        raise AudioError("audio_too_short", f"{name}: {audio.duration_s:.1f} s, minimum {config.min_duration_s:.1f} s")
    mono_peak_db = float(20 * np.log10(max(np.abs(audio.samples).max(), 1e-12)))
    if mono_peak_db < config.silence_db:
        raise AudioError("audio_silent", f"{name}: peak {mono_peak_db:.0f} dBFS, limit {config.silence_db:.0f} dBFS")
    if (clipped := audio.clipped_fraction) > (limit := config.max_clipped_fraction):
        raise AudioError("audio_clipped", f"{name}: {clipped:.1%} of the samples at full scale, limit {limit:.1%}")


def check_end(audio: Audio, *, name: str, last_hit_s: float, config: AudioConfig) -> None:
    """Raise AudioError ``audio_truncated`` where the chart goes on after the audio; ``last_hit_s`` is audio time."""
    if last_hit_s > audio.duration_s + config.max_overrun_s:
        raise AudioError(
            "audio_truncated",
            f"{name}: it ends at {audio.duration_s:.1f} s, the chart's last hit stands at {last_hit_s:.1f} s "
            f"(limit {config.max_overrun_s:.1f} s; is the download whole, and the right edit?)",
        )


@contextmanager
def _opened(data: bytes, name: str, max_duration_s: float) -> Iterator[soundfile.SoundFile]:
    try:
        file = soundfile.SoundFile(io.BytesIO(data))
    except soundfile.LibsndfileError as error:
        cause = error.error_string or "not a known audio format"
        raise AudioError("audio_undecodable", f"{name}: {len(data):,} bytes: {cause}") from error
    with file:
        low, high = _RATES_HZ
        if not low <= file.samplerate <= high:
            raise AudioError("audio_undecodable", f"{name}: {file.samplerate} Hz is outside {low}..{high} Hz")
        if _knows_its_length(file):
            _check_duration(name, file.frames / file.samplerate, max_duration_s)
        yield file


def _blocks(
    file: soundfile.SoundFile, data: bytes, *, name: str, max_duration_s: float
) -> Iterator[NDArray[np.float32]]:
    """Blocks [at most `_BLOCK_VALUES` / channels, channels] of finite float32 samples: all that was promised."""
    block_samples = max(1, _BLOCK_VALUES // file.channels)
    num_samples = 0
    while True:
        try:
            block = file.read(block_samples, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioError("audio_truncated", _stops(name, file, num_samples)) from error
        if not len(block):
            break
        if num_bad := int(np.count_nonzero(~np.isfinite(block))):
            place_s = num_samples / file.samplerate
            raise AudioError("audio_undecodable", f"{name}: {num_bad} samples after {place_s:.1f} s are not finite")
        num_samples += len(block)
        _check_duration(name, num_samples / file.samplerate, max_duration_s)
        yield block
    _check_whole(data, name, file, num_samples)


def _resampled(
    blocks: Iterable[NDArray[np.float32]], source_rate_hz: int, target_rate_hz: int, *, num_channels: int
) -> NDArray[np.float32]:
    """float32 [num_samples, num_channels] at the target's rate."""
    resampler = soxr.ResampleStream(source_rate_hz, target_rate_hz, num_channels, dtype="float32", quality="HQ")
    parts = [resampler.resample_chunk(block) for block in blocks]
    parts.append(resampler.resample_chunk(np.zeros((0, num_channels), dtype=np.float32), last=True))
    return np.concatenate(parts)


@dataclass
class _Level:
    """What is told of a source's samples while they pass."""

    num_values: int = 0
    num_clipped: int = 0
    peak: float = 0.0

    def heard(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        magnitude = np.abs(block)
        self.num_values += magnitude.size
        self.num_clipped += int(np.count_nonzero(magnitude >= _FULL_SCALE))
        self.peak = max(self.peak, float(magnitude.max()))
        return block


def _check_duration(name: str, duration_s: float, max_duration_s: float) -> None:
    if duration_s > max_duration_s:
        raise AudioError("audio_too_long", f"{name}: {duration_s:.1f} s or more, limit {max_duration_s:.1f} s")


def _check_whole(data: bytes, name: str, file: soundfile.SoundFile, num_samples: int) -> None:
    if not num_samples:
        raise AudioError("audio_undecodable", f"{name}: {len(data):,} bytes that hold no samples")
    missing = file.frames - num_samples if _knows_its_length(file) else 0
    # libsndfile shortens a WAV header's promise to what is there; the RIFF size is what was promised.
    riff_bytes = 8 + int.from_bytes(data[4:8], "little") if data[:4] == b"RIFF" else 0
    cut_riff = len(data) + 1 < riff_bytes < 0xFFFFFFFF  # written by a stream: size unknown
    if missing > _MAX_MISSING_S * file.samplerate or cut_riff:
        raise AudioError("audio_truncated", _stops(name, file, num_samples))


def _knows_its_length(file: soundfile.SoundFile) -> bool:
    return bool(0 < file.frames < 1 << 62)  # libsndfile's "unknown" is the largest count


def _stops(name: str, file: soundfile.SoundFile, num_samples: int) -> str:
    promised = f" of {file.frames / file.samplerate:.1f} s" if _knows_its_length(file) else ""
    return f"{name}: {file.format} data stops or breaks after {num_samples / file.samplerate:.1f} s{promised}"
