"""An encoded file as blocks of samples, so that memory holds one block of the source, however long it is.

libsndfile reads WAV, FLAC, Ogg Vorbis, Ogg Opus and MP3, whatever the file is called; soxr resamples. What is wrong
with a file is told as it comes to light: the end of a stream that was cut is only met at the end.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from drumline.core.errors import AudioError

Block = NDArray[np.float32]
"""[num_samples, num_channels]"""

_BLOCK_VALUES: Final = 1 << 18  # all channels together: 1 MiB of float32
_RATES_HZ: Final = (8_000, 192_000)  # outside: a damaged header, not a recording
_MAX_MISSING_S: Final = 0.1  # MP3 headers count encoder delay, at most three frames of 1152 samples


@contextmanager
def opened(source: BinaryIO, name: str, max_duration_s: float) -> Iterator[soundfile.SoundFile]:
    """The file's header, read. Raises AudioError: ``audio_undecodable`` or ``audio_too_long``."""
    try:
        file = soundfile.SoundFile(source)
    except soundfile.LibsndfileError as error:
        cause = error.error_string or "not a known audio format"
        raise AudioError("audio_undecodable", f"{name}: {_num_bytes(source):,} bytes: {cause}") from error
    with file:
        low, high = _RATES_HZ
        if not low <= file.samplerate <= high:
            raise AudioError("audio_undecodable", f"{name}: {file.samplerate} Hz is outside {low}..{high} Hz")
        if _knows_its_length(file):
            _check_duration(name, file.frames / file.samplerate, max_duration_s)
        yield file


def blocks(file: soundfile.SoundFile, source: BinaryIO, *, name: str, max_duration_s: float) -> Iterator[Block]:
    """Blocks of finite samples: all that was promised.

    Raises AudioError: ``audio_undecodable`` (also for samples that are not finite), ``audio_truncated`` (it holds
    less than its header promises) or ``audio_too_long``.
    """
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
    _check_whole(source, name, file, num_samples)


def mono(block: Block) -> Block:
    """The mean of the channels [num_samples, 1]. Column by column: numpy's mean over so short an axis is ten times
    slower."""
    total = block[:, :1].copy()
    for channel in range(1, block.shape[1]):
        total += block[:, channel : channel + 1]
    return np.divide(total, np.float32(block.shape[1]), out=total)


def resampled(
    pieces: Iterable[Block], source_rate_hz: int, target_rate_hz: int, *, num_channels: int
) -> Iterator[Block]:
    """The same at the target's rate, in other pieces."""
    resampler = soxr.ResampleStream(source_rate_hz, target_rate_hz, num_channels, dtype="float32", quality="HQ")
    for piece in pieces:
        yield resampler.resample_chunk(piece)
    yield resampler.resample_chunk(np.zeros((0, num_channels), dtype=np.float32), last=True)


def _check_duration(name: str, duration_s: float, max_duration_s: float) -> None:
    if duration_s > max_duration_s:
        raise AudioError("audio_too_long", f"{name}: {duration_s:.1f} s or more, limit {max_duration_s:.1f} s")


def _check_whole(source: BinaryIO, name: str, file: soundfile.SoundFile, num_samples: int) -> None:
    num_bytes = _num_bytes(source)
    if not num_samples:
        raise AudioError("audio_undecodable", f"{name}: {num_bytes:,} bytes that hold no samples")
    missing = file.frames - num_samples if _knows_its_length(file) else 0
    # libsndfile shortens a WAV header's promise to what is there; the RIFF size is what was promised.
    source.seek(0)
    start = source.read(8)
    riff_bytes = 8 + int.from_bytes(start[4:], "little") if start[:4] == b"RIFF" else 0
    cut_riff = num_bytes + 1 < riff_bytes < 0xFFFFFFFF  # written by a stream: size unknown
    if missing > _MAX_MISSING_S * file.samplerate or cut_riff:
        raise AudioError("audio_truncated", _stops(name, file, num_samples))


def _num_bytes(source: BinaryIO) -> int:
    return source.seek(0, 2)


def _knows_its_length(file: soundfile.SoundFile) -> bool:
    return bool(0 < file.frames < 1 << 62)  # libsndfile's "unknown" is the largest count


def _stops(name: str, file: soundfile.SoundFile, num_samples: int) -> str:
    promised = f" of {file.frames / file.samplerate:.1f} s" if _knows_its_length(file) else ""
    return f"{name}: {file.format} data stops or breaks after {num_samples / file.samplerate:.1f} s{promised}"
