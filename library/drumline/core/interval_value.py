"""Numbers in reports: rounded to measurable digits, ``null`` where undefined, with confidence intervals."""

import math
from typing import Final, SupportsFloat

from drumline.core.config import Config

Number = float | None

DECIMALS: Final = 6


class Value(Config):
    """A number with its confidence interval."""

    value: Number
    """Point estimate over the songs as they are; null where undefined."""
    low: Number
    """Lower end of the confidence interval."""
    high: Number
    """Upper end of the confidence interval."""


def number(value: SupportsFloat) -> Number:
    """Round a number for JSON to `DECIMALS` digits; NaN becomes None."""
    return None if math.isnan(rounded := float(value)) else round(rounded, DECIMALS)


def measured(value: SupportsFloat, low: SupportsFloat = math.nan, high: SupportsFloat = math.nan) -> Value:
    """A value for JSON, with its interval where there is one."""
    return Value(value=number(value), low=number(low), high=number(high))
