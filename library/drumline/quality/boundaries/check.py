"""`check boundaries`: are onsets found that a streaming system sees near the edges of its windows?

The labels are those of a boundary pack, ours or BeatSight's (``window_size`` and ``hop_size`` in samples, no distance);
the predictions say what was heard at each sample, or a checkpoint listens. Recall alone: what is heard beside the onset
is no fault here. Where it is known what the system hears with the whole recording before it, the difference is the
price of the edges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.charts.documents import Tree
from drumline.core.errors import DrumlineError
from drumline.core.measure import Value, measured
from drumline.metrics.bootstrap import BootstrapConfig, resample
from drumline.metrics.scores import ratio
from drumline.quality.boundaries import page
from drumline.quality.boundaries.config import BoundariesConfig, ListeningConfig
from drumline.quality.boundaries.findings import EDGES, BoundaryFindings, DistanceRecall, LabelRecall
from drumline.quality.gates import judge_all
from drumline.quality.outcome import Outcome
from drumline.quality.report import Input, make_report
from drumline.quality.samples import Lines, group_key, group_of, labels_of, pair, read_lines, sample_id, scores_of

Floats = NDArray[np.float64]
Scores = Mapping[str, float]

_DISTANCE_BINS: Final = 8


@dataclass(frozen=True)
class _Told:
    """What a system heard at each sample of the pack."""

    samples: tuple[Tree, ...]
    """Those that count."""
    labels: tuple[str, ...]
    """Those that count."""
    streaming: Sequence[Scores]
    """Of each sample."""
    whole: Sequence[Scores] | None
    """The same of whole recordings, where that is known."""
    inputs: tuple[Input, ...]
    notes: tuple[str, ...]


def check(config: BoundariesConfig) -> Outcome:
    """Run the check. Raises DrumlineError where a file cannot be used."""
    truth = read_lines(config.labels, "labels")
    told = _listened(truth, config.model) if config.model else _read(truth, config)
    key = config.group_by or group_key(told.samples)
    names, group = np.unique([group_of(tree, key) for tree in told.samples], return_inverse=True)
    edge = np.array([_edge(tree) for tree in told.samples])
    counts = _counts(told, config.threshold)
    values, by_label = _recalls(counts, told.labels, group=group, edge=edge, draws=config.draws)
    findings = BoundaryFindings(
        samples=len(edge),
        groups=len(names),
        group_by=key,
        level=config.draws.level,
        values=values,
        labels=by_label,
        distances=_by_distance(np.array([_distance_ms(tree) for tree in told.samples]), edge, counts=counts),
    )
    untested = [name for side, name in enumerate(EDGES) if not (edge == side).any()]
    report = make_report(
        "boundaries",
        config,
        findings=findings,
        gates=judge_all(config.gates, values | {f"recall.{name}": each.recall for name, each in by_label.items()}),
        inputs=(truth.source, *told.inputs),
        notes=(*told.notes, *(f"no sample is {name}: that edge is not tested" for name in untested)),
    )
    return Outcome(report, lambda: page.sections(findings))


def _read(truth: Lines, config: BoundariesConfig) -> _Told:
    """What files tell."""
    files = [read_lines(config.predictions, "predictions")]
    if config.whole_file:
        files.append(read_lines(config.whole_file, "whole_file"))
    joined = [pair(truth, file) for file in files]
    heard = [[scores_of(told) if told else {} for _, told in each.pairs] for each in joined]
    return _Told(
        samples=truth.trees,
        labels=tuple(sorted({label for tree in truth.trees for label in labels_of(tree)})),
        streaming=heard[0],
        whole=heard[1] if config.whole_file else None,
        inputs=tuple(file.source for file in files),
        notes=tuple(note for each in joined for note in each.notes),
    )


def _listened(truth: Lines, config: ListeningConfig) -> _Told:
    """What a checkpoint hears. Labels that no model predicts are left out, and told."""
    from drumline.quality.boundaries.listening import listen, predicted  # brings torch

    every = sorted({label for tree in truth.trees for label in labels_of(tree)})
    labels = tuple(label for label in every if predicted(label))
    if not labels:
        raise DrumlineError(f"labels: {truth.source.path}: models predict none of {', '.join(every)}")
    heard = listen(config, truth.trees)
    samples = tuple(
        tree for tree in truth.trees if sample_id(tree) in heard.streaming and set(labels_of(tree)) & set(labels)
    )
    left_out = [label for label in every if label not in labels]
    notes = [f"models do not predict {', '.join(left_out)}: not judged"] if left_out else []
    return _Told(
        samples=samples,
        labels=labels,
        streaming=[heard.streaming[sample_id(tree)] for tree in samples],
        whole=[heard.whole[sample_id(tree)] for tree in samples],
        inputs=(Input(role="checkpoint", path=config.checkpoint, records=len(samples), sha256=heard.checkpoint),),
        notes=(*heard.notes, *notes),
    )


def _counts(told: _Told, threshold: float) -> Floats:
    """By weight [samples, labels, (found, wanted, found of the whole)]; NaN where there is no whole."""
    number = {label: index for index, label in enumerate(told.labels)}
    counts = np.zeros((len(told.samples), len(number), 3))
    for row, tree in enumerate(told.samples):
        weight = tree.number("weight", 1.0)
        for label in labels_of(tree):
            if label in number:
                counts[row, number[label], 1] = weight
                counts[row, number[label], 0] = weight * (told.streaming[row].get(label, 0.0) >= threshold)
                if told.whole is not None:
                    counts[row, number[label], 2] = weight * (told.whole[row].get(label, 0.0) >= threshold)
    if told.whole is None:
        counts[..., 2] = np.nan
    return counts


def _edge(tree: Tree) -> int:
    """Which of `EDGES`. Raises ChartError for another word."""
    name = tree.text("edge").strip().casefold()
    if name not in EDGES:
        raise tree.fault("edge", f"must be leading or trailing, not {name!r}")
    return EDGES.index(name)


def _distance_ms(tree: Tree) -> float:
    return tree.number("distance_ms") if tree.has("distance_ms") else float("nan")


def _recalls(
    counts: Floats, labels: Sequence[str], *, group: NDArray[np.intp], edge: NDArray[np.int64], draws: BootstrapConfig
) -> tuple[dict[str, Value], dict[str, LabelRecall]]:
    """Recalls, with intervals over groups."""
    rows = np.zeros((int(group.max()) + 1, len(EDGES), len(labels), counts.shape[-1]))
    np.add.at(rows, (group, edge), counts)

    def statistic(sums: Floats) -> Floats:
        of_labels, of_edges = sums.sum(axis=-3), sums.sum(axis=-2)
        totals = of_labels.sum(axis=-2)
        each = ratio(of_labels[..., 0], of_labels[..., 1])
        whole = ratio(of_labels[..., 2], of_labels[..., 1])
        macro, macro_whole = (_mean(recall, of_labels[..., 1] > 0) for recall in (each, whole))
        single = (
            macro,
            ratio(totals[..., 0], totals[..., 1]),
            *np.moveaxis(ratio(of_edges[..., 0], of_edges[..., 1]), -1, 0),
            macro_whole,
            ratio(totals[..., 2], totals[..., 1]),
            macro_whole - macro,
        )
        return np.concatenate([np.stack(single, axis=-1), each, whole], axis=-1)

    drawn = resample(rows, statistic, draws)
    told = [measured(*each) for each in zip(drawn.value, drawn.low, drawn.high, strict=True)]
    names = ("macro_recall", "micro_recall", *EDGES, "macro_whole", "micro_whole", "macro_lost")
    sums = rows.sum(axis=0)
    by_edge = ratio(sums[..., 0], sums[..., 1])
    samples = (counts[..., 1] > 0).sum(axis=0)
    return dict(zip(names, told, strict=False)), {
        label: LabelRecall(
            recall=told[len(names) + i],
            whole=told[len(names) + len(labels) + i],
            samples=int(samples[i]),
            leading=measured(by_edge[0, i]).value,
            trailing=measured(by_edge[1, i]).value,
        )
        for i, label in enumerate(labels)
    }


def _mean(recall: Floats, occurs: NDArray[np.bool_]) -> Floats:
    """Over the labels that occur [..., labels]."""
    return ratio(np.where(occurs, recall, 0.0).sum(axis=-1), occurs.sum(axis=-1))


def _by_distance(distance_ms: Floats, edge: NDArray[np.int64], *, counts: Floats) -> tuple[DistanceRecall, ...]:
    known = np.isfinite(distance_ms)
    if not known.any():
        return ()
    bin_ms = max(1.0, float(np.ceil(distance_ms[known].max() / _DISTANCE_BINS)))
    place = np.minimum(np.where(known, distance_ms, 0.0) // bin_ms, _DISTANCE_BINS - 1)

    def told(at: int) -> DistanceRecall:
        here = known & (place == at)
        sums = {name: counts[here & (edge == side)].sum(axis=(0, 1)) for side, name in enumerate(EDGES)}
        whole = counts[here].sum(axis=(0, 1))
        return DistanceRecall(
            from_ms=at * bin_ms,
            to_ms=(at + 1) * bin_ms,
            samples={name: int((here & (edge == side)).sum()) for side, name in enumerate(EDGES)},
            recall={name: measured(ratio(own[0], own[1])).value for name, own in sums.items()},
            whole=measured(ratio(whole[2], whole[1])).value,
        )

    return tuple(told(at) for at in range(_DISTANCE_BINS))
