"""`check boundaries`: recall of onsets near the edges of a streaming system's windows.

Labels come from a boundary pack, ours or BeatSight's (``window_size`` and ``hop_size`` in samples, no distance).
Predictions are read from a file, or a checkpoint runs inference. Only recall is measured: extra predictions near the
onset do not count here. If whole-recording predictions are known too, the difference is the loss caused by the edges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.charts.documents import Tree
from drumline.core.errors import DrumlineError
from drumline.core.interval_value import Value, measured
from drumline.metrics.bootstrap import BootstrapConfig, resample
from drumline.metrics.scores import ratio
from drumline.quality.boundaries import page
from drumline.quality.boundaries.config import BoundariesConfig, CheckpointConfig
from drumline.quality.boundaries.findings import EDGES, BoundaryFindings, DistanceRecall, LabelRecall
from drumline.quality.gates import apply_limits
from drumline.quality.outcome import CheckResult
from drumline.quality.report import Input, make_report
from drumline.quality.samples import (
    SampleFile,
    group_key,
    group_of,
    labels_of,
    pair_samples,
    read_sample_file,
    sample_id,
    scores_of,
)

Floats = NDArray[np.float64]
Scores = Mapping[str, float]

_DISTANCE_BINS: Final = 8


@dataclass(frozen=True)
class _SystemScores:
    """Scores of a system for each sample of the pack, from windows and from whole recordings."""

    samples: tuple[Tree, ...]
    """Evaluated samples."""
    labels: tuple[str, ...]
    """Evaluated labels."""
    streaming: Sequence[Scores]
    """Scores of each sample from its window."""
    whole: Sequence[Scores] | None
    """Scores of each sample from the whole recording, if known."""
    inputs: tuple[Input, ...]
    notes: tuple[str, ...]


def run(config: BoundariesConfig) -> CheckResult:
    """Measure recall near window edges. Raises DrumlineError if a file or checkpoint cannot be used."""
    truth = read_sample_file(config.labels, "labels")
    scores = _from_checkpoint(truth, config.model) if config.model else _from_files(truth, config)
    key = config.group_by or group_key(scores.samples)
    names, group = np.unique([group_of(tree, key) for tree in scores.samples], return_inverse=True)
    edge = np.array([_edge(tree) for tree in scores.samples])
    counts = _counts(scores, config.threshold)
    values, by_label = _recalls(counts, scores.labels, group=group, edge=edge, draws=config.draws)
    findings = BoundaryFindings(
        samples=len(edge),
        groups=len(names),
        group_by=key,
        level=config.draws.level,
        values=values,
        labels=by_label,
        distances=_by_distance(np.array([_distance_ms(tree) for tree in scores.samples]), edge, counts=counts),
    )
    untested = [name for side, name in enumerate(EDGES) if not (edge == side).any()]
    report = make_report(
        "boundaries",
        config,
        findings=findings,
        gates=apply_limits(config.gates, values | {f"recall.{name}": each.recall for name, each in by_label.items()}),
        inputs=(truth.source, *scores.inputs),
        notes=(*scores.notes, *(f"no sample is {name}: that edge is not tested" for name in untested)),
    )
    return CheckResult(report, lambda: page.sections(findings))


def _from_files(truth: SampleFile, config: BoundariesConfig) -> _SystemScores:
    """Scores of predictions in files."""
    files = [read_sample_file(config.predictions, "predictions")]
    if config.whole_file:
        files.append(read_sample_file(config.whole_file, "whole_file"))
    joined = [pair_samples(truth, file) for file in files]
    scores = [[scores_of(sample) if sample else {} for _, sample in joint.pairs] for joint in joined]
    return _SystemScores(
        samples=truth.trees,
        labels=tuple(sorted({label for tree in truth.trees for label in labels_of(tree)})),
        streaming=scores[0],
        whole=scores[1] if config.whole_file else None,
        inputs=tuple(file.source for file in files),
        notes=tuple(note for joint in joined for note in joint.notes),
    )


def _from_checkpoint(truth: SampleFile, config: CheckpointConfig) -> _SystemScores:
    """Scores of a checkpoint's hits. Labels that no model predicts are excluded and noted."""
    from drumline.quality.boundaries.listening import is_predicted, score_samples  # imports torch

    occurring = sorted({label for tree in truth.trees for label in labels_of(tree)})
    labels = tuple(label for label in occurring if is_predicted(label))
    if not labels:
        raise DrumlineError(f"labels: {truth.source.path}: models predict none of {', '.join(occurring)}")
    found = score_samples(config, truth.trees)
    samples = tuple(
        tree for tree in truth.trees if sample_id(tree) in found.streaming and set(labels_of(tree)) & set(labels)
    )
    left_out = [label for label in occurring if label not in labels]
    notes = [f"models do not predict {', '.join(left_out)}: not evaluated"] if left_out else []
    return _SystemScores(
        samples=samples,
        labels=labels,
        streaming=[found.streaming[sample_id(tree)] for tree in samples],
        whole=[found.whole[sample_id(tree)] for tree in samples],
        inputs=(Input(role="checkpoint", path=config.checkpoint, records=len(samples), sha256=found.checkpoint),),
        notes=(*found.notes, *notes),
    )


def _counts(scores: _SystemScores, threshold: float) -> Floats:
    """Weighted counts [samples, labels, (found, expected, found in whole)]; NaN without whole-recording scores."""
    column = {label: index for index, label in enumerate(scores.labels)}
    counts = np.zeros((len(scores.samples), len(column), 3))
    for row, tree in enumerate(scores.samples):
        weight = tree.number("weight", 1.0)
        for label in labels_of(tree):
            if label in column:
                counts[row, column[label], 1] = weight
                counts[row, column[label], 0] = weight * (scores.streaming[row].get(label, 0.0) >= threshold)
                if scores.whole is not None:
                    counts[row, column[label], 2] = weight * (scores.whole[row].get(label, 0.0) >= threshold)
    if scores.whole is None:
        counts[..., 2] = np.nan
    return counts


def _edge(tree: Tree) -> int:
    """Index of a sample's edge in `EDGES`. Raises ChartError for another value."""
    name = tree.text("edge").strip().casefold()
    if name not in EDGES:
        raise tree.fault("edge", f"must be leading or trailing, not {name!r}")
    return EDGES.index(name)


def _distance_ms(tree: Tree) -> float:
    return tree.number("distance_ms") if tree.has("distance_ms") else float("nan")


def _recalls(
    counts: Floats, labels: Sequence[str], *, group: NDArray[np.intp], edge: NDArray[np.int64], draws: BootstrapConfig
) -> tuple[dict[str, Value], dict[str, LabelRecall]]:
    """Recall values by name and by label, with bootstrap intervals over groups."""
    rows = np.zeros((int(group.max()) + 1, len(EDGES), len(labels), counts.shape[-1]))
    np.add.at(rows, (group, edge), counts)

    def statistic(sums: Floats) -> Floats:
        by_label, by_side = sums.sum(axis=-3), sums.sum(axis=-2)
        totals = by_label.sum(axis=-2)
        recall = ratio(by_label[..., 0], by_label[..., 1])
        whole = ratio(by_label[..., 2], by_label[..., 1])
        macro, macro_whole = (_mean(values, by_label[..., 1] > 0) for values in (recall, whole))
        single = (
            macro,
            ratio(totals[..., 0], totals[..., 1]),
            *np.moveaxis(ratio(by_side[..., 0], by_side[..., 1]), -1, 0),
            macro_whole,
            ratio(totals[..., 2], totals[..., 1]),
            macro_whole - macro,
        )
        return np.concatenate([np.stack(single, axis=-1), recall, whole], axis=-1)

    resampled = resample(rows, statistic, draws)
    values = [measured(*each) for each in zip(resampled.value, resampled.low, resampled.high, strict=True)]
    names = ("macro_recall", "micro_recall", *EDGES, "macro_whole", "micro_whole", "macro_lost")
    sums = rows.sum(axis=0)
    by_edge = ratio(sums[..., 0], sums[..., 1])
    samples = (counts[..., 1] > 0).sum(axis=0)
    return dict(zip(names, values, strict=False)), {
        label: LabelRecall(
            recall=values[len(names) + i],
            whole=values[len(names) + len(labels) + i],
            samples=int(samples[i]),
            leading=measured(by_edge[0, i]).value,
            trailing=measured(by_edge[1, i]).value,
        )
        for i, label in enumerate(labels)
    }


def _mean(recall: Floats, occurs: NDArray[np.bool_]) -> Floats:
    """Mean over the labels that occur [..., labels]."""
    return ratio(np.where(occurs, recall, 0.0).sum(axis=-1), occurs.sum(axis=-1))


def _by_distance(distance_ms: Floats, edge: NDArray[np.int64], *, counts: Floats) -> tuple[DistanceRecall, ...]:
    known = np.isfinite(distance_ms)
    if not known.any():
        return ()
    bin_ms = max(1.0, float(np.ceil(distance_ms[known].max() / _DISTANCE_BINS)))
    bin_index = np.minimum(np.where(known, distance_ms, 0.0) // bin_ms, _DISTANCE_BINS - 1)

    def recall_in(index: int) -> DistanceRecall:
        inside = known & (bin_index == index)
        sums = {name: counts[inside & (edge == side)].sum(axis=(0, 1)) for side, name in enumerate(EDGES)}
        whole = counts[inside].sum(axis=(0, 1))
        return DistanceRecall(
            from_ms=index * bin_ms,
            to_ms=(index + 1) * bin_ms,
            samples={name: int((inside & (edge == side)).sum()) for side, name in enumerate(EDGES)},
            recall={name: measured(ratio(side[0], side[1])).value for name, side in sums.items()},
            whole=measured(ratio(whole[2], whole[1])).value,
        )

    return tuple(recall_in(index) for index in range(_DISTANCE_BINS))
