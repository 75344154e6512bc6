"""A kit as nobody recorded it: damped, struck with other sticks, a second kit's drum under each of its own.

A few kits sound like many that way, and a network cannot know a drum by its recording. Labels stay exact: what is laid
under a stroke begins with it, and gains never move an onset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from drumline.rendering.kit import PIECE_OF, PIECES, Kit, Samples, Stroke

RINGS_S: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "kick": (0.04, 0.4), "snare_head": (0.05, 0.4), "snare_rim": (0.02, 0.2),
        "tom_high": (0.06, 0.5), "tom_mid": (0.07, 0.6), "tom_floor": (0.08, 0.8),
        "hihat_closed": (0.015, 0.12), "hihat_open": (0.2, 1.0), "hihat_pedal": (0.015, 0.12),
        "ride_body": (0.2, 1.5), "ride_bell": (0.2, 1.5), "crash": (0.25, 1.5),
    }
)  # fmt: skip
"""Class -> how fast damped strokes die away: to 1/e in so many seconds, beyond what the recording does. An open hi-hat
still sounds longer than a closed one."""
_PROBABILITY: Final = 0.5
"""Probability of each alteration of a piece."""
_ATTACK_S: Final = (0.003, 0.02)
_ATTACK_DB: Final = 6.0
_UNDER_DB: Final = (-15.0, 3.0)


@dataclass(frozen=True)
class Alteration:
    """Alteration of the samples of a piece."""

    damping: float | None
    """Where in `RINGS_S` its classes are, 0 (short) to 1, on a logarithmic scale; None lets them ring."""
    attack_db: float
    """Gain of the attack against the rest [dB]."""
    attack_s: float
    """How long an attack is [s]."""
    under: Kit | None
    """Whose stroke of the same class is laid under."""
    under_db: float
    """How loud, by its peak against the stroke's own [dB]."""


@dataclass(frozen=True)
class AlteredKit:
    """A `kit.Kit` that plays another one otherwise: `altered_kit`."""

    kit: Kit
    alterations: Mapping[str, Alteration]
    """By `kit.PIECES`."""

    @property
    def name(self) -> str:
        return f"{self.kit.name}, altered"

    @property
    def rate_hz(self) -> int:
        return self.kit.rate_hz

    @property
    def drums(self) -> frozenset[str]:
        return self.kit.drums

    def stroke(
        self, drum: str, velocity: float, *, take: int, source_name: str = "", openness: float | None = None
    ) -> Stroke:
        """As `kit.Kit.stroke`."""
        own = self.kit.stroke(drum, velocity, take=take, source_name=source_name, openness=openness)
        made = self.alterations[PIECE_OF[drum]]
        if made.under is not None and drum in made.under.drums:
            other = made.under.stroke(drum, velocity, take=take, openness=openness)
            own = _laid_under(own, other, made.under_db)
        at = np.maximum(0, np.arange(len(own.samples)) - own.onset) / self.rate_hz
        gain = 10 ** (made.attack_db / 20 * np.exp(-at / made.attack_s))
        if made.damping is not None:
            short_s, long_s = RINGS_S[drum]
            gain *= np.exp(-at / (short_s * (long_s / short_s) ** made.damping))
        return Stroke((own.samples * gain).astype(np.float32), own.onset)


def altered_kit(kit: Kit, *, under: Kit | None, seed: int) -> AlteredKit:
    """Alterations of each piece, drawn; ``under`` is what may sound below it, at the same rate."""
    random = np.random.default_rng(seed)

    def drawn() -> Alteration:
        is_damped, is_struck_otherwise, is_doubled = random.random(3) < _PROBABILITY
        damping, attack_db = random.random(), random.uniform(-_ATTACK_DB, _ATTACK_DB)
        attack_s, under_db = np.exp(random.uniform(*np.log(_ATTACK_S))), random.uniform(*_UNDER_DB)
        return Alteration(
            float(damping) if is_damped else None,
            float(attack_db) if is_struck_otherwise else 0.0,
            float(attack_s),
            under if is_doubled else None,
            float(under_db),
        )

    return AlteredKit(kit, {piece: drawn() for piece in PIECES})


def _laid_under(own: Stroke, other: Stroke, level_db: float) -> Stroke:
    """Both, with their onsets in one place."""
    onset = max(own.onset, other.onset)
    length = onset + max(len(each.samples) - each.onset for each in (own, other))
    samples: Samples = np.zeros(length, dtype=np.float32)
    loudness = float(np.abs(own.samples).max()) / max(float(np.abs(other.samples).max()), 1e-9)
    for stroke, gain in ((own, 1.0), (other, loudness * 10 ** (level_db / 20))):
        start = onset - stroke.onset
        samples[start : start + len(stroke.samples)] += np.float32(gain) * stroke.samples
    return Stroke(samples, onset)
