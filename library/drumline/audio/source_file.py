"""A range of a file that decoders read, which keeps what the storage raises.

libsndfile and FFmpeg read through callbacks, and a callback cannot raise: cffi prints the exception and libsndfile
takes it for the end of the file, so that a failing disk would look like a recording that was cut. `SourceFile` keeps
the exception, and `check` raises it where Python can catch it.
"""

from typing import BinaryIO


class SourceFile:
    """The bytes from ``start`` up to ``stop`` of a seekable file, as a file of their own.

    Parameters
    ----------
    source : BinaryIO
        Stays open; nothing else may move its position meanwhile.
    start, stop : int, optional
        In bytes. All of the file if left out.
    """

    def __init__(self, source: BinaryIO, start: int = 0, stop: int | None = None) -> None:
        self._source, self._start = source, start
        self.num_bytes = (source.seek(0, 2) if stop is None else stop) - start
        self._position = 0
        self._failure: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, fewer only at the end, or after a failure."""
        left = max(0, self.num_bytes - self._position)
        wanted = left if size < 0 else min(size, left)
        if not wanted or self._failure is not None:
            return b""
        try:
            self._source.seek(self._start + self._position)
            data = self._source.read(wanted)
            while len(data) < wanted and (more := self._source.read(wanted - len(data))):
                data += more
        except BaseException as error:
            self._failure = error  # raised by `check`
            return b""
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move, as files do; gives the position."""
        self._position = max(0, offset + (0, self._position, self.num_bytes)[whence])
        return self._position

    def tell(self) -> int:
        return self._position

    def read_at(self, position: int, size: int) -> bytes:
        """Bytes from a position on. Raises what the storage raises."""
        self.seek(position)
        data = self.read(size)
        self.check()
        return data

    def part(self, start: int, stop: int) -> "SourceFile":
        """A range of this range."""
        return SourceFile(self._source, self._start + start, self._start + stop)

    def check(self) -> None:
        """Raise what the storage raised since the file was opened, if anything."""
        if self._failure is not None:
            raise self._failure
