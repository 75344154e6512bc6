"""Branches of the model: five over the six instruments of the label columns, and eleven classes.

An *instrument* is a key of `core.taxonomy.BRANCHES`: kick, snare, tom, hihat, ride, crash. The model's rhythm-cymbal
branch holds two of them, hi-hat and ride, which a drummer strikes at once (docs/decisions/0012).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from drumline.core.taxonomy import BRANCHES as INSTRUMENT_STATES
from drumline.core.taxonomy import CLASSES
from drumline.labels.targets import UNPREDICTED

INSTRUMENTS: Final = tuple(INSTRUMENT_STATES)
BRANCHES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"kick": ("kick",), "snare": ("snare",), "tom": ("tom",), "cymbal": ("hihat", "ride"), "crash": ("crash",)}
)
"""Branch of the model -> its instruments."""
PREDICTED: Final = tuple(name for name in CLASSES if name not in UNPREDICTED)
"""The classes of the model's answer, in the order of `CLASSES`: all but `hihat_pedal`."""
VARIATIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        instrument: kinds
        for instrument, states in INSTRUMENT_STATES.items()
        if len(kinds := tuple(name for name in sorted(states, key=states.__getitem__) if name in PREDICTED)) > 1
    }
)
"""Instrument that has kinds -> its predicted classes, in the order of their states 1, 2, ..."""
INSTRUMENT_OF: Final[Mapping[str, str]] = MappingProxyType(
    {name: instrument for instrument, states in INSTRUMENT_STATES.items() for name in states if name in PREDICTED}
)
"""Predicted class -> its instrument."""
