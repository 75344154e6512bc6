"""ENST-Drums: three drummers on three kits, annotated from audio and video.

Layout: ``drummer_N/annotation/<name>.txt`` (a time and a label a line), ``drummer_N/audio/wet_mix/<name>.wav`` (the
whole kit, as mixed), ``audio/accompaniment/<name>.wav`` where a backing track was played to. The domain
``stem`` is the wet mix, else the dry one; the domain ``mix`` is that plus the accompaniment, at unit gain.
Also a flat folder of ``[anything_]drummer_N_<name>.txt`` beside the audio of that name, whose labels may be ours: a
folder named ``mix`` holds mixes, any other drums alone.

Labels end in the number of the cymbal (``cr2``, ``rc3``). A ride's bell is not told apart, nor a pedal stroke
from a closed hi-hat. Toms are named by their place in the drummer's own set, so that only the low-mid and
the low floor tom can be said to be ours.

For research that is not commercial, on request to its authors: for evaluation only, every item is "test".
https://perso.telecom-paristech.fr/grichard/ENST-drums/
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.corpus import CorpusItem, Read, below, first_present
from drumline.charts.documents import read_columns
from drumline.core.hits import Hit, sorted_hits
from drumline.core.taxonomy import LABELS

LABELS_OF_WORDS: Final = {
    "bd": "kick",
    "sd": "snare_head", "sd-": "snare_head",  # with the snares off
    "rs": "snare_rim", "cs": "snare_rim",  # rimshot, cross stick
    "chh": "hihat_closed", "ohh": "hihat_open",
    "mt": "tom", "lt": "tom", "lmt": "tom_mid", "lft": "tom_floor",
    "rc": "ride", "cr": "crash", "ch": "crash", "china": "crash", "spl": "crash",
    "c": "cymbal",  # any other
    "cb": "other", "sticks": "other", "sweep": "other",  # cowbell, sticks together, brush across the head
    "mtr": "other", "ltr": "other",  # rims of toms
}  # fmt: skip
"""Gillet and Richard (ISMIR 2006), the number of the cymbal taken off -> our labels."""

_FLAT: Final = re.compile(r"(?:(?P<folder>.*)/)?(?:[^/]*_)?(?P<drummer>drummer_\d+)_(?P<name>[^/]+)\.txt")
_SOUNDS: Final = (".ogg", ".wav", ".flac")
_ANNOTATION: Final = re.compile(r"(?P<root>(?:.*/)?(?P<drummer>drummer_\d+))/annotation/(?P<name>[^/]+)\.txt")


@dataclass(frozen=True)
class EnstDrums:
    """ENST-Drums."""

    name: str = "enst"
    title: str = "ENST-Drums"
    licence: str = "research only, not commercial"
    citation: str = (
        "Gillet, Richard: ENST-Drums, an Extensive Audio-Visual Database for Drum Signals Processing. ISMIR 2006."
    )
    url: str = "https://perso.telecom-paristech.fr/grichard/ENST-drums/"
    may_train: bool = False

    def matches(self, files: Collection[str]) -> bool:
        return any(_ANNOTATION.fullmatch(path) or _FLAT.fullmatch(path) for path in files)

    def items(self, files: Collection[str], read: Read) -> Iterable[CorpusItem]:
        present = set(files)
        for path in sorted(files):
            if flat := _FLAT.fullmatch(path):
                bare = path.removesuffix(".txt")
                found = first_present([bare + ending for ending in _SOUNDS], present)
                domain = "mix" if (flat["folder"] or "").rpartition("/")[2] == "mix" else "stem"
                yield CorpusItem(
                    key=f"{flat['drummer']}/{flat['name']}",
                    annotation=path,
                    audio={domain: found} if found else {},
                    extra={"drummer": flat["drummer"], "name": flat["name"]},
                )
            if not (match := _ANNOTATION.fullmatch(path)):
                continue
            sound = f"{match['name']}.wav"
            mixes = [below(match["root"], "audio", kind, sound) for kind in ("wet_mix", "dry_mix")]
            stem = first_present(mixes, present)
            backing = first_present([below(match["root"], "audio/accompaniment", sound)], present)
            audio = {"stem": stem} if stem else {}
            if stem and backing:
                audio["mix"] = stem + backing
            yield CorpusItem(
                key=f"{match['drummer']}/{match['name']}",
                annotation=path,
                audio=audio,
                extra={"drummer": match["drummer"], "name": match["name"]},
            )

    def read(self, item: CorpusItem, read: Read) -> AnnotatedSong:
        hits, repairs = [], []
        for location, time_s, word in read_columns(read(item.annotation), item.annotation):
            label = LABELS_OF_WORDS.get(word.casefold().rstrip("0123456789"), word if word in LABELS else None)
            if label is None:
                repairs.append(f"{location}: unknown label {word[:20]!r}, read as other")
            hits.append(Hit(time_s=time_s, label=label or "other", source_name=word))
        drummer, name = item.extra["drummer"], item.extra["name"]
        # 036_phrase_disco_simple_slow_sticks: number, kind, style, complexity, tempo, tools
        parts = name.split("_")
        return AnnotatedSong(
            format=self.name,
            hits=sorted_hits(hits),
            metadata=Metadata(
                title=name,
                artist=drummer,
                genre=parts[2] if len(parts) > 2 and parts[1] == "phrase" else "",
                charter=f"ENST {drummer}",
            ),
            repairs=tuple(repairs),
            official_split="test",
            group=f"enst:{drummer}",
        )


ENST: Final = EnstDrums()
