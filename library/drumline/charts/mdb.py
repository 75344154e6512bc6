"""MDB Drums: 23 songs of MedleyDB with every stroke annotated by ear, in 21 subclasses.

Two layouts are read: the repository's (``annotations/subclass``, ``annotations/beats``, ``audio/drum_only``,
``audio/full_mix``) and a flat folder of ``<Track>_subclass.txt``, ``<Track>.beats``, ``<Track>.yaml`` (MedleyDB's
metadata), ``<Track>.drums.flac``, and as mix ``<Track>.mastered.flac`` (the original one), else
``<Track>.rebuilt.flac`` (drums and the other raw tracks).

A dataset is built from the subclass annotation (`MDB`). The coarser one (`MDB_CLASS`, ``annotations/class`` or
``<Track>_class.txt``) is the same onsets in six classes, and its "other" mixes side stick with tambourine, which
would teach that a side stick is silence: it serves to repeat published scores, and is read only where it is asked
for. Subclasses do not tell a rimshot from a stroke on the head: plain, flammed and snareless strokes are the partial
label ``snare``; only ghost notes, drags and brushes, which cannot be rimshots, are ``snare_head``.

CC BY-NC-SA 4.0, so for evaluation only: every song is in the official split "test".
https://github.com/CarlSouthall/MDBDrums
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.beats import tempo_from_beats
from drumline.charts.corpus import CorpusItem, Read, below, first_present
from drumline.charts.documents import read_columns, read_yaml
from drumline.core.errors import ChartError
from drumline.core.hits import Hit, sorted_hits
from drumline.core.tempo import TempoMap

SUBCLASSES: Final = {
    "KD": "kick",
    "SD": "snare", "SDF": "snare", "SDNS": "snare",  # plain, flam, snares off
    "SDB": "snare_head", "SDD": "snare_head", "SDG": "snare_head",  # brush, drag, ghost
    "SST": "snare_rim",  # side stick
    "CHH": "hihat_closed", "OHH": "hihat_open", "PHH": "hihat_pedal",
    "HIT": "tom_high", "MHT": "tom_mid", "HFT": "tom_floor", "LFT": "tom_floor",
    "RDC": "ride_body", "RDB": "ride_bell",
    "CRC": "crash", "CHC": "crash", "SPC": "crash",  # crash, china, splash
    "TMB": "other",  # tambourine
}  # fmt: skip
"""Southall, Wu, Lerch, Hockman (ISMIR 2017), table 1 -> our labels."""

CLASS_WORDS: Final = {
    "KD": "kick", "SD": "snare", "TT": "tom", "HH": "hihat", "CY": "cymbal",
    "OT": "other",  # side stick and tambourine
}  # fmt: skip
"""The six classes of the coarse annotation -> our labels. Its hi-hat holds pedal strokes too."""

_WORDS: Final = {"subclass": SUBCLASSES, "class": CLASS_WORDS}
_FLAGS: Final = {"SDG": ("ghost",), "SDF": ("flam",)}
_ANNOTATION: Final = {
    truth: re.compile(rf"(?:(?P<folder>.*)/)?(?P<track>MusicDelta_[^/]+)_{truth}\.txt") for truth in _WORDS
}


@dataclass(frozen=True)
class MdbDrums:
    """MDB Drums, by one of its two annotations."""

    name: str = "mdb"
    truth: Literal["subclass", "class"] = "subclass"
    title: str = "MDB Drums"
    licence: str = "CC BY-NC-SA 4.0"
    citation: str = (
        "Southall, Wu, Lerch, Hockman: MDB Drums, an Annotated Subset of MedleyDB for Automatic Drum Transcription. "
        "ISMIR late-breaking, 2017."
    )
    url: str = "https://github.com/CarlSouthall/MDBDrums"
    may_train: bool = False

    def matches(self, files: Collection[str]) -> bool:
        # The coarse annotation is never meant by default: a folder that holds both is read by the fine one.
        return self.truth == "subclass" and any(_ANNOTATION[self.truth].fullmatch(path) for path in files)

    def items(self, files: Collection[str], read: Read) -> Iterable[CorpusItem]:
        present = set(files)
        for path in sorted(files):
            if not (match := _ANNOTATION[self.truth].fullmatch(path)):
                continue
            folder, track = match["folder"] or "", match["track"]
            root = folder.removesuffix(f"annotations/{self.truth}").rstrip("/")
            stem = first_present(
                [below(folder, f"{track}.drums.flac"), below(root, "audio/drum_only", f"{track}_Drum.wav")], present
            )
            mix = first_present(
                [
                    below(folder, f"{track}.mastered.flac"),
                    below(folder, f"{track}.rebuilt.flac"),
                    below(root, "audio/full_mix", f"{track}_MIX.wav"),
                ],
                present,
            )
            beats = [below(folder, f"{track}.beats"), below(root, "annotations/beats", f"{track}_MIX.beats")]
            companions = {
                "beats": first_present(beats, present),
                "words": first_present([below(folder, f"{track}.yaml")], present),
            }
            yield CorpusItem(
                key=track,
                annotation=path,
                audio={domain: paths for domain, paths in (("stem", stem), ("mix", mix)) if paths},
                extra={name: paths[0] for name, paths in companions.items() if paths},
            )

    def read(self, item: CorpusItem, read: Read) -> AnnotatedSong:
        hits, repairs, words = [], [], _WORDS[self.truth]
        for location, time_s, word in read_columns(read(item.annotation), item.annotation):
            if word not in words:
                repairs.append(f"{location}: unknown {self.truth} {word[:20]!r}, read as other")
            label = words.get(word, "other")
            hits.append(Hit(time_s=time_s, label=label, flags=_FLAGS.get(word, ()), source_name=word))
        title, artist, genre = item.key.removeprefix("MusicDelta_"), "Music Delta", ""
        if "words" in item.extra:
            about = read_yaml(read(item.extra["words"]), item.extra["words"])
            title, artist = about.text("title", title), about.text("artist", artist)
            genre = about.text("genre", "")
        return AnnotatedSong(
            format=self.name,
            hits=sorted_hits(hits),
            metadata=Metadata(title=title, artist=artist, genre=genre),
            tempo=_tempo_map(item.extra["beats"], read) if "beats" in item.extra else None,
            repairs=tuple(repairs),
            official_split="test",
            group=f"medleydb:{item.key}",
        )


def _tempo_map(path: str, read: Read) -> TempoMap | None:
    beats_s: list[float] = []
    positions: list[int] = []
    for location, time_s, word in read_columns(read(path), path):
        if not word.isdecimal():
            raise ChartError(location, f"{word[:20]!r} is no position in a bar")
        beats_s.append(time_s)
        positions.append(int(word))
    return tempo_from_beats(beats_s, positions)


MDB: Final = MdbDrums()
MDB_CLASS: Final = MdbDrums(name="mdb_class", truth="class", title="MDB Drums (six classes)")
