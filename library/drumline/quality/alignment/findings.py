"""What `check alignment` finds: a part of its ``report.json``. Positive delays: the target hears it later."""

from drumline.core.config import Config
from drumline.core.measure import Number, Value
from drumline.quality.gates import Verdict


class PairFindings(Config):
    """One microphone against the anchor."""

    anchor: str
    """The microphone whose clock counts."""
    target: str
    """The other."""
    median_delay_ms: Number
    """Of all strokes that both hear; null without any, like all here."""
    mean_delay_ms: Number
    """Likewise."""
    max_abs_delay_ms: Number
    """The largest, whatever its sign."""
    std_delay_ms: Number
    """Standard deviation."""
    spread_delay_ms: Number
    """Median absolute deviation from the median: what a few wrong matches do not touch."""
    drift_samples_per_minute: Value
    """Slope of the delay over time, by Theil and Sen, with its interval."""
    onsets: int
    """Strokes that the anchor hears by themselves."""
    support: int
    """Those that the target hears as well."""
    trace: tuple[tuple[float, float], ...]
    """(minutes, delay in ms) of up to 200 strokes."""
    verdict: Verdict
    """Of this pair's gates."""


class SessionFindings(Config):
    """One session."""

    session_id: str
    """As its manifest says, or the folder's name."""
    rate_hz: int
    """Of all its files."""
    duration_s: float
    """Of the anchor."""
    anchor: str
    """The microphone that the others are compared with."""
    pairs: tuple[PairFindings, ...]
    """In the order of the manifest."""


class RecordingRow(Config):
    """A recording whose chart does not lie on its audio."""

    key: str
    """The song, as the dataset calls it."""
    domain: str
    """How its drums are heard."""
    alignment: str
    """On whose word its hits lie where they lie."""
    residual_ms: Number
    """Median distance of chart and audio onsets; null where nothing was found."""
    drift_ppm: Number
    """The drift that was taken out."""
    hits: int
    """Hits in it."""


class ChartFindings(Config):
    """The recordings of a dataset, each chart against its audio."""

    recordings: int
    """Rows of songs.parquet."""
    songs: int
    """Different songs."""
    verdicts: dict[str, int]
    """Recordings by what alignment made of them."""
    values: dict[str, Value]
    """``within``, ``median_residual_ms``, ``p95_residual_ms``, ``p95_drift_samples_per_minute``, ``forced``,
    ``unconfirmed``."""
    residuals: tuple[int, ...]
    """Recordings by residual, in the bins of `residual_edges_ms`."""
    residual_edges_ms: tuple[float, ...]
    """Edges of these bins; what lies beyond the last joins the last."""
    worst: tuple[RecordingRow, ...]
    """Those outside the limit, worst first: at most 50."""


class AlignmentFindings(Config):
    """What `check alignment` finds."""

    sessions: tuple[SessionFindings, ...]
    """Sessions of several microphones."""
    charts: ChartFindings | None
    """Of the dataset, where one is given."""
    level: float
    """Of the intervals."""
