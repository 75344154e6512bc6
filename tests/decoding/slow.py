"""The decoder by the words of its definition: slow, obvious, over a whole song."""

import math

from drumline.core.taxonomy import BRANCHES
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration
from drumline.decoding.strokes import DecodeConfig

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


def slow_apart(hits: list[Hit], spacing: float) -> list[Hit]:
    """The strongest first, each keeping its distance from those that are kept."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: -hit[2]):  # stable: of equals the first stays
        if all(abs(hit[0] - other[0]) >= spacing for other in kept):
            kept.append(hit)
    return sorted(kept, key=hits.index)


def slow_strokes(song: Activations, config: DecodeConfig, calibration: Calibration | None = None) -> list[Hit]:
    """Every hit, in order of frame and class."""
    confidence = song.probability
    if calibration is not None:
        confidence = calibration.temper(confidence, song.classes).astype("float32")
    spacing = {c: config.spacings_ms.get(c, config.spacing_ms) / 1000 * song.grid.frame_rate_hz for c in song.classes}
    found: list[Hit] = []
    for column, name in enumerate(song.classes):
        threshold = config.thresholds.get(name, config.threshold)
        if calibration is not None and name in calibration.labels and calibration.labels[name].threshold > 0:
            threshold = calibration.labels[name].threshold
        if config.threshold_log_odds and 0 < threshold < 1:
            threshold = 1 / (1 + math.exp(-(math.log(threshold / (1 - threshold)) + config.threshold_log_odds)))
        values = confidence[:, column].tolist()
        tops = slow_peaks(values, threshold, config.reach_frames)
        heard = [
            n
            for n in tops
            if max(song.onset[max(0, n - config.reach_frames) : n + config.reach_frames + 1]) >= config.onset_threshold
        ]
        found += slow_apart([(n, name, values[n]) for n in heard], spacing[name])
    found.sort(key=lambda hit: (hit[0], song.classes.index(hit[1])))
    if config.one_kind:
        for kinds in BRANCHES.values():
            mine = [hit for hit in found if hit[1] in kinds]
            nearest = max(1.0, min([spacing[c] for c in song.classes if c in kinds], default=1.0))
            kept = slow_apart(mine, nearest)
            found = [hit for hit in found if hit[1] not in kinds or hit in kept]
    toms = [hit for hit in found if hit[1] in BRANCHES["tom"]]
    cymbals = [hit for hit in found if any(hit[1] in BRANCHES[name] for name in ("hihat", "ride", "crash"))]
    rivals = {hit: cymbals for hit in toms} | {hit: toms for hit in cymbals}
    return [
        hit
        for hit in found
        if not any(
            abs(hit[0] - other[0]) <= 1 and other[2] - hit[2] > config.tom_cymbal_margin
            for other in rivals.get(hit, [])
        )
    ]
