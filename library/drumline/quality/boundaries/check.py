"""`check boundaries`: are onsets found that a streaming system sees near the edges of its windows?

The labels are those of a boundary pack, ours or BeatSight's (``window_size`` and ``hop_size`` in samples, no distance);
the predictions say what was heard at each sample. Recall alone: what is heard beside the onset is no fault here.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.charts.documents import Tree
from drumline.core.config import Config
from drumline.core.measure import Value, measured
from drumline.metrics.bootstrap import BootstrapConfig, resample
from drumline.metrics.scores import ratio
from drumline.quality.boundaries import page
from drumline.quality.boundaries.findings import EDGES, BoundaryFindings, DistanceRecall, LabelRecall
from drumline.quality.gates import Limit, judge_all
from drumline.quality.outcome import Outcome
from drumline.quality.report import CheckConfig, make_report
from drumline.quality.samples import group_key, group_of, labels_of, pair, read_lines, scores_of

Floats = NDArray[np.float64]

_DISTANCE_BINS: Final = 8


class BoundaryGates(Config):
    """Limits."""

    macro_recall: Limit | None = Limit(at_least=0.95)
    """Mean recall over the labels that occur."""
    micro_recall: Limit | None = None
    """Recall of all labels taken together."""
    leading: Limit | None = None
    """The same, just after a window's start."""
    trailing: Limit | None = None
    """The same, just before its end."""
    recall: dict[str, Limit] = Field(default={})
    """Recall by label."""


class BoundariesConfig(CheckConfig):
    """Recall near the edges of windows."""

    labels: str
    """A pack's labels.jsonl."""
    predictions: str
    """JSON lines: sample_id, scores (or labels)."""
    threshold: float = Field(default=0.5, ge=0, le=1)
    """The least score with which a label counts as predicted."""
    group_by: str = ""
    """What is drawn, as in `check bootstrap`."""
    draws: BootstrapConfig = BootstrapConfig()
    gates: BoundaryGates = BoundaryGates()


def check(config: BoundariesConfig) -> Outcome:
    """Run the check. Raises DrumlineError where a file cannot be used."""
    truth, told = read_lines(config.labels, "labels"), read_lines(config.predictions, "predictions")
    joined = pair(truth, told)
    key = config.group_by or group_key(truth.trees)
    labels = sorted({label for tree in truth.trees for label in labels_of(tree)})
    names, group = np.unique([group_of(tree, key) for tree in truth.trees], return_inverse=True)
    edge = np.array([_edge(tree) for tree in truth.trees])
    wanted, found = (np.zeros((len(edge), len(labels))) for _ in range(2))
    for row, (tree, prediction) in enumerate(joined.pairs):
        heard = scores_of(prediction) if prediction else {}
        weight = tree.number("weight", 1.0)
        for label in labels_of(tree):
            wanted[row, labels.index(label)] = weight
            found[row, labels.index(label)] = weight * (heard.get(label, 0.0) >= config.threshold)
    values, by_label = _recalls(np.stack([found, wanted], axis=-1), labels, group=group, edge=edge, draws=config.draws)
    findings = BoundaryFindings(
        samples=len(edge),
        groups=len(names),
        group_by=key,
        level=config.draws.level,
        values=values,
        labels=by_label,
        distances=_by_distance(
            np.array([_distance_ms(tree) for tree in truth.trees]), edge, found=found, wanted=wanted
        ),
    )
    untested = [name for side, name in enumerate(EDGES) if not (edge == side).any()]
    report = make_report(
        "boundaries",
        config,
        findings=findings,
        gates=judge_all(config.gates, values | {f"recall.{name}": each.recall for name, each in by_label.items()}),
        inputs=(truth.source, told.source),
        notes=(*joined.notes, *(f"no sample is {name}: that edge is not tested" for name in untested)),
    )
    return Outcome(report, lambda: page.sections(findings))


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
    """Recalls of counts [samples, labels, (found, wanted)], with intervals over groups."""
    rows = np.zeros((int(group.max()) + 1, len(EDGES), len(labels), 2))
    np.add.at(rows, (group, edge), counts)

    def statistic(sums: Floats) -> Floats:
        of_labels = sums.sum(axis=-3)
        each = ratio(of_labels[..., 0], of_labels[..., 1])
        occurs = of_labels[..., 1] > 0
        macro = ratio(np.where(occurs, np.nan_to_num(each), 0.0).sum(axis=-1), occurs.sum(axis=-1))
        totals = of_labels.sum(axis=-2)
        edges = sums.sum(axis=-2)
        micro, by_edge = (ratio(part[..., 0], part[..., 1]) for part in (totals, edges))
        return np.concatenate([macro[..., None], micro[..., None], by_edge, each], axis=-1)

    drawn = resample(rows, statistic, draws)
    told = [measured(*each) for each in zip(drawn.value, drawn.low, drawn.high, strict=True)]
    names = ("macro_recall", "micro_recall", *EDGES)
    sums = rows.sum(axis=0)
    by_edge = ratio(sums[..., 0], sums[..., 1])
    samples = (counts[..., 1] > 0).sum(axis=0)
    return dict(zip(names, told, strict=False)), {
        label: LabelRecall(
            recall=told[len(names) + i],
            samples=int(samples[i]),
            leading=measured(by_edge[0, i]).value,
            trailing=measured(by_edge[1, i]).value,
        )
        for i, label in enumerate(labels)
    }


def _by_distance(
    distance_ms: Floats, edge: NDArray[np.int64], *, found: Floats, wanted: Floats
) -> tuple[DistanceRecall, ...]:
    known = np.isfinite(distance_ms)
    if not known.any():
        return ()
    bin_ms = max(1.0, float(np.ceil(distance_ms[known].max() / _DISTANCE_BINS)))
    place = np.minimum(np.where(known, distance_ms, 0.0) // bin_ms, _DISTANCE_BINS - 1)

    def told(at: int) -> DistanceRecall:
        here: Mapping[str, NDArray[np.bool_]] = {
            name: known & (place == at) & (edge == side) for side, name in enumerate(EDGES)
        }
        return DistanceRecall(
            from_ms=at * bin_ms,
            to_ms=(at + 1) * bin_ms,
            samples={name: int(which.sum()) for name, which in here.items()},
            recall={name: measured(ratio(found[w].sum(), wanted[w].sum())).value for name, w in here.items()},
        )

    return tuple(told(at) for at in range(_DISTANCE_BINS))
