"""Groove MIDI and Expanded Groove MIDI (E-GMD): ten drummers on Roland kits, with official splits.

Layout: a table beside folders ``drummerN/sessionM``; every row names a MIDI file, its audio, the performance
(``id``), the drummer, the style and the split. E-GMD plays each Groove performance on 43 kits: rows of one
``id`` share a group, across both corpora, so that no performance crosses a split.

The official splits are by performance, not by drummer: the same drummers play in all three. The audio of
Groove (not in its MIDI-only archive) is the kit's own sound, so both corpora give the domain ``stem``.

https://magenta.tensorflow.org/datasets/groove, https://magenta.tensorflow.org/datasets/e-gmd (CC BY 4.0)
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.corpus import CorpusItem, Read, below, first_present
from drumline.charts.documents import read_csv
from drumline.charts.drum_maps import ROLAND
from drumline.charts.general_midi import ROLAND_CLOSED_CC4, read_performance
from drumline.core.errors import ChartError

_COLUMNS: Final = ("drummer", "id", "style", "split", "midi_filename", "audio_filename")
_SPLITS: Final = ("train", "validation", "test")


@dataclass(frozen=True)
class RolandCorpus:
    """A corpus of performances on Roland kits with a table in CSV."""

    name: str
    title: str
    citation: str
    url: str
    table_pattern: str
    """Regular expression of the table's file name."""
    licence: str = "CC BY 4.0"
    may_train: bool = True

    def matches(self, files: Collection[str]) -> bool:
        return self._table(files) is not None

    def items(self, files: Collection[str], read: Read) -> Iterable[CorpusItem]:
        if (table := self._table(files)) is None:
            return
        present, root, found = set(files), str(PurePosixPath(table).parent), []
        for location, row in read_csv(read(table), table):
            if missing := [column for column in _COLUMNS if column not in row]:
                raise ChartError(location, f"no column {missing[0]}")
            if (annotation := below(root, row["midi_filename"])) not in present:
                continue
            audio = first_present([below(root, row["audio_filename"])], present) if row["audio_filename"] else ()
            found.append(
                CorpusItem(
                    key=str(PurePosixPath(row["midi_filename"]).with_suffix("")),
                    annotation=annotation,
                    audio={"stem": audio} if audio else {},
                    extra=dict(row),
                )
            )
        yield from sorted(found, key=lambda item: item.key)

    def read(self, item: CorpusItem, read: Read) -> AnnotatedSong:
        performance = read_performance(
            read(item.annotation), item.annotation, drum_map=ROLAND, closed_cc4=ROLAND_CLOSED_CC4
        )
        row = item.extra
        split = row["split"].strip().casefold()
        return AnnotatedSong(
            format=self.name,
            hits=performance.hits,
            metadata=Metadata(
                title=row["id"],
                artist=row["drummer"],
                genre=row["style"].partition("/")[0],  # "jazz/funk": the primary style
                charter=row["drummer"],
            ),
            tempo=performance.tempo,
            official_split=split if split in _SPLITS else "",
            group=f"groove:{row['id']}",
        )

    def _table(self, files: Collection[str]) -> str | None:
        """The table, which has folders of drummers beside it; the one nearest to the root if there are more."""
        tables = [path for path in files if re.fullmatch(self.table_pattern, path.rpartition("/")[2])]
        for table in sorted(tables, key=lambda path: (path.count("/"), path)):
            beside = below(str(PurePosixPath(table).parent), "drummer")
            if any(path.startswith(beside) for path in files):
                return table
        return None


GROOVE: Final = RolandCorpus(
    name="groove",
    title="Groove MIDI Dataset",
    citation="Gillick, Roberts, Engel, Eck, Bamman: Learning to Groove with Inverse Sequence Transformations. "
    "ICML 2019.",
    url="https://magenta.tensorflow.org/datasets/groove",
    table_pattern=r"info\.csv",
)
EGMD: Final = RolandCorpus(
    name="egmd",
    title="Expanded Groove MIDI Dataset (E-GMD)",
    citation="Callender, Hawthorne, Engel: Improving Perceptual Quality of Drum Transcription with the Expanded Groove "
    "MIDI Dataset. arXiv 2004.00188, 2020.",
    url="https://magenta.tensorflow.org/datasets/e-gmd",
    table_pattern=r"e-gmd.*\.csv",
)
