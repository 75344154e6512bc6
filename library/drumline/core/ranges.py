"""Configuration types for randomised parameters: ranges of uniform and log-uniform distributions, probabilities."""

from typing import Annotated

from pydantic import AfterValidator, Field


def _in_order(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the lower bound {bounds[0]} is above the upper {bounds[1]}")
    return bounds


def _above_zero(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] <= 0:
        raise ValueError(f"the lower bound {bounds[0]} must be above 0")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_in_order)]
"""Lowest and highest value of a uniform distribution; equal bounds fix the value."""
PositiveRange = Annotated[Range, AfterValidator(_above_zero)]
"""Bounds of a log-uniform distribution (frequencies, times, ratios, sizes); both are above 0."""
Probability = Annotated[float, Field(ge=0, le=1)]
"""A probability from 0 (never) to 1 (always)."""
