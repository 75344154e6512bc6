"""`check open-set`: does a system stay silent on percussion outside its classes?

Each sample is known or unknown. Its score is ``known_score`` (or 1 - ``unknown_score``) of its prediction, else the
highest score of any label.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.charts.documents import Tree
from drumline.core import plots
from drumline.core.config import Config
from drumline.core.interval_value import Number, Value, measured, number
from drumline.metrics.bootstrap import BootstrapConfig, resample_weighted
from drumline.metrics.open_set import curve, separation
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section
from drumline.quality.report import CheckConfig, make_report
from drumline.quality.samples import group_key, group_of, pair_samples, read_sample_file, scores_of

_CURVE_POINTS: Final = 101
_BINS: Final = 10
_CHUNK_VALUES: Final = 4_000_000
"""Bootstrap weights computed at a time: 32 MB."""


class OpenSetGates(Config):
    """Limits of `check open-set`; null disables a gate."""

    auroc: Limit | None = Limit(at_least=0.90)
    """Area under the ROC curve with known samples as positives."""
    fpr_at_tpr: Limit | None = Limit(at_most=0.10)
    """False positive rate: share of unknown samples accepted at the threshold that keeps ``tpr`` of the known ones."""
    auprc: Limit | None = None
    """Average precision with known samples as positives; it grows with their share, so the limit depends on the set."""


class OpenSetConfig(CheckConfig):
    """Samples of known and unknown percussion, and predictions for them."""

    truth: str
    """Ground truth: JSON lines with sample_id and is_known."""
    predictions: str
    """Predictions: JSON lines with sample_id and scores."""
    tpr: float = Field(default=0.95, gt=0, le=1)
    """True positive rate: share of the known samples that must be accepted when ``fpr_at_tpr`` is measured."""
    group_by: str = ""
    """Field that groups samples for bootstrap resampling, as in `check bootstrap`."""
    draws: BootstrapConfig = BootstrapConfig()
    gates: OpenSetGates = OpenSetGates()


class OpenSetFindings(Config):
    """Findings of `check open-set` in its report.json."""

    known: int
    """Number of known samples."""
    unknown: int
    """Number of unknown samples."""
    groups: int
    """Number of resampled groups (songs)."""
    group_by: str
    """Field by which samples are grouped."""
    level: float
    """Confidence level of the intervals."""
    tpr: float
    """True positive rate at which ``fpr_at_tpr`` is measured."""
    values: dict[str, Value]
    """``auroc``, ``auprc``, ``fpr_at_tpr``."""
    roc: tuple[tuple[Number, Number], ...]
    """ROC curve of up to 101 points: (share of unknown samples accepted, share of known samples accepted)."""
    shares: dict[str, tuple[float, ...]]
    """Share of the ``known`` and ``unknown`` samples in each tenth of the score."""


def run(config: OpenSetConfig) -> CheckResult:
    """Measure how well scores separate known from unknown samples. Raises DrumlineError if a file cannot be used."""
    truth, predictions = read_sample_file(config.truth, "truth"), read_sample_file(config.predictions, "predictions")
    joined = pair_samples(truth, predictions)
    key = config.group_by or group_key(truth.trees)
    known = np.array([_is_known(tree) for tree in truth.trees])
    score = np.array([_known_score(tree) if tree else 0.0 for _, tree in joined.pairs])
    names, group = np.unique([group_of(tree, key) for tree in truth.trees], return_inverse=True)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        found = separation(score, known, weight=weights[..., group], tpr=config.tpr)
        return np.stack([found.auroc, found.auprc, found.fpr_at_tpr], axis=-1)

    resampled = resample_weighted(len(names), statistic, config.draws, chunk=max(1, _CHUNK_VALUES // len(score)))
    values = [measured(*each) for each in zip(resampled.value, resampled.low, resampled.high, strict=True)]
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
        gates=apply_limits(config.gates, findings.values),
        inputs=(truth.source, predictions.source),
        notes=joined.notes,
    )
    return CheckResult(report, lambda: sections(findings))


def _is_known(tree: Tree) -> bool:
    if not tree.has("is_known"):
        raise tree.fault("is_known", "must be true or false")
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
    """Sections of the HTML page."""
    tenths = [f"{n / _BINS:.1f}" for n in range(_BINS)]
    return (
        Section(
            "Known against unknown",
            f"Confidence intervals of {100 * found.level:g} % over {found.groups:,} songs ({found.group_by}).",
            facts=(
                ("Known samples", found.known),
                ("Unknown samples", found.unknown),
                ("AUROC", found.values["auroc"].value),
                ("AUPRC", found.values["auprc"].value),
                (f"False positives at {100 * found.tpr:g} % true positives", found.values["fpr_at_tpr"].value),
            ),
            figures=(
                Figure(
                    "ROC curve",
                    "One point for each threshold. On the diagonal scores do not separate known from unknown samples.",
                    plots.curves(
                        "roc",
                        {"": ([x for x, _ in found.roc], [y for _, y in found.roc])},
                        x_label="unknown accepted",
                        unit="known accepted",
                    ),
                ),
                Figure(
                    "Scores",
                    "Share of the known and the unknown samples in each tenth of the score; less overlap is better.",
                    plots.lines("scores", tenths, found.shares, unit="share", x_label="score from"),
                ),
            ),
        ),
    )
