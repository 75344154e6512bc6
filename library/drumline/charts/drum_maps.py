"""Drum maps: meanings of MIDI pitches and component names, by source.

Pick the table by source: 52, 55 and 58 are crash edges and a tom's rim on Roland kits, but china, splash and
vibraslap in General MIDI; 22 and 26 (hi-hat edges) do not exist in General MIDI at all.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

Piece = tuple[str, str]
"""(label, the source's name for it): the `Hit.label` and `Hit.source_name` that a pitch or a word stands for."""
DrumMap = Mapping[int, Piece]
"""MIDI pitch -> piece. A pitch that is not in the map is heard, but unknown: `piece_of`."""


def drum_map(pieces: Mapping[Piece, Iterable[int]]) -> DrumMap:
    """A map written the readable way around. Raises ValueError where a pitch has two meanings."""
    pairs = [(pitch, piece) for piece, pitches in pieces.items() for pitch in pitches]
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a pitch stands for two pieces")
    return MappingProxyType(dict(sorted(pairs)))


def piece_of(pitch: int, pieces: DrumMap) -> Piece:
    """The piece that a pitch sounds; ``other`` where the map does not say."""
    return pieces.get(pitch, ("other", f"pitch {pitch}"))


ROLAND: Final = drum_map(
    {
        ("kick", "kick"): (36,),
        ("snare_head", "snare head"): (38,),
        ("snare_rim", "snare rim"): (40,),
        ("snare_rim", "snare x-stick"): (37,),
        ("tom_high", "tom 1 head"): (48,),
        ("tom_high", "tom 1 rim"): (50,),
        ("tom_mid", "tom 2 head"): (45,),
        ("tom_mid", "tom 2 rim"): (47,),
        ("tom_floor", "tom 3 head"): (43,),
        ("tom_floor", "tom 3 rim"): (58,),
        ("hihat_closed", "hi-hat closed bow"): (42,),
        ("hihat_closed", "hi-hat closed edge"): (22,),
        ("hihat_open", "hi-hat open bow"): (46,),
        ("hihat_open", "hi-hat open edge"): (26,),
        ("hihat_pedal", "hi-hat pedal"): (44,),
        ("crash", "crash 1 bow"): (49,),
        ("crash", "crash 1 edge"): (55,),
        ("crash", "crash 2 bow"): (57,),
        ("crash", "crash 2 edge"): (52,),
        ("ride_body", "ride bow"): (51,),
        ("ride_body", "ride edge"): (59,),
        ("ride_bell", "ride bell"): (53,),
        ("other", "aux head"): (27,),
        ("other", "aux rim"): (28,),
        ("other", "hand clap"): (39,),  # 39, 54, 56: kits of E-GMD, arXiv 2004.00188, table 2
        ("other", "tambourine"): (54,),
        ("other", "cowbell"): (56,),
    }
)
"""Roland TD-11 and TD-17, factory settings: Groove MIDI and E-GMD (magenta.tensorflow.org/datasets/groove)."""

_GENERAL_MIDI_PERCUSSION: Final = (
    "high q", "slap", "scratch push", "scratch pull", "sticks", "square click", "metronome click", "metronome bell",
    "acoustic bass drum", "bass drum 1", "side stick", "acoustic snare", "hand clap", "electric snare",
    "low floor tom", "closed hi-hat", "high floor tom", "pedal hi-hat", "low tom", "open hi-hat", "low-mid tom",
    "hi-mid tom", "crash cymbal 1", "high tom", "ride cymbal 1", "chinese cymbal", "ride bell", "tambourine",
    "splash cymbal", "cowbell", "crash cymbal 2", "vibraslap", "ride cymbal 2", "high bongo", "low bongo",
    "mute high conga", "open high conga", "low conga", "high timbale", "low timbale", "high agogo", "low agogo",
    "cabasa", "maracas", "short whistle", "long whistle", "short guiro", "long guiro", "claves", "high wood block",
    "low wood block", "mute cuica", "open cuica", "mute triangle", "open triangle", "shaker", "jingle bell",
    "bell tree", "castanets", "mute surdo", "open surdo",
)  # fmt: skip

_GENERAL_MIDI_LABELS: Final = {
    35: "kick", 36: "kick",
    37: "snare_rim", 38: "snare_head", 40: "snare",  # 40 is "another snare": a head on some kits, a rim on others
    41: "tom_floor", 43: "tom_floor", 45: "tom_mid", 47: "tom_mid", 48: "tom_high", 50: "tom_high",
    42: "hihat_closed", 44: "hihat_pedal", 46: "hihat_open",
    51: "ride_body", 59: "ride_body", 53: "ride_bell",
    49: "crash", 52: "crash", 55: "crash", 57: "crash",
}  # fmt: skip

GENERAL_MIDI: Final[DrumMap] = MappingProxyType(
    {
        pitch: (_GENERAL_MIDI_LABELS.get(pitch, "other"), name)
        for pitch, name in enumerate(_GENERAL_MIDI_PERCUSSION, start=27)
    }
)
"""General MIDI level 1 percussion (35 to 81), with Roland GS and GM 2's additions at either end (27 to 87)."""

COMPONENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kick": "kick",
        "snare": "snare",
        "snare_center": "snare_head",
        "snare_head": "snare_head",
        "snare_off": "snare_head",
        "rimshot": "snare_rim",
        "snare_rimshot": "snare_rim",
        "snare_rim": "snare_rim",
        "cross_stick": "snare_rim",
        "snare_cross_stick": "snare_rim",
        "sidestick": "snare_rim",
        "side_stick": "snare_rim",
        "rim_click": "snare_rim",
        "hihat": "hihat",
        "hihat_closed": "hihat_closed",
        "hihat_half": "hihat_open",  # all that is not closed is open
        "hihat_open": "hihat_open",
        "hihat_pedal": "hihat_pedal",
        "hihat_foot": "hihat_pedal",
        # Rings like an open hi-hat; and the project's Groove import put stick strokes on the open edge here.
        "hihat_foot_splash": "hihat_open",
        "hihat_splash": "hihat_open",
        "ride": "ride",
        "ride_bow": "ride_body",
        "ride_edge": "ride_body",
        "ride_body": "ride_body",
        "ride_bell": "ride_bell",
        "crash": "crash",
        "crash1": "crash",
        "crash_1": "crash",
        "crash2": "crash",
        "crash_2": "crash",
        "crash3": "crash",
        "crash_3": "crash",
        "china": "crash",
        "china2": "crash",
        "splash": "crash",
        "cymbal": "cymbal",
        "tom": "tom",
        "tom_high": "tom_high",
        "tom_mid": "tom_mid",
        "tom_low": "tom_floor",
        "tom_floor": "tom_floor",
        "tom_floor2": "tom_floor",
        "tom_or_cymbal": "tom_or_cymbal",
        "unclear": "unclear",
        "drum_mix": "unclear",
        "aux_percussion": "other",
        "cowbell": "other",
        "tambourine": "other",
        "clap": "other",
        "shaker": "other",
        "other": "other",
    }
)
"""BeatSight's component names -> our labels: the union of its production set (18), its collectors' set (24),
the .bsm specification (16) and the .bs one (7). ``snare`` and ``ride`` stay partial: only some of those sets
tell the rim and the bell apart. Names are written in lower case with underscores: `component_label`."""


def component_label(name: str) -> str:
    """The label of a component name in any spelling (``HiHat``, ``Tom High``); ``other`` for a custom one."""
    key = name.strip().casefold().replace("-", "_").replace(" ", "_").replace("hi_hat", "hihat")
    return COMPONENTS.get(key, "other")
