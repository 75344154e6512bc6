"""Where in the bar each drum is played: rhythm patterns as relative densities, per metre.

A pattern states for each drum how many times more often than on average it is hit at each position of the bar, in
twelfths of a quarter note. Several patterns per metre are a mixture (Krebs, Boeck, Widmer, "Rhythmic Pattern Modeling
for Beat and Downbeat Tracking in Musical Audio", ISMIR 2013, on hits in place of spectral flux). `fit` makes them by
expectation maximisation from bars with known beats; ``rhythm_patterns.json`` holds the released ones.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumline.metrics.vocabulary import INSTRUMENTS

Array = NDArray[np.float64]

DRUMS: Final = INSTRUMENTS.classes
STEPS: Final = 6
"""Positions in an eighth note at which densities are kept."""
_FILE: Final = "rhythm_patterns.json"
_ITERATIONS: Final = 15
_PRIOR_HITS: Final = 20.0
"""Weight, in hits, of the metre's mean pattern in each pattern."""


@dataclass(frozen=True)
class MetrePatterns:
    """The patterns of one metre."""

    time_signature: tuple[int, int]
    weights: Array
    """[S], sum 1."""
    density: Array
    """[S, eighths * `STEPS`, drums], mean 1 over positions."""

    @property
    def num_eighths(self) -> int:
        return self.density.shape[1] // STEPS


@dataclass(frozen=True)
class Bar:
    """One bar of training material."""

    time_signature: tuple[int, int]
    counts: Array
    """[eighths * `STEPS`, drums]."""


def fit(bars: Sequence[Bar], num_patterns: Mapping[tuple[int, int], int], *, seed: int = 0) -> list[MetrePatterns]:
    """Fit mixtures of multinomials to bars, by metre.

    Parameters
    ----------
    bars
        Bars of any metre.
    num_patterns
        Patterns for each metre; metres that are not among them are left out.

    Returns
    -------
    list of MetrePatterns
    """
    fitted = []
    for signature, number in num_patterns.items():
        counts = np.stack([bar.counts for bar in bars if bar.time_signature == signature])
        fitted.append(_fit_metre(signature, counts, number, np.random.default_rng(seed)))
    return fitted


def _fit_metre(signature: tuple[int, int], counts: Array, number: int, random: np.random.Generator) -> MetrePatterns:
    mean = _density(counts.sum(axis=0), np.ones(counts.shape[1:]), 1.0)
    density = np.stack([_density(counts[index], mean, 4.0) for index in random.choice(len(counts), number, False)])
    weights = np.full(number, 1.0 / number)
    for _ in range(_ITERATIONS):
        score = counts.reshape(len(counts), -1) @ np.log(density).reshape(number, -1).T + np.log(weights)
        share = np.exp(score - score.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        weights = (share.sum(axis=0) + 1.0) / (len(counts) + number)
        density = np.stack(
            [
                _density(total, mean, _PRIOR_HITS)
                for total in (share.T @ counts.reshape(len(counts), -1)).reshape(density.shape)
            ]
        )
    return MetrePatterns(signature, weights, density)


def _density(counts: Array, prior: Array, prior_hits: float) -> Array:
    """Relative densities [P, drums], mean 1 for each drum, with a share of the prior's and a floor."""
    mixed = counts + prior_hits * prior / len(prior) + 0.02
    return np.asarray(mixed / mixed.mean(axis=0))


def dump(patterns: Sequence[MetrePatterns]) -> str:
    """The patterns as JSON, densities in hundredths."""
    metres = [
        {
            "time_signature": metre.time_signature,
            "patterns": [
                {
                    "weight": round(float(weight), 4),
                    "density": {
                        drum: (100 * density[:, k]).round().astype(int).tolist() for k, drum in enumerate(DRUMS)
                    },
                }
                for weight, density in zip(metre.weights, metre.density, strict=True)
            ],
        }
        for metre in patterns
    ]
    return json.dumps({"steps": STEPS, "metres": metres}, separators=(",", ":")) + "\n"


@cache
def released() -> tuple[MetrePatterns, ...]:
    """The patterns that come with the package."""
    return parse((files("drumline.transcription") / _FILE).read_text("utf-8"))


def parse(text: str) -> tuple[MetrePatterns, ...]:
    """The inverse of `dump`."""
    tree: Any = json.loads(text)
    return tuple(
        MetrePatterns(
            (metre["time_signature"][0], metre["time_signature"][1]),
            np.array([each["weight"] for each in metre["patterns"]]),
            np.maximum(
                np.array([[each["density"][drum] for drum in DRUMS] for each in metre["patterns"]]).transpose(0, 2, 1)
                / 100,
                0.01,
            ),
        )
        for metre in tree["metres"]
    )
