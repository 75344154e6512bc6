"""Micro and macro scores from summed counts, with bootstrap confidence intervals over songs."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.interval_value import DECIMALS, Number, Value, number
from drumline.core.vocabularies import CERTAIN, OUTSIDE, VOCABULARIES
from drumline.evaluation.config import EvaluationConfig
from drumline.evaluation.measures import (
    ClassScores,
    ClassTiming,
    Edits,
    Errors,
    EventScores,
    GapRow,
    Gaps,
    Matrix,
    Reliability,
    ScoreValues,
    Subdivisions,
)
from drumline.evaluation.song import AMONG, EDIT_VOCABULARIES, SongScore
from drumline.metrics.bootstrap import BootstrapConfig, Interval, resample
from drumline.metrics.calibration import reliability
from drumline.metrics.confusion import VARIATIONS, accuracy
from drumline.metrics.edits import edits_per_100_notes
from drumline.metrics.paired import paired_errors
from drumline.metrics.rhythm import IOI_BINS, NOTE_VALUES, TEMPO_BANDS
from drumline.metrics.scores import Scores, false_positives_per_minute, macro, micro, ratio, scores
from drumline.metrics.tally import columns_of
from drumline.metrics.timing import timing

EXTRA: Final = ("extra", "missed")
"""Labels of the last row and column of the confusion matrix of all classes."""


def with_totals(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Precision, recall and F-measure [..., 2 + C, 3] from counts [..., C, 3]: micro, macro, then each class."""
    parts = (micro(counts), macro(counts))
    totals = [_stacked(part)[..., None, :] for part in parts]
    return np.concatenate([*totals, _stacked(scores(counts))], axis=-2)


def event_scores(songs: Sequence[SongScore], config: EvaluationConfig) -> tuple[EventScores, ...]:
    """Event scores for every window and vocabulary."""
    counts = np.stack([song.counts for song in songs])
    labels = np.sum([song.labels for song in songs], axis=0)
    minutes = sum(song.duration_s for song in songs) / 60
    found = []
    for name, vocabulary in VOCABULARIES.items():
        mine = counts[:, :, columns_of(name)]
        intervals = resample(mine, with_totals, config.bootstrap)
        clear = ((vocabulary.relations == CERTAIN).any(axis=1)) | (vocabulary.relations == OUTSIDE).all(axis=1)
        for w, window_s in enumerate(config.scoring.windows_s):
            values = [_score_values(intervals, (w, row)) for row in range(2 + len(vocabulary.classes))]
            sums = mine[:, w].sum(axis=0)
            found.append(
                EventScores(
                    window_ms=window_ms(window_s),
                    vocabulary=name,
                    unambiguous=bool(clear[labels > 0].all()),
                    micro=_with_counts(values[0], sums.sum(axis=0), minutes),
                    macro=values[1],
                    classes={
                        drum: _with_counts(values[2 + c], sums[c], minutes) for c, drum in enumerate(vocabulary.classes)
                    },
                )
            )
    return tuple(found)


def class_timing(songs: Sequence[SongScore], classes: Sequence[str]) -> dict[str, ClassTiming]:
    """Time offsets of ``all`` and of each class."""
    drum, offset_s = (np.concatenate([getattr(song, name) for song in songs]) for name in ("drum", "offset_s"))
    found = {}
    for name, of, count in (("all", np.zeros_like(drum), 1), ("", drum, len(classes))):
        offsets = timing(of, offset_s, num_classes=count)
        for row, title in enumerate([name] if name else classes):
            median, mean, deviation, spread = (
                number(1000 * values[row])
                for values in (offsets.median_s, offsets.mean_s, offsets.deviation_s, offsets.spread_s)
            )
            found[title] = ClassTiming(
                num_pairs=int(offsets.num_pairs[row]),
                median_ms=median,
                mean_ms=mean,
                deviation_ms=deviation,
                spread_ms=spread,
            )
    return found


def velocity_errors(songs: Sequence[SongScore], classes: Sequence[str]) -> dict[str, Errors]:
    """Velocity errors of ``all`` and of each class."""
    sums = np.sum([song.velocity for song in songs], axis=0)
    return {"all": errors(sums.sum(axis=0)), **{name: errors(sums[c]) for c, name in enumerate(classes)}}


def errors(sums: NDArray[np.float64]) -> Errors:
    """Error statistics from summed moments [7]."""
    errors = paired_errors(sums)
    return Errors(
        num_pairs=int(errors.num_pairs),
        mean_absolute=number(errors.mean_absolute[()]),
        bias=number(errors.bias[()]),
        correlation=number(errors.correlation[()]),
    )


def matrix(counts: NDArray[np.int64], classes: Sequence[str]) -> Matrix:
    """Confusion matrix over ``classes``, with an additional row and column if unmatched hits are included."""
    inner = counts[: len(classes), : len(classes)]
    return Matrix(classes=tuple(classes), counts=tuple(map(tuple, counts.tolist())), accuracy=number(accuracy(inner)))


def variations(songs: Sequence[SongScore]) -> dict[str, Matrix]:
    """Articulation confusions by branch."""
    return {
        branch: matrix(np.sum([song.variations[branch] for song in songs], axis=0), ways)
        for branch, ways in VARIATIONS.items()
    }


def gaps(songs: Sequence[SongScore], classes: Sequence[str]) -> tuple[Gaps, ...]:
    """Recall and precision by inter-onset interval, among hits of the same class and of any."""
    found = []
    for among in AMONG:
        counts = np.sum([song.ioi[among] for song in songs], axis=0)
        rows = {"all": counts.sum(axis=0), **dict(zip(classes, counts, strict=True))}
        found.append(Gaps(among=among, bins=IOI_BINS, rows={name: _gap_row(row) for name, row in rows.items()}))
    return tuple(found)


def subdivisions(songs: Sequence[SongScore], classes: Sequence[str]) -> tuple[Subdivisions, ...]:
    """Recall by note value, among hits of the same class and of any."""
    found = []
    for among in AMONG:
        counts = np.sum([song.subdivisions[among] for song in songs], axis=0)  # [C, bands, note values, 2]
        rows = {
            "all": counts.sum(axis=(0, 1)),
            **{f"{band} bpm": counts[:, b].sum(axis=0) for b, band in enumerate(TEMPO_BANDS)},
            **{name: counts[c].sum(axis=0) for c, name in enumerate(classes)},
        }
        found.append(
            Subdivisions(
                among=among,
                note_values=NOTE_VALUES,
                reference={name: tuple(row[:, 0].tolist()) for name, row in rows.items()},
                recall={name: _numbers(ratio(row[:, 1], row[:, 0])) for name, row in rows.items()},
            )
        )
    return tuple(found)


def edits(songs: Sequence[SongScore], config: BootstrapConfig) -> tuple[Edits, ...]:
    """Edits in each of `EDIT_VOCABULARIES`."""
    found = []
    for name in EDIT_VOCABULARIES:
        counts = np.stack([song.edits[name] for song in songs])
        rate = resample(counts, lambda sums: edits_per_100_notes(sums.sum(axis=-2)), config)
        total = counts.sum(axis=(0, 1))
        by_class = edits_per_100_notes(counts.sum(axis=0))
        found.append(
            Edits(
                vocabulary=name,
                per_100_notes=_value(rate, ()),
                insertions=int(total[0]),
                deletions=int(total[1]),
                substitutions=int(total[2]),
                reference=int(total[3]),
                classes={drum: number(by_class[c]) for c, drum in enumerate(VOCABULARIES[name].classes)},
            )
        )
    return tuple(found)


def confidences(songs: Sequence[SongScore]) -> Reliability | None:
    """Reliability of confidences; None if there are none."""
    confidence, right = (np.concatenate([getattr(song, name) for song in songs]) for name in ("confidence", "right"))
    if len(confidence) == 0:
        return None
    curve = reliability(confidence, right)
    return Reliability(
        num_hits=len(confidence),
        expected_error=round(curve.expected_error, DECIMALS),
        brier=round(curve.brier, DECIMALS),
        count=tuple(curve.count.tolist()),
        mean_confidence=_numbers(curve.mean_confidence),
        accuracy=_numbers(curve.accuracy),
    )


def micro_f(counts: NDArray[np.int64], config: BootstrapConfig) -> Value:
    """Micro F-measure of songs' counts [N, C, 3] with its confidence interval."""
    return _value(resample(counts, lambda sums: micro(sums).f, config), ())


def window_ms(window_s: float) -> float:
    """Milliseconds, rounded to remove floating-point noise."""
    return round(window_s * 1000, 3)


def _stacked(values: Scores) -> NDArray[np.float64]:
    return np.stack([values.precision, values.recall, values.f], axis=-1)


def _value(interval: Interval, at: tuple[int, ...]) -> Value:
    return Value(
        value=number(np.asarray(interval.value)[at]),
        low=number(np.asarray(interval.low)[at]),
        high=number(np.asarray(interval.high)[at]),
    )


def _score_values(interval: Interval, at: tuple[int, int]) -> ScoreValues:
    precision, recall, f = (_value(interval, (*at, column)) for column in range(3))
    return ScoreValues(precision=precision, recall=recall, f=f)


def _with_counts(values: ScoreValues, counts: NDArray[np.int64], minutes: float) -> ClassScores:
    tp, fp, fn = counts.tolist()
    rate = number(false_positives_per_minute(counts, 60 * minutes)[()])
    return ClassScores(
        precision=values.precision, recall=values.recall, f=values.f, tp=tp, fp=fp, fn=fn,
        false_positives_per_minute=rate,
    )  # fmt: skip


def _gap_row(counts: NDArray[np.int64]) -> GapRow:
    reference, found, estimate, right = counts.T
    return GapRow(
        reference=tuple(reference.tolist()),
        recall=_numbers(ratio(found, reference)),
        estimate=tuple(estimate.tolist()),
        precision=_numbers(ratio(right, estimate)),
    )


def _numbers(values: NDArray[np.float64]) -> tuple[Number, ...]:
    return tuple(number(value) for value in values)
