"""`check bootstrap`: how sure are F, hi-hat openness and velocity, and is one system really better than another?

Songs are drawn with replacement (`metrics.bootstrap`); samples of one song stand or fall together, because they are
alike. A sample says what sounds in it; a label is predicted where its score reaches the threshold.
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
from drumline.core.measure import Value, measured, number
from drumline.metrics.bootstrap import BootstrapConfig, Comparison, compare, resample
from drumline.metrics.paired import moments, paired_errors
from drumline.metrics.scores import macro, micro, scores
from drumline.quality.bootstrap import page
from drumline.quality.bootstrap.findings import BootstrapFindings, Delta, LabelScores
from drumline.quality.gates import Limit, judge_all
from drumline.quality.outcome import Outcome
from drumline.quality.report import CheckConfig, make_report
from drumline.quality.samples import group_key, group_of, labels_of, pair, read_lines, scores_of

Floats = NDArray[np.float64]

_ERRORS: Final = ("openness_mae", "velocity_mae")
_MOMENTS: Final = 7


class BootstrapGates(Config):
    """Limits; none is set at first, because what is good enough depends on the data."""

    f_macro: Limit | None = None
    """Mean F over the labels that occur."""
    f_micro: Limit | None = None
    """F of all labels taken together."""
    f: dict[str, Limit] = Field(default={})
    """F by label."""
    openness_mae: Limit | None = None
    """Mean absolute error of hi-hat openness, 0 to 1."""
    velocity_mae: Limit | None = None
    """Mean absolute error of velocity, 0 to 1."""
    delta: dict[str, Limit] = Field(default={})
    """Predictions minus baseline, by the names above (``f_macro``, ``f.snare``, ``velocity_mae``)."""


class BootstrapCheckConfig(CheckConfig):
    """Intervals for predictions on labelled samples."""

    truth: str
    """JSON lines: sample_id, labels, openness, velocity."""
    predictions: str
    """JSON lines: sample_id, scores, openness_pred, velocity_pred."""
    baseline: str = ""
    """Predictions of another system on the same samples, to compare with."""
    threshold: float = Field(default=0.5, ge=0, le=1)
    """The least score with which a label counts as predicted."""
    group_by: str = ""
    """What is drawn: the key of the lines that names their song. If empty the first that all lines have of song_id,
    session_id, audio_path, sample_id."""
    draws: BootstrapConfig = BootstrapConfig()
    gates: BootstrapGates = BootstrapGates()


@dataclass(frozen=True)
class _Sums:
    """Sums of one system over the samples of each of N songs."""

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


def check(config: BootstrapCheckConfig) -> Outcome:
    """Run the check. Raises DrumlineError where a file cannot be used."""
    truth, told = read_lines(config.truth, "truth"), read_lines(config.predictions, "predictions")
    other = read_lines(config.baseline, "baseline") if config.baseline else None
    key = config.group_by or group_key(truth.trees)
    pairings = [pair(truth, each) for each in (told, other) if each]
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
        gates=judge_all(config.gates, _gate_values(findings)),
        inputs=[each.source for each in (truth, told, other) if each],
        notes=[note for each in pairings for note in each.notes],
    )
    return Outcome(report, lambda: page.sections(report.findings))


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
    for row, (truth, told) in zip(group, pairs, strict=True):
        true = set(labels_of(truth))
        predicted = {label for label, score in scores_of(told).items() if score >= threshold} if told else set()
        for outcome, found in enumerate((true & predicted, predicted - true, true - predicted)):
            for label in found:
                counts[row, column[label], outcome] += 1
        for index, quantity in enumerate(("openness", "velocity")):
            errors[row, index] += moments(_of_sample(truth, quantity), _of_sample(told, f"{quantity}_pred", quantity))
    return _Sums(np.concatenate([counts.reshape(num_groups, -1), errors.reshape(num_groups, -1)], axis=1), len(labels))


def _of_sample(tree: Tree | None, *names: str) -> list[float]:
    """A number of the sample, or of the only component that tells it; NaN where there is none."""
    if tree is None:
        return [np.nan]
    for name in names:
        if tree.has(name):
            return [tree.number(name)]
    components = tree.trees("components") if isinstance(next(iter(tree.items("components")), None), dict) else []
    told = [part.number(name) for part in components for name in names if part.has(name)]
    return told if len(told) == 1 else [np.nan]


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
    told = [measured(*each) for each in zip(found.value, found.low, found.high, strict=True)]
    totals = first.rows.sum(axis=0)
    counts = totals[: 3 * len(labels)].reshape(-1, 3).astype(int).tolist()
    pairs = totals[3 * len(labels) :: _MOMENTS].astype(int).tolist()
    names = ["f_macro", "f_micro", *_ERRORS]
    by_label = {
        label: LabelScores(precision=p, recall=r, f=f, tp=tp, fp=fp, fn=fn)
        for label, p, r, f, (tp, fp, fn) in zip(labels, told[4::3], told[5::3], told[6::3], counts, strict=True)
    }
    return BootstrapFindings(
        samples=samples,
        groups=groups,
        group_by=group_by,
        level=config.draws.level,
        num_draws=config.draws.num_draws,
        threshold=config.threshold,
        values=dict(zip(names, told, strict=False)),
        pairs=dict(zip(("openness", "velocity"), pairs, strict=True)),
        labels=by_label,
        comparison=_comparison(systems, names, labels, config.draws) if len(systems) > 1 else {},
    )


def _comparison(
    systems: Sequence[_Sums], names: Sequence[str], labels: Sequence[str], draws: BootstrapConfig
) -> dict[str, Delta]:
    ours, baseline = systems
    if len(ours.rows) < 2:  # nothing to draw from
        deltas = np.diff([each.statistic(each.rows.sum(axis=0)) for each in (baseline, ours)], axis=0)[0]
        none = np.full_like(deltas, np.nan)
        found = Comparison(deltas, none, none, none)
    else:
        found = compare(
            baseline.rows,
            ours.rows,
            statistic=ours.statistic,
            seed=draws.seed,
            num_draws=draws.num_draws,
            level=draws.level,
        )
    at = {name: index for index, name in enumerate(names)}
    at |= {f"f.{label}": len(names) + 3 * index + 2 for index, label in enumerate(labels)}
    return {
        name: Delta(
            delta=number(found.delta[i]),
            low=number(found.low[i]),
            high=number(found.high[i]),
            p_value=number(found.p_value[i]),
        )
        for name, i in at.items()
    }


def _gate_values(findings: BootstrapFindings) -> dict[str, Value]:
    deltas = {
        f"delta.{name}": Value(value=each.delta, low=each.low, high=each.high)
        for name, each in findings.comparison.items()
    }
    return findings.values | {f"f.{label}": each.f for label, each in findings.labels.items()} | deltas
