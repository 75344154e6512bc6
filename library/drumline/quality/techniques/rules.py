"""All technique rules by the technique that they infer.

A rule maps the hits of one recording to the events that show its technique. Times and levels are those of a drummer:
the docstring of each rule is its definition, and docs/formats.md lists them all.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from drumline.quality.techniques import cymbals, drums, hihat, time
from drumline.quality.techniques.recording_hits import Ints, RecordingHits

Rule = Callable[[RecordingHits], Ints]
"""From the hits of a recording to the indices of events that show a technique, in any order, perhaps repeated."""

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
        **{f"{family}_{height}": cymbals.position(family, height)
           for family in ("crash", "china") for height in ("high", "mid", "low")},
    }
)  # fmt: skip
"""Technique -> its rule."""


def rule_description(technique: str) -> str:
    """Definition of a technique's rule, from its docstring."""
    return " ".join((RULES[technique].__doc__ or "").split())
