"""Alignment quality of a dataset's charts, from the columns that alignment wrote into ``songs.parquet``.

The residual of a recording is the median distance between detected onsets and aligned hits, after the applied offset,
drift and warp. The drift is the one that was corrected. Confidence intervals come from bootstrap over songs.
"""

from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.core.artifacts import join, read_bytes, sha256
from drumline.core.config import Config
from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.core.interval_value import measured, number
from drumline.dataset.manifest import NAME, read_manifest
from drumline.dataset.parquet import open_parquet
from drumline.metrics.bootstrap import BootstrapConfig, resample
from drumline.metrics.scores import ratio
from drumline.quality.alignment.findings import ChartFindings, RecordingRow
from drumline.quality.gates import Limit
from drumline.quality.report import Input

Floats = NDArray[np.float64]

_COLUMNS: Final = ("song_id", "key", "domain", "alignment", "residual_ms", "drift_ppm", "num_hits")
_EDGES_MS: Final = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.5, 15.0, 20.0, 30.0, 50.0)
_MOST_ROWS: Final = 50
_PPM_TO_SAMPLES_PER_MINUTE: Final = 1e-6 * 60 * RATE_HZ


class ChartGates(Config):
    """Limits on the alignment of a dataset's charts; null disables a gate."""

    residual_limit_ms: float = Field(default=15.0, gt=0)
    """Largest residual of a well-aligned recording: median distance of onsets and hits [ms]."""
    draws: BootstrapConfig = BootstrapConfig()
    within: Limit | None = Limit(at_least=0.95)
    """Share of the recordings with a known residual that are well aligned."""
    median_residual_ms: Limit | None = Limit(at_most=10.0)
    """Median of the recordings' residuals [ms]."""
    p95_residual_ms: Limit | None = None
    """95th percentile of the recordings' residuals [ms]."""
    p95_drift_samples_per_minute: Limit | None = None
    """95th percentile of the absolute drift before correction [samples/min]."""
    forced: Limit | None = Limit(at_most=0.0)
    """Share of recordings that are in the dataset although alignment rejected them."""
    unconfirmed: Limit | None = None
    """Share of recordings whose annotation alignment could not confirm."""


def measure_charts(dataset: str, config: ChartGates) -> tuple[ChartFindings, Input]:
    """Summarise the alignment of every recording of a dataset.

    Raises DrumlineError if the dataset cannot be read or has no recording.
    """
    read_manifest(dataset)
    with open_parquet(join(dataset, "songs.parquet")) as file:
        rows = file.read(_COLUMNS).to_pylist()
    if not rows:
        raise DrumlineError(f"{dataset}: no recording in songs.parquet")
    source = Input(role="dataset", path=dataset, records=len(rows), sha256=sha256(read_bytes(join(dataset, NAME))))
    residual_ms = np.array([row["residual_ms"] for row in rows], dtype=np.float64)
    drift = np.abs([row["drift_ppm"] * _PPM_TO_SAMPLES_PER_MINUTE for row in rows])
    verdicts = np.array([row["alignment"] for row in rows])
    songs, song = np.unique([row["song_id"] for row in rows], return_inverse=True)
    known = np.isfinite(residual_ms)
    within = known & (residual_ms <= config.residual_limit_ms)

    def share(selected: NDArray[np.bool_], among: NDArray[np.bool_]) -> tuple[float, float, float]:
        sums = np.stack([np.bincount(song, side, minlength=len(songs)) for side in (selected & among, among)], axis=1)
        resampled = resample(sums, lambda s: ratio(s[..., 0], s[..., 1]), config.draws)
        return float(resampled.value), float(resampled.low), float(resampled.high)

    every = np.ones(len(rows), dtype=bool)
    values = {
        "within": measured(*share(within, known)),
        "median_residual_ms": measured(_quantile(residual_ms[known], 0.5)),
        "p95_residual_ms": measured(_quantile(residual_ms[known], 0.95)),
        "p95_drift_samples_per_minute": measured(_quantile(drift, 0.95)),
        "forced": measured(*share(verdicts == "forced", every)),
        "unconfirmed": measured(*share(verdicts == "unconfirmed", every)),
    }
    outside = [row for row, good, finite in zip(rows, within, known, strict=True) if finite and not good]
    findings = ChartFindings(
        recordings=len(rows),
        songs=len(songs),
        verdicts=dict(sorted(Counter(verdicts.tolist()).items())),
        values=values,
        residuals=tuple(np.histogram(np.minimum(residual_ms[known], _EDGES_MS[-1]), bins=_EDGES_MS)[0].tolist()),
        residual_edges_ms=_EDGES_MS,
        worst=tuple(
            RecordingRow(
                key=row["key"],
                domain=row["domain"],
                alignment=row["alignment"],
                residual_ms=number(row["residual_ms"]),
                drift_ppm=number(row["drift_ppm"]),
                hits=row["num_hits"],
            )
            for row in sorted(outside, key=lambda row: (-row["residual_ms"], row["key"]))[:_MOST_ROWS]
        ),
    )
    return findings, source


def _quantile(values: Floats, share: float) -> float:
    """Empirical quantile without interpolation; NaN for no values."""
    return float(np.quantile(values, share, method="inverted_cdf")) if len(values) else float("nan")
