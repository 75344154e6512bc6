"""Slakh2100: Lakh MIDI files played by sampled instruments, with the audio of every stem.

Layout, of slakh2100 (FLAC, folders ``train``, ``validation``, ``test`` and ``omitted``, the last being duplicates) and
babyslakh (WAV, no splits): ``TrackNNNNN/metadata.yaml``, ``MIDI/SNN.mid``, ``stems/SNN.flac``, ``mix.flac``. The drums
are the stems of class "Drums" that were rendered; a track may have several, and they are summed.

A pitch means what the kit that played it makes of it: Kontakt kits are not General MIDI. Each known patch
has its map here; another one is read as General MIDI, which is told among the repairs.

Kits, by their manuals: Native Instruments Studio Drummer and Abbey Road Modern Drummer (shared layout of
MIDI notes), and the patches of the Kontakt factory library.

CC BY 4.0. http://www.slakh.com
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.corpus import CorpusItem, Read, below, first_present
from drumline.charts.documents import Tree, as_tree, read_yaml
from drumline.charts.drum_maps import GENERAL_MIDI, DrumMap, Piece, drum_map
from drumline.charts.general_midi import read_performance
from drumline.core.errors import ChartError
from drumline.core.hits import Hit, sorted_hits

_NI: Final[Mapping[Piece, tuple[int, ...]]] = {
    ("kick", "kick"): (36, 60),
    ("snare_head", "snare center"): (38, 81, 83),
    ("snare_head", "snare halfway"): (40, 84, 86),
    ("snare_head", "snare wires off"): (64,),
    ("snare", "snare flam"): (62,),
    ("snare", "snare roll"): (63,),
    ("snare_rim", "snare sidestick"): (37,),
    ("snare_rim", "snare rimshot"): (39,),
    ("snare_rim", "snare rim only"): (61,),
    ("tom_high", "tom 1"): (47, 71, 98, 100),
    ("tom_mid", "tom 2"): (45, 69, 95, 96),
    ("hihat_closed", "hi-hat closed tip"): (42, 66, 85, 87, 90, 92),
    ("hihat_closed", "hi-hat closed shank"): (68, 94, 97),
    ("hihat_pedal", "hi-hat closed pedal"): (44,),
    ("hihat_open", "hi-hat open pedal"): (70,),
    ("hihat_open", "hi-hat open"): (46, 76, 77, 78, 79, 80),
    ("ride_body", "ride"): (51, 52),
    ("ride_bell", "ride bell"): (53,),
    ("crash", "high crash"): (48, 49, 50),
    ("crash", "low crash"): (54, 55, 56),
    ("crash", "china"): (57, 58),
    ("crash", "splash"): (59,),
    ("other", "choke"): (22, 23, 24, 25, 26),
    ("other", "percussion"): (27, 28, 29, 30, 31, 32, 33, 34, 35),
    ("other", "tom rim only"): (72, 73, 74, 75),
}
_TOM_3: Final = (43, 67, 91, 93)
_TOM_4: Final = (41, 65, 88, 89)
_ABBEY_ROAD: Final = drum_map(
    {
        **_NI,
        ("tom_mid", "low rack tom"): _TOM_3,
        ("tom_floor", "floor tom"): _TOM_4,
        ("kick", "kick half open"): (82,),
        ("snare", "snare splash"): (101, 102, 103),
        ("other", "more percussion"): (16, 17, 19, 21),
    }
)
# Whether tom 3 of 4 is a rack or a floor tom, the manual leaves open.
_FOUR_TOMS: Final = drum_map({**_NI, ("tom", "tom 3"): _TOM_3, ("tom_floor", "tom 4"): _TOM_4})
_THREE_TOMS: Final = drum_map({**_NI, ("tom_floor", "tom 3"): _TOM_3 + _TOM_4})
_FACTORY: Final = drum_map(
    {
        ("kick", "kick"): (35, 36),
        ("snare_head", "snare left"): (38,),
        ("snare_head", "snare right"): (40,),
        ("snare_rim", "side stick"): (37,),
        ("snare_rim", "rim shot"): (39,),
        ("tom_floor", "low tom"): (41, 43),
        ("tom_mid", "mid tom 1"): (45, 47),
        ("tom_mid", "mid tom 2"): (48, 50),
        ("tom_high", "high tom"): (52, 53),
        ("hihat_closed", "closed hi-hat"): (42,),
        ("hihat_pedal", "pedal hi-hat"): (44,),
        ("hihat_open", "open hi-hat"): (46,),
        ("ride_body", "ride"): (51, 59),
        ("ride_bell", "ride bell"): (54,),
        ("crash", "crash"): (49, 57),
        ("crash", "splash"): (55, 58),
        ("other", "cowbell"): (56,),
        ("other", "pattern"): tuple(range(60, 72)),  # one key plays a bar of several pieces
    }
)
_STREET_KNOWLEDGE: Final = drum_map(
    {
        ("kick", "bass drum"): (36, 47, 48, 59),
        ("snare", "snare"): (37, 38, 40, 50),
        ("hihat_closed", "closed hi-hat"): (42, 44, 46),
        ("other", "pattern"): tuple(range(60, 72)),
    }
)

KITS: Final[Mapping[str, DrumMap]] = MappingProxyType(
    {
        "ar_modern_sparkle_kit_full.nkm": _ABBEY_ROAD,
        "ar_modern_white_kit_full.nkm": _ABBEY_ROAD,
        "session_kit_full.nkm": _FOUR_TOMS,
        "stadium_kit_full.nkm": _FOUR_TOMS,
        "garage_kit_lite.nkm": _THREE_TOMS,
        "funk_kit.nkm": _FACTORY,
        "pop_kit.nkm": _FACTORY,
        "street_knowledge_kit.nkm": _STREET_KNOWLEDGE,
    }
)
"""``plugin_name`` of a stem -> its drum map."""

_ANNOTATION: Final = re.compile(r"(?P<root>(?:(?P<above>.*)/)?(?P<track>Track\d{5}))/metadata\.yaml")
_SPLITS: Final = ("train", "validation", "test")


@dataclass(frozen=True)
class Slakh:
    """Slakh2100 and babyslakh."""

    name: str = "slakh"
    title: str = "Synthesized Lakh (Slakh2100)"
    licence: str = "CC BY 4.0"
    citation: str = (
        "Manilow, Wichern, Seetharaman, Le Roux: Cutting Music Source Separation Some Slakh. IEEE WASPAA 2019."
    )
    url: str = "http://www.slakh.com"
    may_train: bool = True

    def matches(self, files: Collection[str]) -> bool:
        return any(_ANNOTATION.fullmatch(path) for path in files)

    def items(self, files: Collection[str], read: Read) -> Iterable[CorpusItem]:
        """Items of tracks with damaged metadata have no audio; `read` then says what is wrong."""
        present = set(files)
        for path in sorted(files):
            if not (match := _ANNOTATION.fullmatch(path)):
                continue
            folder = (match["above"] or "").rpartition("/")[2]
            if folder == "omitted":
                continue
            root = match["root"]
            try:
                names = sorted(_drum_stems(read_yaml(read(path), path)))
            except ChartError:
                names = []
            stems = tuple(
                audio for name in names for audio in first_present(_sounds(below(root, "stems", name)), present)
            )
            mix = first_present(_sounds(below(root, "mix")), present)
            audio = {"stem" if len(stems) == 1 else "stems": stems} if stems and len(stems) == len(names) else {}
            if mix and names:
                audio["mix"] = mix
            yield CorpusItem(
                key=match["track"],
                annotation=path,
                audio=audio,
                extra={"root": root, "split": folder if folder in _SPLITS else ""},
            )

    def read(self, item: CorpusItem, read: Read) -> AnnotatedSong:
        metadata = read_yaml(read(item.annotation), item.annotation)
        hits: list[Hit] = []
        repairs: list[str] = []
        tempo = None
        for name, stem in sorted(_drum_stems(metadata).items()):
            plugin = stem.text("plugin_name", "")
            if plugin not in KITS:
                repairs.append(f"{stem.location}plugin_name: {plugin!r} is not known, read as General MIDI")
            path = below(item.extra["root"], "MIDI", f"{name}.mid")
            try:
                data = read(path)
            except OSError as error:
                raise ChartError(path, "missing, though the metadata name it") from error
            performance = read_performance(data, path, drum_map=KITS.get(plugin, GENERAL_MIDI))
            hits.extend(performance.hits)
            tempo = tempo or performance.tempo
        uuid = metadata.text("UUID", item.key)
        return AnnotatedSong(
            format=self.name,
            hits=sorted_hits(hits),
            metadata=Metadata(title=item.key),
            tempo=tempo,
            repairs=tuple(repairs),
            official_split=item.extra["split"],
            group=f"slakh:{uuid}",
        )


def _drum_stems(metadata: Tree) -> dict[str, Tree]:
    """Name -> stem, of the drum stems that were rendered."""
    stems = {
        name.upper(): as_tree(value, f"{metadata.location}stems.{name}.")
        for name, value in metadata.tree("stems").values.items()
    }
    return {
        name: stem
        for name, stem in stems.items()
        if stem.flag("audio_rendered") and (stem.flag("is_drum") or stem.text("inst_class", "") == "Drums")
    }


def _sounds(path: str) -> tuple[str, str]:
    return f"{path}.flac", f"{path}.wav"


SLAKH: Final = Slakh()
