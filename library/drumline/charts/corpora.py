"""The corpora we read, by name."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from drumline.charts.corpus import Corpus, CorpusItem, Read
from drumline.charts.enst import ENST
from drumline.charts.groove import EGMD, GROOVE
from drumline.charts.mdb import MDB, MDB_CLASS
from drumline.charts.slakh import SLAKH

__all__ = ["CORPORA", "Corpus", "CorpusItem", "Read", "corpora_in"]

CORPORA: Final[Mapping[str, Corpus]] = MappingProxyType(
    {corpus.name: corpus for corpus in (GROOVE, EGMD, SLAKH, ENST, MDB, MDB_CLASS)}
)


def corpora_in(files: Collection[str]) -> tuple[Corpus, ...]:
    """The corpora that these root-relative files hold."""
    return tuple(corpus for corpus in CORPORA.values() if corpus.matches(files))
