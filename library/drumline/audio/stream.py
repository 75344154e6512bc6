"""A recording as blocks of samples, so that memory holds one block of the source, however long it is.

One path for the command line, jobs, builds and the endpoint: which decoder reads a file is decided by its bytes, never
by its name. libsndfile reads WAV, FLAC, Ogg Vorbis and Ogg Opus; FFmpeg reads everything else, WAV without a size, and
FLAC behind damage (docs/decisions/0033).

A recording is *truncated* where its file holds less than its header states (an estimate states nothing), ends within a
page or a frame, or is damaged for longer than 50 ms. What is there is given all the same; `AudioStream.truncated` says
so at the end.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO, Final

import numpy as np
import soxr

from drumline.audio import asf, matroska, mpeg, ogg, riff
from drumline.audio.block import Block, Decoder, Samples
from drumline.audio.libsndfile import SndfileDecoder
from drumline.audio.sniff import HEAD_BYTES, extension_of
from drumline.audio.source_file import SourceFile
from drumline.core.errors import AudioError

VERSION: Final = "2"
"""Version of the decoding of bytes into samples. Raised with any change that moves a sample: results that were
computed from older samples are then not found again."""

_RATES_HZ: Final = (4_000, 768_000)  # outside: a damaged header, not a recording
_MAX_MISSING_S: Final = 0.05
_MAX_LINKS: Final = 10_000

Open = Callable[[SourceFile], Decoder]


@dataclass
class _Plan:
    """Parts of a file and the decoders that read them."""

    parts: list[tuple[SourceFile, tuple[Open, ...]]]
    """One after the other; the first decoder that reads a part is used."""
    is_cut: bool = False
    """Whether the structure of the file shows that its end is missing."""


class AudioStream:
    """A recording that is being read; `opened` makes it."""

    def __init__(self, plan: _Plan, first: Decoder, *, name: str, max_duration_s: float) -> None:
        self._plan, self._first, self._name, self._max_duration_s = plan, first, name, max_duration_s
        self.rate_hz, self.num_channels = first.rate_hz, first.num_channels
        self.stated_s = first.stated_s if len(plan.parts) == 1 else None
        """The duration that the header states; None where it is unknown."""
        self.duration_s = 0.0
        """Duration of the blocks so far [s]."""
        self.num_samples = 0
        """Samples a channel so far."""
        self.truncated = ""
        """Where the recording breaks off or is damaged, for people; empty where it is whole, and before the end."""
        self._check_rate(self.rate_hz)
        self._check_duration(self.stated_s or 0.0)

    def blocks(self) -> Iterator[Block]:
        """All of it, once.

        Raises
        ------
        AudioError
            ``audio_undecodable`` for samples that are not finite or for none at all; ``audio_too_long``.
        Exception
            What the storage raises.
        """
        yield from self._of_decoder(self._first, self._plan.parts[0][0])
        for source, openers in self._plan.parts[1:]:
            try:
                decoder = _decoder(source, openers, self._name)
            except AudioError:
                self._break_off(self._first.format)
                break
            with closing(decoder):
                yield from self._of_decoder(decoder, source)
        if not self.num_samples:
            self._fail("audio_undecodable", "holds no samples")
        if self._plan.is_cut and not self.truncated:
            self._break_off(self._first.format)

    def _of_decoder(self, decoder: Decoder, source: SourceFile) -> Iterator[Block]:
        start_s, num_before = self.duration_s, self.num_samples
        yield from self._checked(decoder.blocks())
        breaks_off, lost_s = decoder.breaks_off, decoder.lost_s
        if breaks_off and isinstance(decoder, SndfileDecoder):
            # FFmpeg goes on behind the damage, or at least up to it: libsndfile loses the block that it is in.
            with closing(_decoder(source, (_ffmpeg,), self._name)) as other:
                yield from self._checked(_without(other.blocks(), self.num_samples - num_before))
                breaks_off, lost_s = other.breaks_off, other.lost_s
        if decoder.stated_s is not None:
            breaks_off = decoder.stated_s - (self.duration_s - start_s) > _MAX_MISSING_S
        if breaks_off:
            self._break_off(decoder.format, of_s=decoder.stated_s)
        elif lost_s > _MAX_MISSING_S:
            self.truncated = f"{decoder.format} data is damaged: {lost_s:.2f} s of it are silence"

    def _checked(self, blocks: Iterable[Block]) -> Iterator[Block]:
        for block in blocks:
            self._check_rate(block.rate_hz)
            if num_bad := int(np.count_nonzero(~np.isfinite(block.samples))):
                self._fail("audio_undecodable", f"{num_bad} samples after {self.duration_s:.1f} s are not finite")
            self.num_samples += len(block.samples)
            self.duration_s += len(block.samples) / block.rate_hz
            self._check_duration(self.duration_s)
            yield block

    def _break_off(self, kind: str, of_s: float | None = None) -> None:
        stated = f" of {of_s:.1f} s" if of_s is not None else ""
        self.truncated = f"{kind} data stops or breaks after {self.duration_s:.1f} s{stated}"

    def _check_duration(self, duration_s: float) -> None:
        if duration_s > self._max_duration_s:
            self._fail("audio_too_long", f"{duration_s:.1f} s or more, limit {self._max_duration_s:.1f} s")

    def _check_rate(self, rate_hz: int) -> None:
        low, high = _RATES_HZ
        if not low <= rate_hz <= high:
            self._fail("audio_undecodable", f"{rate_hz} Hz is outside {low}..{high} Hz")

    def _fail(self, reason: str, detail: str) -> None:
        raise AudioError(reason, f"{self._name}: {detail}")


@contextmanager
def opened(source: BinaryIO, name: str, max_duration_s: float) -> Iterator[AudioStream]:
    """Read the header of an encoded file.

    Parameters
    ----------
    source : BinaryIO
        Seekable; stays open.
    name : str
        For messages.
    max_duration_s : float

    Raises
    ------
    AudioError
        ``audio_undecodable`` or, by what the header states, ``audio_too_long``.
    Exception
        What the storage raises.
    """
    plan = _plan(SourceFile(source))
    first = _decoder(*plan.parts[0], name)
    with closing(first):
        yield AudioStream(plan, first, name=name, max_duration_s=max_duration_s)


def resampled(blocks: Iterable[Block], target_rate_hz: int, *, num_channels: int) -> Iterator[Samples]:
    """The same at the target's rate, in other pieces."""
    for rate_hz, group in groupby(blocks, key=lambda block: block.rate_hz):
        resampler = soxr.ResampleStream(rate_hz, target_rate_hz, num_channels, dtype="float32", quality="HQ")
        for block in group:
            yield resampler.resample_chunk(block.samples)
        yield resampler.resample_chunk(np.zeros((0, num_channels), dtype=np.float32), last=True)


def _plan(file: SourceFile) -> _Plan:
    file = mpeg.untagged(file)
    head = file.read_at(0, HEAD_BYTES)
    kind = extension_of(head)
    if kind == ".ogg":
        links, is_cut = ogg.links_of(file)
        parts = [
            (file.part(link.start, link.stop), _SNDFILE_FIRST if link.is_plain else _FFMPEG_FIRST)
            for link in links[:_MAX_LINKS]
        ]
        return _Plan(parts or [(file, _SNDFILE_FIRST)], is_cut)
    if kind == ".wav" and (data := riff.data_of(file)) is not None:
        openers = _FFMPEG_FIRST if data.duration_s is None else _SNDFILE_FIRST
        return _Plan([(file, openers)], data.missing_s > _MAX_MISSING_S)
    if kind in (".mka", ".webm"):
        return _Plan([(file, _FFMPEG_FIRST)], matroska.is_cut(file))
    if kind == ".wma":
        return _Plan([(file, _FFMPEG_FIRST)], asf.is_cut(head, file.num_bytes))
    if kind == ".mp3":
        file = file.part(max(0, mpeg.first_frame(head)), file.num_bytes)
    return _Plan([(file, _SNDFILE_FIRST if kind == ".flac" else _FFMPEG_FIRST)])


def _decoder(source: SourceFile, openers: tuple[Open, ...], name: str) -> Decoder:
    """The first that reads it. Raises AudioError ``audio_undecodable`` where none of them reads it."""
    causes = []
    for open_ in openers:
        try:
            return open_(source)
        except ValueError as error:
            causes.append(str(error))
    raise AudioError("audio_undecodable", f"{name}: {source.num_bytes:,} bytes: {causes[openers.index(_ffmpeg)]}")


def _sndfile(source: SourceFile) -> Decoder:
    return SndfileDecoder(source)


def _ffmpeg(source: SourceFile) -> Decoder:
    from drumline.audio.ffmpeg import FfmpegDecoder  # loads 60 MB of libraries in 0.1 s

    return FfmpegDecoder(source)


_SNDFILE_FIRST: Final[tuple[Open, ...]] = (_sndfile, _ffmpeg)
_FFMPEG_FIRST: Final[tuple[Open, ...]] = (_ffmpeg, _sndfile)


def _without(blocks: Iterable[Block], num_samples: int) -> Iterator[Block]:
    """Blocks without the first samples."""
    for block in blocks:
        skipped = min(num_samples, len(block.samples))
        num_samples -= skipped
        if skipped < len(block.samples):
            yield Block(block.samples[skipped:], block.rate_hz)
