"""MPEG audio, AAC, WMA, Matroska and all else that FFmpeg decodes, through PyAV.

A file can only name others to FFmpeg if its format is a play list or the like, so formats are limited to a list of
those that hold audio themselves. A frame that cannot be decoded is passed over, as players do; where the file states
the times of frames, silence takes its place, so that what follows is not early.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from drumline.audio import ac3, mpeg
from drumline.audio.block import Block, Samples
from drumline.audio.source_file import SourceFile

_BLOCK_VALUES: Final = 1 << 18
FORMATS: Final = (
    "aac,ac3,aiff,amr,ape,asf,asf_o,au,avi,caf,dsf,dts,eac3,flac,flv,iff,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,"
    "oga,ogg,oma,rm,sox,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
"""Formats that hold audio themselves, as an FFmpeg whitelist."""
_ESTIMATED: Final = (
    *("aac", "ac3", "amr", "amrnb", "amrwb", "dts", "eac3", "mlp", "mpeg", "mpegts", "truehd"),
    *("asf", "caf", "w64", "wav"),
)
"""Formats whose duration FFmpeg estimates from the bit rate, or takes from the size of the file."""
_FLAC: Final = "flac"
"""Its parser leaves damaged frames out without an error, and takes the times of the others from their headers."""
_MPEG: Final = "mp3"
_WAV: Final = "wav"
_WHOLE_FILE: Final = "matroska,webm"
"""States the duration of the longest track alone."""
_MAX_LOST_S: Final = 10.0
"""Silence in place of damage; a larger step of the time stamps is damage itself."""
_HEAD_BYTES: Final = 1 << 17
_INTEGERS: Final = {np.dtype(np.uint8): 128, np.dtype(np.int16): 1 << 15, np.dtype(np.int32): 1 << 31}
"""Full scale. Eight bits are unsigned, around 128."""


class FfmpegDecoder:
    """A file that FFmpeg reads (`audio.block.Decoder`)."""

    def __init__(self, source: SourceFile) -> None:
        """Read the header. Raises ValueError where FFmpeg finds no audio in it, and what the storage raises."""
        self._source = source
        head = source.read_at(0, _HEAD_BYTES)
        source.seek(0)
        try:
            self._container = av.open(
                source, mode="r", metadata_errors="replace", options={"format_whitelist": FORMATS}
            )
        except av.FFmpegError as error:
            source.check()
            cut = "; its index is missing, was it cut?" if head[4:8] == b"ftyp" and b"moov" not in head else ""
            raise ValueError(f"{error.strerror or type(error).__name__}{cut}") from error
        try:
            self._open(head)
        except BaseException:
            self.close()
            raise

    def _open(self, head: bytes) -> None:
        stream = self._container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise ValueError("it holds no audio")
        self._stream = stream
        context = stream.codec_context
        context.thread_count = 1
        if context.name == _FLAC:
            context.options = {"err_detect": "crccheck+explode"}  # else damage is decoded, to noise
        self.format = self._container.format.name.partition(",")[0]
        self.rate_hz = int(context.sample_rate or 0)
        self.num_channels = int(context.layout.nb_channels)
        self.stated_s = self._stated_s(head)
        self.breaks_off = self._lost = False
        self.lost_s = 0.0

    def _stated_s(self, head: bytes) -> float | None:
        name = self._container.format.name
        if name == _WHOLE_FILE and len(self._container.streams) == 1 and self._container.duration:
            return float(self._container.duration) / av.time_base
        if name == _MPEG:
            return mpeg.stated_s(head)
        if name in _ESTIMATED:
            return None
        duration, base = self._stream.duration, self._stream.time_base
        return float(duration * base) if duration and base else None

    def blocks(self) -> Iterator[Block]:
        waiting: list[Samples] = []
        rate_hz, num_values = self.rate_hz, 0
        for samples, frame_rate_hz in self._in_time():
            changes = waiting and (samples.shape[1] != waiting[0].shape[1] or frame_rate_hz != rate_hz)
            if waiting and (changes or num_values >= _BLOCK_VALUES):
                yield Block(np.concatenate(waiting), rate_hz)
                waiting, num_values = [], 0
            waiting.append(samples)
            rate_hz, num_values = frame_rate_hz, num_values + samples.size
        if waiting:
            yield Block(np.concatenate(waiting), rate_hz)

    def _in_time(self) -> Iterator[tuple[Samples, int]]:
        """The samples of frames with their rate, and silence for lost ones."""
        stamped = self.format not in (*_ESTIMATED, _MPEG)
        expected_s: float | None = None
        for frame in self._frames():
            samples, rate_hz, start_s = samples_of(frame), frame.sample_rate, frame.time
            if start_s is not None:
                if stamped and expected_s is not None and (self._lost or self.format == _FLAC):
                    num_lost = round((start_s - expected_s) * rate_hz)
                    if 0 < num_lost < _MAX_LOST_S * rate_hz:
                        self.lost_s += num_lost / rate_hz
                        yield np.zeros((num_lost, samples.shape[1]), dtype=np.float32), rate_hz
                    self._lost = False
                expected_s = start_s
            if expected_s is not None:
                expected_s += len(samples) / rate_hz
            yield samples, rate_hz

    def _frames(self) -> Iterator[AudioFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                packet, self.breaks_off = None, True
            self._source.check()
            if packet is None:
                return
            yield from self._decoded(packet)
            self._source.check()

    def _decoded(self, packet: Any) -> Sequence[AudioFrame]:
        frames: Sequence[AudioFrame] = ()
        fails = False
        try:
            frames = packet.decode()
        except av.FFmpegError:
            self._lost = fails = True
        if packet.size:  # the last packet of all is empty, and only flushes the decoder
            self.breaks_off = self._is_cut(packet, fails)
        return frames

    def _is_cut(self, packet: Any, fails: bool) -> bool:
        """Whether the end of a packet is missing."""
        if self.format == _WAV:
            return False  # its last packet is as long as the file allows, whatever the header states
        if self.format in (_MPEG, "aac"):
            return mpeg.lacks_bytes(bytes(packet))
        if self.format in ("ac3", "eac3"):
            return ac3.lacks_bytes(bytes(packet))
        return bool(packet.is_corrupt or fails)

    def close(self) -> None:
        self._container.close()


def samples_of(frame: AudioFrame) -> Samples:
    """The samples of a frame, of any sample format, [num_samples, num_channels] with full scale at 1.0."""
    values: NDArray[Any] = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)
    full_scale = _INTEGERS.get(values.dtype)
    if full_scale is None:
        return np.asarray(values, dtype=np.float32)
    if values.dtype == np.uint8:
        values = values.astype(np.int16) - 128
    return np.asarray(values, dtype=np.float32) / np.float32(full_scale)
