"""Dry pieces whose onsets are known to the sample, and where to find them again."""

import numpy as np

from drumline.effects.kit_layout import PLACES

RATE_HZ = 22_050
SPACING_S = 0.6


def hit(rate_hz: int = RATE_HZ, *, seed: int = 0, decay_s: float = 0.05) -> np.ndarray:
    """A skin and a stick: a falling tone under a burst of noise, loud from its first sample, 0.3 s long."""
    time_s = np.arange(round(0.3 * rate_hz)) / rate_hz
    noise = np.random.default_rng(seed).uniform(0.5, 1.0, len(time_s)) * np.where(np.arange(len(time_s)) % 3, -1, 1)
    tone = np.sin(2 * np.pi * 180 * time_s)
    return ((noise * np.exp(-time_s / 0.01) + tone * np.exp(-time_s / decay_s)) * 0.4).astype(np.float32)


def one_hit_each(rate_hz: int = RATE_HZ) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Every piece struck once, one after another; and the sample at which each begins."""
    length = round((len(PLACES) + 0.5) * SPACING_S * rate_hz)
    onsets = {name: round((0.2 + index * SPACING_S) * rate_hz) for index, name in enumerate(PLACES)}
    pieces = {}
    for seed, (name, onset) in enumerate(onsets.items()):
        pieces[name] = np.zeros(length, dtype=np.float32)
        stroke = hit(rate_hz, seed=seed)
        pieces[name][onset : onset + len(stroke)] = stroke
    return pieces, onsets


def heard_onset(samples: np.ndarray, near: int, rate_hz: int = RATE_HZ) -> int:
    """The first sample [channels, N] within 5 ms before and 10 ms after that stands at a tenth of their peak."""
    start = near - rate_hz // 200
    level = np.abs(np.atleast_2d(samples)).max(axis=0)[start : near + rate_hz // 100]
    return start + int(np.argmax(level >= 0.1 * level.max()))
