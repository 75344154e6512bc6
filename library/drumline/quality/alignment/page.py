"""HTML page of `check alignment`."""

from itertools import pairwise

from drumline.core import plots
from drumline.core.interval_value import Value
from drumline.dataset.card_plots import bars
from drumline.quality.alignment.findings import AlignmentFindings, ChartFindings, SessionFindings
from drumline.quality.page import Figure, Section, Table


def sections(found: AlignmentFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    parts = [_session(session, number, found.level) for number, session in enumerate(found.sessions)]
    return (*parts, *([_charts(found.charts)] if found.charts else []))


def _session(session: SessionFindings, number: int, level: float) -> Section:
    delays = {
        pair.target: {
            "": Value(
                value=pair.median_delay_ms,
                low=(pair.median_delay_ms or 0.0) - (pair.spread_delay_ms or 0.0),
                high=(pair.median_delay_ms or 0.0) + (pair.spread_delay_ms or 0.0),
            )
        }
        for pair in session.pairs
    }
    traces = {pair.target: pair.trace for pair in session.pairs if pair.trace}
    return Section(
        f"Session {session.session_id}",
        f"Against {session.anchor}: {session.duration_s / 60:.1f} minutes at {session.rate_hz:,} Hz. "
        "Positive: the hit arrives at this microphone after the anchor.",
        figures=(
            Figure(
                "Delays",
                "Median delay, with its median absolute deviation on either side.",
                plots.intervals(f"delays{number}", delays, unit="ms", marks={"": 0.0}),
            ),
            Figure(
                "Delays over time",
                "A slope is clock drift, a step is a dropout.",
                plots.points(f"traces{number}", traces, x_label="minutes", unit="ms"),
            ),
        ),
        tables=(
            Table(
                (
                    "Microphone", "Verdict", "Median, ms", "Mean", "Largest", "Deviation", "Drift, samples/min",
                    f"{100 * level:g} % from", "to", "Matched hits", "of",
                ),
                tuple(
                    (
                        pair.target, pair.verdict, pair.median_delay_ms, pair.mean_delay_ms, pair.max_abs_delay_ms,
                        pair.std_delay_ms, pair.drift_samples_per_minute.value, pair.drift_samples_per_minute.low,
                        pair.drift_samples_per_minute.high, pair.support, pair.onsets,
                    )
                    for pair in session.pairs
                ),
            ),
        ),
    )  # fmt: skip


def _charts(found: ChartFindings) -> Section:
    *inner, last, _ = found.residual_edges_ms
    names = [f"{low:g} to {high:g}" for low, high in pairwise([*inner, last])] + [f"over {last:g}"]
    return Section(
        "Alignment of charts and audio",
        "Residual: median distance between detected onsets and aligned hits.",
        facts=(
            ("Recordings", found.recordings),
            ("Songs", found.songs),
            ("Within the limit", found.values["within"].value),
            ("Median residual, ms", found.values["median_residual_ms"].value),
            ("95th percentile, ms", found.values["p95_residual_ms"].value),
            ("95th percentile of drift, samples/min", found.values["p95_drift_samples_per_minute"].value),
        ),
        figures=(
            Figure(
                "Residuals",
                "Recordings by residual [ms].",
                bars("residuals", dict(zip(names, found.residuals, strict=True)), unit="recordings"),
            ),
            Figure(
                "Alignment verdicts",
                "Exact: rendered from the chart. Trusted: annotated on this recording.",
                bars("verdicts", found.verdicts, unit="recordings"),
            ),
        ),
        tables=(
            Table(
                ("Recording", "Domain", "Alignment", "Residual, ms", "Drift, ppm", "Hits"),
                tuple((w.key, w.domain, w.alignment, w.residual_ms, w.drift_ppm, w.hits) for w in found.worst),
                title="Recordings beyond the limit, worst first",
            ),
        ),
    )
