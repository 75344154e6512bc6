"""The decoder by the words of its definition: slow, obvious, over a whole song."""

import math

from drumline.core.taxonomy import BRANCHES
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration
from drumline.decoding.config import DecodeConfig

Hit = tuple[int, str, float]
"""Frame, class, confidence."""


def slow_peaks(values: list[float], threshold: float, reach: int) -> list[int]:
    """Frames that reach the threshold and are the highest around; of a plateau the first."""
    tops = [
        n
        for n, value in enumerate(values)
        if value >= threshold and value >= max(values[max(0, n - reach) : n + reach + 1])
    ]
    return [n for n in tops if n - 1 not in set(tops)]


def slow_spaced(hits: list[Hit], spacing: float) -> list[Hit]:
    """The strongest first, each keeping its distance from those that are kept."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: -hit[2]):  # stable: of equals the first stays
        if all(abs(hit[0] - other[0]) >= spacing for other in kept):
            kept.append(hit)
    return sorted(kept, key=hits.index)


def raised(threshold: float, log_odds: float) -> float:
    if not 0 < threshold < 1:
        return threshold
    return 1 / (1 + math.exp(-(math.log(threshold / (1 - threshold)) + log_odds)))


def slow_decode(song: Activations, config: DecodeConfig, calibration: Calibration | None = None) -> list[Hit]:
    """Every hit, in order of frame and class."""
    spacing = {c: config.spacings_ms.get(c, config.spacing_ms) / 1000 * song.grid.frame_rate_hz for c in song.classes}
    drums = {drum: [c for c in song.classes if c in kinds] for drum, kinds in BRANCHES.items()}
    voices = drums if config.one_kind else {c: [c] for c in song.classes}

    def threshold_of(name: str) -> float:
        threshold = config.thresholds.get(name, config.threshold)
        if calibration is not None and name in calibration.labels and calibration.labels[name].threshold > 0:
            threshold = calibration.labels[name].threshold
        return raised(threshold, config.threshold_log_odds)

    found: list[Hit] = []
    for name, kinds in voices.items():
        if not kinds:
            continue
        activations = song.probability[:, [song.classes.index(kind) for kind in kinds]]
        activation = activations.sum(axis=1).clip(max=1)[:, None]
        if calibration is not None:
            activation = calibration.temper(activation, (name,)).astype("float32")
        values = activation[:, 0].tolist()
        peaks = [
            n
            for n in slow_peaks(values, threshold_of(name), config.reach_frames)
            if max(song.onset[max(0, n - config.reach_frames) : n + config.reach_frames + 1]) >= config.onset_threshold
        ]
        shifts = calibration.labels[name].kinds if calibration and name in calibration.labels else {}
        weights = [math.exp(shifts.get(kind, 0.0)) for kind in kinds]
        likeliest = {
            n: max(kinds, key=lambda kind: activations[n, kinds.index(kind)] * weights[kinds.index(kind)])
            for n in peaks
        }
        hits = [(n, likeliest[n], values[n]) for n in peaks]
        found += slow_spaced(hits, min(spacing[kind] for kind in kinds))
    found.sort(key=lambda hit: (hit[0], song.classes.index(hit[1])))
    rides, crashes = ([hit for hit in found if hit[1] in BRANCHES[drum]] for drum in ("ride", "crash"))
    rivals = dict.fromkeys(rides, crashes) | dict.fromkeys(crashes, rides)
    margin = config.ride_crash_margin
    return [
        hit
        for hit in found
        if not any(abs(hit[0] - n) <= 1 and confidence - hit[2] > margin for n, _, confidence in rivals.get(hit, []))
    ]
