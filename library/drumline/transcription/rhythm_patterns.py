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

from drumline.core.vocabularies import INSTRUMENTS

Array = NDArray[np.float64]

DRUMS: Final = INSTRUMENTS.classes
STEPS: Final = 6
"""Positions in an eighth note at which densities are kept."""
_FILE: Final = "rhythm_patterns.json"
_ITERATIONS: Final = 15
_LEAST_SPREAD: Final = 0.15
"""Least standard deviation of the logarithm of a pattern's tempo."""
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
    log_tempo: Array
    """[S, 2] mean and deviation of the natural logarithm of the tempo [quarter notes per minute]."""

    @property
    def num_eighths(self) -> int:
        return int(self.density.shape[1]) // STEPS


@dataclass(frozen=True)
class Bar:
    """One bar of training material."""

    time_signature: tuple[int, int]
    counts: Array
    """[eighths * `STEPS`, drums]."""
    tempo_bpm: float
    """Quarter notes per minute."""


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
        chosen = [bar for bar in bars if bar.time_signature == signature]
        counts = np.stack([bar.counts for bar in chosen])
        log_tempo = np.log([bar.tempo_bpm for bar in chosen])
        fitted.append(_fit_metre(signature, counts, log_tempo, number, np.random.default_rng(seed)))
    return fitted


def _fit_metre(
    signature: tuple[int, int], counts: Array, log_tempo: Array, number: int, random: np.random.Generator
) -> MetrePatterns:
    mean = _density(counts.sum(axis=0), np.ones(counts.shape[1:]), 1.0)
    seeds = random.choice(len(counts), number, replace=False)
    density = np.stack([_density(counts[index], mean, 4.0) for index in seeds])
    centre, spread = log_tempo[seeds], np.full(number, 0.4)
    weights = np.full(number, 1.0 / number)
    flat = counts.reshape(len(counts), -1)
    for _ in range(_ITERATIONS):
        score = flat @ np.log(density).reshape(number, -1).T + np.log(weights)
        score -= 0.5 * np.square((log_tempo[:, np.newaxis] - centre) / spread) + np.log(spread)
        share = np.exp(score - score.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        mass = share.sum(axis=0)
        weights = (mass + 1.0) / (len(counts) + number)
        density = np.stack([_density(total, mean, _PRIOR_HITS) for total in (share.T @ flat).reshape(density.shape)])
        centre = (share.T @ log_tempo + log_tempo.mean()) / (mass + 1)
        variance = (share * np.square(log_tempo[:, np.newaxis] - centre)).sum(axis=0) / (mass + 1)
        spread = np.sqrt(variance + _LEAST_SPREAD**2)
    return MetrePatterns(signature, weights, density, np.stack([centre, spread], axis=1))


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
                    "log_tempo": log_tempo.round(3).tolist(),
                    "density": {
                        drum: (100 * density[:, k]).round().astype(int).tolist() for k, drum in enumerate(DRUMS)
                    },
                }
                for weight, density, log_tempo in zip(metre.weights, metre.density, metre.log_tempo, strict=True)
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
            np.array([each["log_tempo"] for each in metre["patterns"]]),
        )
        for metre in tree["metres"]
    )
