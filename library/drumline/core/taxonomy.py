"""Drum classes, partial labels and branches.

A *class* is one of twelve things a drummer can play. A *label* is what a source told us: the set of
classes that it may have been. A game chart that says "red" gives the label ``snare`` = {head, rim}; what
a source cannot tell stays a set and is masked by the losses and the metrics, never guessed.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CLASSES: Final = (
    "kick",
    "snare_head",
    "snare_rim",  # rimshot and side stick
    "tom_high",
    "tom_mid",
    "tom_floor",
    "hihat_closed",
    "hihat_open",
    "hihat_pedal",  # kept in the data, not predicted by default
    "ride_body",
    "ride_bell",
    "crash",  # china and splash join it; Hit.source_name keeps the source's word
)

_PARTIAL: Final = {
    "snare": ("snare_head", "snare_rim"),
    "tom": ("tom_high", "tom_mid", "tom_floor"),
    "hihat": ("hihat_closed", "hihat_open"),  # struck with a stick: a pedal "chick" says so itself
    "ride": ("ride_body", "ride_bell"),
    "cymbal": ("ride_body", "ride_bell", "crash"),
    "tom_or_cymbal": (  # a yellow, blue or green gem of a chart without pro markers
        "tom_high", "tom_mid", "tom_floor",
        "hihat_closed", "hihat_open", "ride_body", "ride_bell", "crash",
    ),
    "unclear": CLASSES,  # a stroke that may be any, or one that nobody hears
    "other": (),  # percussion outside the twelve classes (cowbell, clap, tambourine)
}  # fmt: skip

LABELS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {name: frozenset({name}) for name in CLASSES} | {name: frozenset(classes) for name, classes in _PARTIAL.items()}
)
"""Every label a hit may carry, with the classes it may stand for. ``other`` stands for none."""


def labels_within(label: str) -> tuple[str, ...]:
    """The labels that are certainly of a label's classes, itself among them; none for ``other``."""
    return tuple(name for name, classes in LABELS.items() if classes and classes <= LABELS[label])


BRANCHES: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "kick": {"kick": 1},
        "snare": {"snare_head": 1, "snare_rim": 2},
        "tom": {"tom_floor": 1, "tom_high": 2, "tom_mid": 3},
        "hihat": {"hihat_closed": 1, "hihat_open": 2, "hihat_pedal": 3},
        "ride": {"ride_body": 1, "ride_bell": 2},
        "crash": {"crash": 1},
    }
)
"""Branch -> class -> state (0 is "none"). The rhythm-cymbal branch of the model reads two columns, hi-hat
and ride, because drummers strike both at once."""

BRANCH_OF: Final[Mapping[str, str]] = MappingProxyType(
    {name: branch for branch, states in BRANCHES.items() for name in states}
)
"""Class -> the branch that it is a state of."""
