"""Corpora of annotated recordings: files in a known layout, each item an annotation with its audio.

A corpus knows its layout and its words; where the files lie, it does not: paths are relative to a root,
written with "/", and `Read` gives a file's bytes, whether the root is a folder, an archive or an object store.

mirdata has loaders for most of these corpora. We do not build on it: it fixes the layout by an index of
checksums that a partial copy or a re-encoded one fails, and it reads MIDI through pretty_midi, which loses notes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from drumline.charts.annotated_song import AnnotatedSong

Read = Callable[[str], bytes]
"""The bytes of a root-relative path. Raises OSError where there is no such file."""


@dataclass(frozen=True)
class CorpusItem:
    """One annotated recording of a corpus. Small, picklable, and enough to read it anywhere."""

    key: str
    """Unique in the corpus, and the same wherever its root lies."""
    annotation: str
    """Root-relative path of the annotation."""
    audio: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Domain (``stem``, ``stems``, ``mix``) -> root-relative paths, to be summed where there are several."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further inputs of `Corpus.read`: companion files, or a row of the corpus's table."""


class Corpus(Protocol):
    """One corpus."""

    @property
    def name(self) -> str:
        """Key in `corpora.CORPORA`, and ``AnnotatedSong.format``."""

    @property
    def title(self) -> str: ...

    @property
    def licence(self) -> str:
        """Licence of the annotations and the audio."""

    @property
    def citation(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def may_train(self) -> bool:
        """Whether the licence allows a model for any use to be trained on it; else it is for evaluation only."""

    def matches(self, files: Collection[str]) -> bool:
        """Whether these root-relative files hold the corpus. Looks at names only."""

    def items(self, files: Collection[str], read: Read) -> Iterable[CorpusItem]:
        """Every item whose annotation is there, in the order of the keys. Raises ChartError for a damaged table."""

    def read(self, item: CorpusItem, read: Read) -> AnnotatedSong:
        """The song of an item. Raises ChartError where its annotation is damaged."""


def first_present(candidates: Iterable[str], files: Collection[str]) -> tuple[str, ...]:
    """The first path that is there, as a tuple of one; empty where none is."""
    return next(((path,) for path in candidates if path in files), ())


def below(root: str, *parts: str) -> str:
    """A root-relative path under a folder, which may be the root itself (``""`` or ``.``)."""
    return "/".join(part for part in (root if root != "." else "", *parts) if part)
