"""One decoder for every source: bytes in, mono float32 at `core.grid.RATE_HZ` out.

`audio.stream` reads block by block, so memory holds one block of the source and the mono result, however the header
lies. A dataset refuses a recording that breaks off; transcription takes what there is of it, and says so. The sample
values are the source's own: full scale is 1.0, lossy files may exceed it.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.audio.block import Block, Samples
from drumline.audio.downmix import MEAN
from drumline.audio.read import SourceFacts, read_audio
from drumline.audio.stream import AudioStream
from drumline.core.config import Config
from drumline.core.errors import AudioError
from drumline.core.grid import RATE_HZ

SEPARATION_RATE_HZ: Final = 44_100
"""The rate that separators work at."""

MAX_DURATION_S: Final = 24 * 3600.0
"""A longer recording is a damaged header."""

_FULL_SCALE: Final = 0.9999  # 16-bit full scale is 32767/32768 = 0.99997


class AudioConfig(Config):
    """Requirements on audio that serves as training data."""

    min_duration_s: float = Field(default=5.0, ge=0.4)
    """Seconds. Shorter audio is ``audio_too_short``. Loudness needs 0.4."""
    max_duration_s: float = Field(default=1200.0, gt=0)
    """Seconds. Longer audio is ``audio_too_long``, told from the header or, where that lies, while decoding."""
    silence_db: float = -60.0
    """dBFS. Audio whose mono peak stays under it is ``audio_silent``."""
    max_clipped_fraction: float = Field(default=0.02, ge=0, le=1)
    """Largest share of source samples at full scale: under 0.001 in masters, 0.02 to 0.06 in drums 12 dB too loud."""
    max_overrun_s: float = Field(default=1.0, ge=0)
    """Seconds by which the chart's last hit may lie behind the end of the audio, before that is ``audio_truncated``."""


@dataclass(frozen=True, eq=False)
class Audio:
    """Decoded audio."""

    samples: NDArray[np.float32]
    """[num_samples], mono at `RATE_HZ`."""
    source_rate_hz: int
    num_channels: int
    source_num_samples: int
    """Samples a channel, at the source's rate."""
    peak: float
    """The largest absolute source sample in any channel."""
    clipped_fraction: float
    """The part of source samples at or beyond full scale."""
    truncated: str = ""
    """Where the recording breaks off, for people; empty where it is whole."""
    downmix: str = MEAN
    """Name of the mix of the channels (`audio.downmix`): their mean, unless they cancel in it."""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / RATE_HZ


@dataclass(frozen=True, eq=False)
class NativeAudio:
    """Decoded audio at the sampling rate of its source."""

    samples: NDArray[np.float32]
    """[num_samples], mono."""
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


@dataclass(frozen=True, eq=False)
class StereoAudio:
    """Decoded audio as a separator takes it."""

    samples: NDArray[np.float32]
    """[2, num_samples] at `SEPARATION_RATE_HZ`."""
    truncated: str = ""
    downmix: str = MEAN
    """As in `Audio`. For ``difference`` the second channel is inverted."""


def decode(data: bytes, *, name: str, config: AudioConfig, allow_truncated: bool = False) -> Audio:
    """Decode a whole file to mono at `RATE_HZ`.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        For messages.
    config : AudioConfig
    allow_truncated : bool
        Give what is there of a recording that breaks off, and say so in `Audio.truncated`.

    Raises
    ------
    AudioError
        ``audio_undecodable`` (also for samples that are not finite), ``audio_truncated``, ``audio_too_long``.
    """
    level = _Level()
    samples, source = read_audio(
        io.BytesIO(data),
        _joined,
        name=name,
        max_duration_s=config.max_duration_s,
        rate_hz=RATE_HZ,
        on_block=level.add,
    )
    _check_truncation(source, name, allow_truncated)
    return Audio(
        samples=samples[:, 0],
        source_rate_hz=source.rate_hz,
        num_channels=source.num_channels,
        source_num_samples=source.num_samples,
        peak=level.peak,
        clipped_fraction=level.num_clipped / level.num_values,
        truncated=source.truncated,
        downmix=source.downmix,
    )


def decode_native(data: bytes, *, name: str, max_duration_s: float = MAX_DURATION_S) -> NativeAudio:
    """Decode a whole file to mono at its own sampling rate.

    Raises AudioError ``audio_undecodable``, ``audio_truncated`` or ``audio_too_long``.
    """
    samples, source = read_audio(io.BytesIO(data), _joined, name=name, max_duration_s=max_duration_s, rate_hz=None)
    _check_truncation(source, name, allow_truncated=False)
    return NativeAudio(samples[:, 0], source.rate_hz)


def decode_stereo(data: bytes, *, name: str, config: AudioConfig, allow_truncated: bool = False) -> StereoAudio:
    """Decode a whole file as a separator takes it. Parameters and errors are those of `decode`.

    Mono goes to both sides; of more than two channels both sides get the mean.
    """
    samples, source = read_audio(
        io.BytesIO(data),
        _joined,
        name=name,
        max_duration_s=config.max_duration_s,
        rate_hz=SEPARATION_RATE_HZ,
        num_channels=2,
    )
    _check_truncation(source, name, allow_truncated)
    return StereoAudio(np.ascontiguousarray(samples.T), source.truncated, source.downmix)


def _joined(pieces: Iterator[Samples]) -> Samples:
    return np.concatenate(list(pieces))


def _check_truncation(source: SourceFacts, name: str, allow_truncated: bool) -> None:
    if source.truncated and not allow_truncated:
        raise AudioError("audio_truncated", f"{name}: {source.truncated}")


def mix(audios: Sequence[Audio]) -> Audio:
    """The sum of recordings that start together, as long as the longest.

    Of the source facts it keeps the largest; ``peak`` is that of the loudest part, ``clipped_fraction`` that of the
    worst, because nothing clips in a float sum; of truncations and downmixes the first that there is.
    """
    samples = mix_samples([audio.samples for audio in audios])
    return Audio(
        samples=samples,
        source_rate_hz=max(audio.source_rate_hz for audio in audios),
        num_channels=max(audio.num_channels for audio in audios),
        source_num_samples=max(audio.source_num_samples for audio in audios),
        peak=max(audio.peak for audio in audios),
        clipped_fraction=max(audio.clipped_fraction for audio in audios),
        truncated=next((audio.truncated for audio in audios if audio.truncated), ""),
        downmix=next((audio.downmix for audio in audios if audio.downmix != MEAN), MEAN),
    )


def mix_stereo(audios: Sequence[StereoAudio]) -> StereoAudio:
    """As `mix`, for a separator."""
    return StereoAudio(
        mix_samples([audio.samples for audio in audios]),
        truncated=next((audio.truncated for audio in audios if audio.truncated), ""),
        downmix=next((audio.downmix for audio in audios if audio.downmix != MEAN), MEAN),
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


@dataclass
class _Level:
    """Peak and clipping of a source's samples."""

    num_values: int = 0
    num_clipped: int = 0
    peak: float = 0.0

    def add(self, _: AudioStream, block: Block) -> None:
        magnitude = np.abs(block.samples)
        self.num_values += magnitude.size
        self.num_clipped += int(np.count_nonzero(magnitude >= _FULL_SCALE))
        self.peak = max(self.peak, float(magnitude.max()))
