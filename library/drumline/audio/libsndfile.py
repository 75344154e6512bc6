"""WAV, FLAC, Ogg Vorbis and Ogg Opus, and what FFmpeg does not read, by libsndfile."""

from collections.abc import Iterator
from typing import Final

import soundfile

from drumline.audio.block import Block
from drumline.audio.source_file import SourceFile

BLOCK_VALUES: Final = 1 << 18
"""Values of all channels in one block: 1 MiB of float32."""

_UNKNOWN_LENGTH: Final = 1 << 62  # libsndfile states the largest count there is


class SndfileDecoder:
    """A file that libsndfile reads (`audio.block.Decoder`)."""

    def __init__(self, source: SourceFile) -> None:
        """Read the header. Raises ValueError where libsndfile does not read it, and what the storage raises."""
        self._source = source
        source.seek(0)
        try:
            self._file = soundfile.SoundFile(source)
        except soundfile.LibsndfileError as error:
            source.check()
            raise ValueError(error.error_string or "not a known audio format") from error
        self.format: str = self._file.format
        if self.format in ("MP3", "MPEG"):
            self.close()
            raise ValueError("MPEG audio is decoded by FFmpeg")
        self.rate_hz: int = self._file.samplerate
        self.num_channels: int = self._file.channels
        known = 0 < self._file.frames < _UNKNOWN_LENGTH
        self.stated_s = self._file.frames / self.rate_hz if known else None
        self.breaks_off, self.lost_s = False, 0.0

    def blocks(self) -> Iterator[Block]:
        block_samples = max(1, BLOCK_VALUES // self.num_channels)
        while True:
            try:
                samples = self._file.read(block_samples, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:  # it keeps the part of the block before the damage to itself
                self._source.check()
                self.breaks_off = True
                return
            self._source.check()
            if not len(samples):
                return
            yield Block(samples, self.rate_hz)

    def close(self) -> None:
        self._file.close()
