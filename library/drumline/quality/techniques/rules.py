"""All rules: which techniques can be inferred from strokes, and how.

A rule takes the strokes of a recording and names the events that show its technique. Times and levels are a drummer's:
each rule's docstring says what it looks for, and docs/formats.md lists them all.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from drumline.quality.techniques import cymbals, drums, hihat, time
from drumline.quality.techniques.strokes import Ints, Strokes

Rule = Callable[[Strokes], Ints]
"""From a recording to the events that show a technique (indices, in any order, perhaps more than once)."""

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        **{rule.__name__: rule for rule in (
            drums.flam, drums.drag, drums.double_stroke, drums.buzz_roll, drums.ghost_note, drums.rimshot,
            drums.cross_stick, drums.snares_off, drums.double_kick_burst, drums.feathering, drums.floor_tom_ride,
            drums.bonham_triplet, drums.blast_beat, drums.linear_drumming, drums.cowbell,
            hihat.hihat_bark, hihat.hihat_foot_chick, hihat.hihat_splash, hihat.hihat_half_open,
            cymbals.ride_bell_accent, cymbals.crash_riding, cymbals.crash_build, cymbals.multi_cymbal_same_class,
            cymbals.cymbal_choke, cymbals.cymbal_stack_hit,
            time.variable_meter, time.metric_modulation, time.tempo_change, time.shuffle_feel, time.spang_a_lang,
            time.swing_feel,
        )},
        **{f"{family}_{place}": cymbals.position(family, place)
           for family in ("crash", "china") for place in ("high", "mid", "low")},
    }
)  # fmt: skip
"""Technique -> its rule."""


def meaning(technique: str) -> str:
    """What the rule looks for, as its docstring says."""
    return " ".join((RULES[technique].__doc__ or "").split())
