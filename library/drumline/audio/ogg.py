"""The structure of an Ogg file: which streams follow each other in it, and whether it ends within a page.

Ogg streams may be chained: after the end of one a next one begins, with headers, rate and channels of its own (RFC
3533, section 4). libsndfile plays the first and stops. An Ogg file states no length, so a cut shows in its last page
alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from drumline.audio.source_file import SourceFile

MAGIC: Final = b"OggS"

_HEADER_BYTES: Final = 27
_MAX_PAGE_BYTES: Final = 65_307
_CONTINUED, _FIRST, _LAST = 1, 2, 4  # bits of a page's header type
_OF_LIBSNDFILE: Final = (b"\x01vorbis", b"OpusHead")


@dataclass(frozen=True)
class Link:
    """One stream of a chain, or several that sound at once."""

    start: int
    """Position of its first page [bytes]."""
    stop: int
    codecs: tuple[bytes, ...]
    """First eight bytes of each logical stream's first packet."""

    @property
    def is_plain(self) -> bool:
        """Whether it is one stream of Vorbis or Opus."""
        return len(self.codecs) == 1 and self.codecs[0].startswith(_OF_LIBSNDFILE)


@dataclass(frozen=True)
class _Page:
    start: int
    stop: int
    flags: int
    codec: bytes
    ends_packet: bool


def links_of(file: SourceFile) -> tuple[tuple[Link, ...], bool]:
    """The links of a chain in their order, and whether the last page is incomplete; reads the headers of pages."""
    starts: list[int] = []
    codecs: list[list[bytes]] = []
    last: _Page | None = None
    for page in _pages(file):
        if page.flags & _FIRST:
            if last is None or not last.flags & _FIRST:
                starts.append(page.start)
                codecs.append([])
            codecs[-1].append(page.codec)
        last = page
    if last is None or not starts:
        return (), False
    is_cut = last.stop > file.num_bytes or not (last.ends_packet or last.flags & _LAST)
    stops = [*starts[1:], file.num_bytes]
    return tuple(Link(*link) for link in zip(starts, stops, map(tuple, codecs), strict=True)), is_cut


def _pages(file: SourceFile) -> Iterator[_Page]:
    position = 0
    while position < file.num_bytes:
        head = file.read_at(position, _HEADER_BYTES + 255 + 8)
        if not head.startswith(MAGIC):
            if (position := _next_page(file, position + 1)) < 0:
                return
            continue
        num_segments = head[_HEADER_BYTES - 1] if len(head) >= _HEADER_BYTES else 0
        sizes = head[_HEADER_BYTES:][:num_segments]
        body = position + _HEADER_BYTES + num_segments
        # A header that is cut itself ends beyond the file, whatever its body.
        stop = body + sum(sizes) if len(sizes) == num_segments and len(head) >= _HEADER_BYTES else file.num_bytes + 1
        flags = head[5] if len(head) > 5 else 0
        ends_packet = not sizes or sizes[-1] < 255
        yield _Page(position, stop, flags, head[_HEADER_BYTES + num_segments :][:8], ends_packet)
        position = stop


def _next_page(file: SourceFile, position: int) -> int:
    """Where the next page starts, -1 where none does: something else may precede or follow a stream."""
    while position < file.num_bytes:
        data = file.read_at(position, _MAX_PAGE_BYTES)
        if (found := data.find(MAGIC)) >= 0:
            return position + found
        position += max(1, len(data) - len(MAGIC) + 1)
    return -1
