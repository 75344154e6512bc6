"""`check open-set`: does the system keep quiet about percussion that it was never taught?

A sample is known or unknown; its score is the highest that any label gets, unless the predictions tell a
``known_score`` (or an ``unknown_score``, taken from 1) themselves.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.charts.documents import Tree
from drumline.core import plots
from drumline.core.config import Config
from drumline.core.measure import Number, Value, measured, number
from drumline.metrics.bootstrap import BootstrapConfig, resample_weighted
from drumline.metrics.open_set import curve, separation
from drumline.quality.gates import Limit, judge_all
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section
from drumline.quality.report import CheckConfig, make_report
from drumline.quality.samples import group_key, group_of, pair, read_lines, scores_of

_CURVE_POINTS: Final = 101
_BINS: Final = 10
_CHUNK_VALUES: Final = 4_000_000
"""Weights made at a time: 32 MB."""


class OpenSetGates(Config):
    """Limits."""

    auroc: Limit | None = Limit(at_least=0.90)
    """Area under the ROC curve, known samples being the positives."""
    fpr_at_tpr: Limit | None = Limit(at_most=0.10)
    """Share of unknown samples taken for known where ``tpr`` of the known are kept."""
    auprc: Limit | None = None
    """Average precision for the known; it rises with their share, so its limit depends on the set."""


class OpenSetConfig(CheckConfig):
    """Known against unknown percussion."""

    truth: str
    """JSON lines: sample_id, is_known."""
    predictions: str
    """JSON lines: sample_id, scores."""
    tpr: float = Field(default=0.95, gt=0, le=1)
    """Share of the known samples that must be kept."""
    group_by: str = ""
    """What is drawn, as in `check bootstrap`."""
    draws: BootstrapConfig = BootstrapConfig()
    gates: OpenSetGates = OpenSetGates()


class OpenSetFindings(Config):
    """What `check open-set` finds."""

    known: int
    """Known samples."""
    unknown: int
    """Unknown samples."""
    groups: int
    """Different songs among them."""
    group_by: str
    """What a song is."""
    level: float
    """Of the intervals."""
    tpr: float
    """Of the known, kept."""
    values: dict[str, Value]
    """``auroc``, ``auprc``, ``fpr_at_tpr``."""
    roc: tuple[tuple[Number, Number], ...]
    """Up to 101 points: (share of unknown taken for known, share of known kept)."""
    shares: dict[str, tuple[float, ...]]
    """Of ``known`` and ``unknown`` samples, by tenth of the score."""


def check(config: OpenSetConfig) -> Outcome:
    """Run the check. Raises DrumlineError where a file cannot be used."""
    truth, told = read_lines(config.truth, "truth"), read_lines(config.predictions, "predictions")
    joined = pair(truth, told)
    key = config.group_by or group_key(truth.trees)
    known = np.array([_is_known(tree) for tree in truth.trees])
    score = np.array([_known_score(tree) if tree else 0.0 for _, tree in joined.pairs])
    names, group = np.unique([group_of(tree, key) for tree in truth.trees], return_inverse=True)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        found = separation(score, known, weight=weights[..., group], tpr=config.tpr)
        return np.stack([found.auroc, found.auprc, found.fpr_at_tpr], axis=-1)

    drawn = resample_weighted(len(names), statistic, config.draws, chunk=max(1, _CHUNK_VALUES // len(score)))
    values = [measured(*each) for each in zip(drawn.value, drawn.low, drawn.high, strict=True)]
    findings = OpenSetFindings(
        known=int(known.sum()),
        unknown=int((~known).sum()),
        groups=len(names),
        group_by=key,
        level=config.draws.level,
        tpr=config.tpr,
        values=dict(zip(("auroc", "auprc", "fpr_at_tpr"), values, strict=True)),
        roc=_roc(score, known),
        shares={"known": _shares(score[known]), "unknown": _shares(score[~known])},
    )
    report = make_report(
        "open-set",
        config,
        findings=findings,
        gates=judge_all(config.gates, findings.values),
        inputs=(truth.source, told.source),
        notes=joined.notes,
    )
    return Outcome(report, lambda: sections(findings))


def _is_known(tree: Tree) -> bool:
    if not tree.has("is_known"):
        raise tree.fault("is_known", "must say true or false")
    return tree.flag("is_known")


def _known_score(tree: Tree) -> float:
    if tree.has("known_score"):
        return tree.number("known_score")
    if tree.has("unknown_score"):
        return 1.0 - tree.number("unknown_score")
    return max(scores_of(tree).values(), default=0.0)


def _roc(score: NDArray[np.float64], known: NDArray[np.bool_]) -> tuple[tuple[Number, Number], ...]:
    at = curve(score, known)
    chosen = np.unique(np.linspace(0, len(at.known) - 1, _CURVE_POINTS).round().astype(int))
    return tuple((number(at.unknown[i]), number(at.known[i])) for i in chosen)


def _shares(score: NDArray[np.float64]) -> tuple[float, ...]:
    counts = np.bincount(np.clip((score * _BINS).astype(int), 0, _BINS - 1), minlength=_BINS)
    return tuple((counts / max(1, len(score))).round(6).tolist())


def sections(found: OpenSetFindings) -> tuple[Section, ...]:
    """What its page shows."""
    tenths = [f"{n / _BINS:.1f}" for n in range(_BINS)]
    return (
        Section(
            "Known against unknown",
            f"Intervals of {100 * found.level:g} % over {found.groups:,} songs ({found.group_by}).",
            facts=(
                ("Known samples", found.known),
                ("Unknown samples", found.unknown),
                ("AUROC", found.values["auroc"].value),
                ("AUPRC", found.values["auprc"].value),
                (f"False alarms at {100 * found.tpr:g} %", found.values["fpr_at_tpr"].value),
            ),
            figures=(
                Figure(
                    "Kept and let through",
                    "For every threshold. On the diagonal the score knows nothing.",
                    plots.curves(
                        "roc",
                        {"": ([x for x, _ in found.roc], [y for _, y in found.roc])},
                        x_label="unknown taken for known",
                        unit="known kept",
                    ),
                ),
                Figure(
                    "Scores",
                    "Share of each side's samples by score, in tenths. The less they overlap, the better.",
                    plots.lines("scores", tenths, found.shares, unit="share", x_label="score from"),
                ),
            ),
        ),
    )
