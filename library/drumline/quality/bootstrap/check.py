"""`check bootstrap`: confidence intervals of F-measure, hi-hat openness and velocity errors, and system comparison.

Songs are resampled with replacement (`metrics.bootstrap`); samples of one song stay together because they are
correlated. A label counts as predicted if its score reaches the threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.charts.documents import Tree
from drumline.core.config import Config
from drumline.core.errors import DrumlineError
from drumline.core.interval_value import Value, measured, number
from drumline.metrics.bootstrap import BootstrapConfig, Comparison, compare, resample
from drumline.metrics.paired import moments, paired_errors
from drumline.metrics.scores import macro, micro, scores
from drumline.quality.bootstrap import page
from drumline.quality.bootstrap.findings import BootstrapFindings, Delta, LabelScores
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.outcome import CheckResult
from drumline.quality.report import CheckConfig, make_report
from drumline.quality.samples import group_key, group_of, labels_of, pair_samples, read_sample_file, scores_of

Floats = NDArray[np.float64]

_ERRORS: Final = ("openness_mae", "velocity_mae")
_MOMENTS: Final = 7


class BootstrapGates(Config):
    """Limits of `check bootstrap`; all are off by default because suitable limits depend on the data."""

    f_macro: Limit | None = None
    """Macro F-measure: mean over the labels that occur."""
    f_micro: Limit | None = None
    """Micro F-measure: over the pooled counts of all labels."""
    f: dict[str, Limit] = Field(default={})
    """F-measure by label."""
    openness_mae: Limit | None = None
    """Mean absolute error of hi-hat openness, 0 to 1."""
    velocity_mae: Limit | None = None
    """Mean absolute error of velocity, 0 to 1."""
    delta: dict[str, Limit] = Field(default={})
    """Predictions minus baseline, keyed by the names above (``f_macro``, ``f.snare``, ``velocity_mae``)."""


class BootstrapCheckConfig(CheckConfig):
    """Ground truth and predictions of labelled samples."""

    truth: str
    """Ground truth: JSON lines with sample_id, labels, openness, velocity."""
    predictions: str
    """Predictions: JSON lines with sample_id, scores, openness_pred, velocity_pred."""
    baseline: str = ""
    """Predictions of another system for the same samples, to compare with; empty for none."""
    threshold: float = Field(default=0.5, ge=0, le=1)
    """Lowest score with which a label counts as predicted."""
    group_by: str = ""
    """Field that groups samples into songs for bootstrap resampling. If empty, the first of song_id,
    session_id, audio_path and sample_id that every line has."""
    draws: BootstrapConfig = BootstrapConfig()
    gates: BootstrapGates = BootstrapGates()


@dataclass(frozen=True)
class _Sums:
    """Counts and error moments of one system, summed over the samples of each of N songs."""

    rows: Floats
    """[N, 3 * labels + 2 * 7]: (TP, FP, FN) of each label, then `moments` of openness and velocity."""
    num_labels: int

    def statistic(self, sums: Floats) -> Floats:
        """From sums [..., 3 * L + 14] to [..., 4 + 3 * L]: f_macro, f_micro, the two errors, then P, R, F by label."""
        split = 3 * self.num_labels
        counts = sums[..., :split].reshape(*sums.shape[:-1], self.num_labels, 3)
        errors = paired_errors(sums[..., split:].reshape(*sums.shape[:-1], len(_ERRORS), _MOMENTS)).mean_absolute
        each = scores(counts)
        by_label = np.stack([each.precision, each.recall, each.f], axis=-1).reshape(*sums.shape[:-1], split)
        totals = np.stack([macro(counts).f, micro(counts).f], axis=-1)
        return np.concatenate([totals, errors, by_label], axis=-1)


def run(config: BootstrapCheckConfig) -> CheckResult:
    """Compute scores with bootstrap confidence intervals. Raises DrumlineError if a file cannot be used."""
    truth, predictions = read_sample_file(config.truth, "truth"), read_sample_file(config.predictions, "predictions")
    baseline = read_sample_file(config.baseline, "baseline") if config.baseline else None
    key = config.group_by or group_key(truth.trees)
    pairings = [pair_samples(truth, system) for system in (predictions, baseline) if system]
    labels = _labels([each.pairs for each in pairings], config.threshold)
    if not labels:
        raise DrumlineError(f"{config.truth}: no sample has a label")
    names = np.array([group_of(tree, key) for tree in truth.trees])
    group_names, group = np.unique(names, return_inverse=True)
    systems = [_sums(each.pairs, labels, group, config.threshold) for each in pairings]
    findings = _findings(systems, labels, config, group_by=key, samples=len(names), groups=len(group_names))
    report = make_report(
        "bootstrap",
        config,
        findings=findings,
        gates=apply_limits(config.gates, _gate_values(findings)),
        inputs=[file.source for file in (truth, predictions, baseline) if file],
        notes=[note for each in pairings for note in each.notes],
    )
    return CheckResult(report, lambda: page.sections(report.findings))


def _labels(systems: Sequence[Sequence[tuple[Tree, Tree | None]]], threshold: float) -> list[str]:
    true = {label for tree, _ in systems[0] for label in labels_of(tree)}
    predicted = {
        label
        for pairs in systems
        for _, tree in pairs
        if tree
        for label, p in scores_of(tree).items()
        if p >= threshold
    }
    return sorted(true | predicted)


def _sums(
    pairs: Sequence[tuple[Tree, Tree | None]], labels: Sequence[str], group: NDArray[np.intp], threshold: float
) -> _Sums:
    column = {label: index for index, label in enumerate(labels)}
    num_groups = int(group.max()) + 1
    counts = np.zeros((num_groups, len(labels), 3))
    errors = np.zeros((num_groups, len(_ERRORS), _MOMENTS))
    for row, (truth, prediction) in zip(group, pairs, strict=True):
        true = set(labels_of(truth))
        scored = scores_of(prediction) if prediction else {}
        predicted = {label for label, score in scored.items() if score >= threshold}
        for outcome, found in enumerate((true & predicted, predicted - true, true - predicted)):
            for label in found:
                counts[row, column[label], outcome] += 1
        for index, quantity in enumerate(("openness", "velocity")):
            errors[row, index] += moments(
                _of_sample(truth, quantity), _of_sample(prediction, f"{quantity}_pred", quantity)
            )
    return _Sums(np.concatenate([counts.reshape(num_groups, -1), errors.reshape(num_groups, -1)], axis=1), len(labels))


def _of_sample(tree: Tree | None, *names: str) -> list[float]:
    """A number of the sample, else of its only component that has one; NaN if there is none."""
    if tree is None:
        return [np.nan]
    for name in names:
        if tree.has(name):
            return [tree.number(name)]
    components = tree.trees("components") if isinstance(next(iter(tree.items("components")), None), dict) else []
    values = [part.number(name) for part in components for name in names if part.has(name)]
    return values if len(values) == 1 else [np.nan]


def _findings(
    systems: Sequence[_Sums],
    labels: Sequence[str],
    config: BootstrapCheckConfig,
    *,
    group_by: str,
    samples: int,
    groups: int,
) -> BootstrapFindings:
    first = systems[0]
    found = resample(first.rows, first.statistic, config.draws)
    values = [measured(*each) for each in zip(found.value, found.low, found.high, strict=True)]
    totals = first.rows.sum(axis=0)
    counts = totals[: 3 * len(labels)].reshape(-1, 3).astype(int).tolist()
    pairs = totals[3 * len(labels) :: _MOMENTS].astype(int).tolist()
    names = ["f_macro", "f_micro", *_ERRORS]
    by_label = {
        label: LabelScores(precision=p, recall=r, f=f, tp=tp, fp=fp, fn=fn)
        for label, p, r, f, (tp, fp, fn) in zip(labels, values[4::3], values[5::3], values[6::3], counts, strict=True)
    }
    return BootstrapFindings(
        samples=samples,
        groups=groups,
        group_by=group_by,
        level=config.draws.level,
        num_draws=config.draws.num_draws,
        threshold=config.threshold,
        values=dict(zip(names, values, strict=False)),
        pairs=dict(zip(("openness", "velocity"), pairs, strict=True)),
        labels=by_label,
        comparison=_comparison(systems, names, labels, config.draws) if len(systems) > 1 else {},
    )


def _comparison(
    systems: Sequence[_Sums], names: Sequence[str], labels: Sequence[str], draws: BootstrapConfig
) -> dict[str, Delta]:
    candidate, baseline = systems
    if len(candidate.rows) < 2:  # nothing to resample
        deltas = np.diff([each.statistic(each.rows.sum(axis=0)) for each in (baseline, candidate)], axis=0)[0]
        none = np.full_like(deltas, np.nan)
        found = Comparison(deltas, none, none, none)
    else:
        found = compare(
            baseline.rows,
            candidate.rows,
            statistic=candidate.statistic,
            seed=draws.seed,
            num_draws=draws.num_draws,
            level=draws.level,
        )
    column = {name: index for index, name in enumerate(names)}
    column |= {f"f.{label}": len(names) + 3 * index + 2 for index, label in enumerate(labels)}
    return {
        name: Delta(
            delta=number(found.delta[i]),
            low=number(found.low[i]),
            high=number(found.high[i]),
            p_value=number(found.p_value[i]),
        )
        for name, i in column.items()
    }


def _gate_values(findings: BootstrapFindings) -> dict[str, Value]:
    deltas = {
        f"delta.{name}": Value(value=each.delta, low=each.low, high=each.high)
        for name, each in findings.comparison.items()
    }
    return findings.values | {f"f.{label}": each.f for label, each in findings.labels.items()} | deltas
