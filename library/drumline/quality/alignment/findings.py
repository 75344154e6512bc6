"""Findings of `check alignment` in its report.json. Positive delays: the target microphone is later."""

from drumline.core.config import Config
from drumline.core.interval_value import Number, Value
from drumline.quality.gates import Verdict


class PairFindings(Config):
    """Delays of one microphone relative to the anchor; null where no hit was matched."""

    anchor: str
    """Reference microphone."""
    target: str
    """Compared microphone."""
    median_delay_ms: Number
    """Median delay of all matched hits [ms]."""
    mean_delay_ms: Number
    """Mean delay [ms]."""
    max_abs_delay_ms: Number
    """Largest absolute delay [ms]."""
    std_delay_ms: Number
    """Standard deviation of the delays [ms]."""
    spread_delay_ms: Number
    """Median absolute deviation from the median delay [ms]; robust against a few wrong matches."""
    drift_samples_per_minute: Value
    """Theil-Sen slope of the delay over time with its confidence interval [samples/min]."""
    onsets: int
    """Isolated hits detected in the anchor."""
    support: int
    """Hits of the anchor that were also found in the target."""
    trace: tuple[tuple[float, float], ...]
    """Delay over time of up to 200 hits: (minutes, delay in ms)."""
    verdict: Verdict
    """Combined verdict of this pair's gates."""


class SessionFindings(Config):
    """Microphone pairs of one recording session."""

    session_id: str
    """Session id of the manifest, or the folder's name."""
    rate_hz: int
    """Sampling rate of all its files [Hz]."""
    duration_s: float
    """Duration of the anchor's recording [s]."""
    anchor: str
    """Reference microphone of the session."""
    pairs: tuple[PairFindings, ...]
    """Microphones compared with the anchor, in the order of the manifest."""


class RecordingRow(Config):
    """A recording whose chart is not aligned within the limit."""

    key: str
    """Key of the song in the dataset."""
    domain: str
    """Audio domain: mix, drum stem, separated or rendered."""
    alignment: str
    """Alignment verdict: measured, trusted, exact, forced or unconfirmed."""
    residual_ms: Number
    """Median distance of hits and detected onsets [ms]; null if nothing was detected."""
    drift_ppm: Number
    """Corrected drift [ppm]."""
    hits: int
    """Number of hits."""


class ChartFindings(Config):
    """Alignment of a dataset's charts with their audio."""

    recordings: int
    """Number of recordings (rows of songs.parquet)."""
    songs: int
    """Number of distinct songs."""
    verdicts: dict[str, int]
    """Recordings by alignment verdict."""
    values: dict[str, Value]
    """``within``, ``median_residual_ms``, ``p95_residual_ms``, ``p95_drift_samples_per_minute``, ``forced``,
    ``unconfirmed``."""
    residuals: tuple[int, ...]
    """Histogram of the recordings' residuals, in the bins of `residual_edges_ms`."""
    residual_edges_ms: tuple[float, ...]
    """Bin edges [ms]; larger residuals are counted in the last bin."""
    worst: tuple[RecordingRow, ...]
    """Recordings beyond the residual limit, worst first: at most 50."""


class AlignmentFindings(Config):
    """Findings of `check alignment` in its report.json."""

    sessions: tuple[SessionFindings, ...]
    """Sessions of several microphones."""
    charts: ChartFindings | None
    """Alignment of the dataset's charts; null if no dataset is configured."""
    level: float
    """Confidence level of the intervals."""
