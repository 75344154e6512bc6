"""`check alignment`: synchrony of a session's microphones, and alignment of a dataset's charts with their audio."""

import difflib
from collections.abc import Mapping
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from drumline.alignment.microphones import Delays, drift
from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.core.interval_value import Value, measured, number
from drumline.quality.alignment import page
from drumline.quality.alignment.charts import ChartGates, measure_charts
from drumline.quality.alignment.findings import AlignmentFindings, PairFindings, SessionFindings
from drumline.quality.alignment.session import OnsetMatching, Session, measure_delays, open_microphone, read_session
from drumline.quality.gates import Gate, Limit, apply_limits, combined_verdict
from drumline.quality.outcome import CheckResult
from drumline.quality.report import CheckConfig, Input, make_report

_TRACE_POINTS: Final = 200


class PairGates(Config):
    """Limits for every pair of microphones; delays are compared by magnitude. Null disables a gate."""

    median_delay_ms: Limit | None = Limit(at_most=0.25)
    """Median delay of the hits found in both microphones [ms]."""
    max_delay_ms: Limit | None = None
    """Largest delay of a single hit [ms]."""
    drift_samples_per_minute: Limit | None = Limit(at_most=1.0)
    """Drift between the microphones' clocks [samples/min]."""
    support: Limit | None = Limit(at_least=20)
    """Number of hits found in both microphones."""


class ListeningConfig(Config):
    """Detection of hits and matching between two microphones."""

    max_offset_s: float = Field(default=0.5, gt=0)
    """Largest difference between the start times of two recordings [s]."""
    max_delay_ms: float = Field(default=10.0, gt=0)
    """Search range around the delay of the preceding hits [ms]; 10 ms are 3.4 m of air."""
    min_likeness: float = Field(default=0.3, ge=0, le=1)
    """Lowest waveform correlation at which a hit counts as found by the second microphone."""
    max_onsets: int = Field(default=2_000, ge=3)
    """Largest number of hits to compare; of more, an evenly spaced selection is used."""


class AlignmentCheckConfig(CheckConfig):
    """Microphone sessions and datasets whose synchrony is checked."""

    sessions: tuple[str, ...] = ()
    """Session manifests (JSON) or folders of audio files."""
    mics: dict[str, str] = Field(default={})
    """A session given here: microphone name -> audio file."""
    anchor: str = ""
    """Reference microphone that all others are compared with; the first of each session if empty."""
    dataset: str = ""
    """Built dataset whose charts are checked against their audio."""
    level: float = Field(default=0.95, gt=0, lt=1)
    """Confidence level of the drift intervals."""
    listening: ListeningConfig = ListeningConfig()
    gates: PairGates = PairGates()
    charts: ChartGates = ChartGates()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.sessions or self.mics or self.dataset):
            raise ValueError("set sessions, mics or dataset")
        return self


def run(config: AlignmentCheckConfig) -> CheckResult:
    """Measure microphone delays and chart residuals. Raises DrumlineError if a file cannot be used."""
    sessions = [read_session(uri) for uri in config.sessions]
    if config.mics:
        sessions.append(Session("mics", "configuration", "", config.mics))
    found: list[SessionFindings] = []
    gates: list[Gate] = []
    for session in sessions:
        session_findings, session_gates = _session(session, config)
        found.append(session_findings)
        gates += session_gates
    inputs = [Input(role="session", path=each.source, records=len(each.mics), sha256=each.sha256) for each in sessions]
    charts = None
    if config.dataset:
        charts, source = measure_charts(config.dataset, config.charts)
        inputs.append(source)
        gates += apply_limits(config.charts, charts.values, prefix="charts.")
    findings = AlignmentFindings(sessions=tuple(found), charts=charts, level=config.level)
    report = make_report("alignment", config, findings=findings, gates=tuple(gates), inputs=inputs)
    return CheckResult(report, lambda: page.sections(findings))


def _session(session: Session, config: AlignmentCheckConfig) -> tuple[SessionFindings, list[Gate]]:
    anchor = config.anchor or next(iter(session.mics))
    if anchor not in session.mics:
        near = difflib.get_close_matches(anchor, session.mics, n=1, cutoff=0.0)
        raise ConfigError(f"anchor: {session.session_id} has no microphone {anchor!r}; did you mean {near[0]}?")
    settings = config.listening
    matching = OnsetMatching(
        max_offset_s=settings.max_offset_s,
        max_delay_s=settings.max_delay_ms / 1000,
        min_correlation=settings.min_likeness,
        max_onsets=settings.max_onsets,
    )
    pairs: list[PairFindings] = []
    gates: list[Gate] = []
    with open_microphone(anchor, session.mics[anchor]) as first:
        envelope = first.envelope()
        for name, uri in session.mics.items():
            if name == anchor:
                continue
            with open_microphone(name, uri) as target:
                delays, onsets = measure_delays(first, target, envelope=envelope, matching=matching)
            pair, pair_gates = _pair(
                (session.session_id, anchor, name), delays, onsets=onsets, rate_hz=first.rate_hz, config=config
            )
            pairs.append(pair)
            gates += pair_gates
        duration_s = round(first.num_samples / first.rate_hz, 3)
        rate_hz = first.rate_hz
    found = SessionFindings(
        session_id=session.session_id, rate_hz=rate_hz, duration_s=duration_s, anchor=anchor, pairs=tuple(pairs)
    )
    return found, gates


def _pair(
    names: tuple[str, str, str], delays: Delays, *, onsets: int, rate_hz: int, config: AlignmentCheckConfig
) -> tuple[PairFindings, tuple[Gate, ...]]:
    session_id, anchor, target = names
    delay_ms = delays.delay_samples / rate_hz * 1000
    slope = drift(delays, rate_hz=rate_hz, level=config.level)
    steady = measured(slope.samples_per_minute, slope.low, slope.high)
    statistics = _statistics(delay_ms)
    values = {
        "median_delay_ms": _magnitude(measured(statistics["median"])),
        "max_delay_ms": measured(statistics["max_abs"]),
        "drift_samples_per_minute": _magnitude(steady),
        "support": measured(len(delay_ms)),
    }
    gates = apply_limits(config.gates, values, prefix=f"{session_id}.{target}.")
    shown = _evenly(len(delay_ms), _TRACE_POINTS)
    pair = PairFindings(
        anchor=anchor,
        target=target,
        **{f"{name}_delay_ms": number(value) for name, value in statistics.items()},
        drift_samples_per_minute=steady,
        onsets=onsets,
        support=len(delay_ms),
        trace=tuple((round(float(delays.time_s[i]) / 60, 4), round(float(delay_ms[i]), 4)) for i in shown),
        verdict=combined_verdict(gates),
    )
    return pair, gates


def _evenly(count: int, most: int) -> list[int]:
    """Up to ``most`` evenly spaced indices below ``count``."""
    chosen: list[int] = np.unique(np.linspace(0, count - 1, most).round().astype(int)).tolist() if count else []
    return chosen


def _statistics(delay_ms: NDArray[np.float64]) -> Mapping[str, float]:
    if not len(delay_ms):
        return dict.fromkeys(("median", "mean", "max_abs", "std", "spread"), float("nan"))
    median = float(np.median(delay_ms))
    return {
        "median": median,
        "mean": float(delay_ms.mean()),
        "max_abs": float(np.abs(delay_ms).max()),
        "std": float(delay_ms.std()),
        "spread": float(np.median(np.abs(delay_ms - median))),
    }


def _magnitude(value: Value) -> Value:
    """Absolute value with its interval, which starts at 0 if the signed interval contains 0."""
    low, high = value.low, value.high
    if low is not None and high is not None:
        low, high = (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))
    return Value(value=None if value.value is None else abs(value.value), low=low, high=high)
