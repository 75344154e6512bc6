"""Numbers as reports hold them: rounded to what can be measured, ``null`` where there is no answer."""

import math
from typing import Final, SupportsFloat

from drumline.core.config import Config

Number = float | None

DECIMALS: Final = 6


class Value(Config):
    """A number with its interval."""

    value: Number
    """Of the songs as they are."""
    low: Number
    """Lower end of the interval."""
    high: Number
    """Upper end."""


def number(value: SupportsFloat) -> Number:
    """For JSON: NaN becomes null, and digits beyond measuring go."""
    return None if math.isnan(told := float(value)) else round(told, DECIMALS)


def measured(value: SupportsFloat, low: SupportsFloat = math.nan, high: SupportsFloat = math.nan) -> Value:
    """A value for JSON, with its interval where there is one."""
    return Value(value=number(value), low=number(low), high=number(high))
