"""How well the charts of a dataset lie on their audio, from what alignment wrote into ``songs.parquet``.

The residual of a recording is the median distance of the onsets heard from where its hits were put, after the offset,
drift and warp that were applied; the drift is what was taken out. Intervals come from drawing songs.
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
from drumline.core.measure import measured, number
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
    """Limits for the charts of a dataset."""

    residual_limit_ms: float = Field(default=15.0, gt=0)
    """A recording is within the limit where the median distance of its onsets is at most this [ms]."""
    draws: BootstrapConfig = BootstrapConfig()
    within: Limit | None = Limit(at_least=0.95)
    """Share of the recordings of known residual that are within it."""
    median_residual_ms: Limit | None = Limit(at_most=10.0)
    """The median recording's residual [ms]."""
    p95_residual_ms: Limit | None = None
    """The residual that 95 % of the recordings keep [ms]."""
    p95_drift_samples_per_minute: Limit | None = None
    """The drift, without its sign, that 95 % of the recordings keep before correction [samples a minute]."""
    forced: Limit | None = Limit(at_most=0.0)
    """Share of recordings that alignment would have rejected."""
    unconfirmed: Limit | None = None
    """Share of recordings in which alignment found nothing to confirm the annotation by."""


def measure_charts(dataset: str, config: ChartGates) -> tuple[ChartFindings, Input]:
    """What alignment made of every recording of a dataset. Raises DrumlineError where there is none, or it is empty."""
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

    def share(which: NDArray[np.bool_], of: NDArray[np.bool_]) -> tuple[float, float, float]:
        sums = np.stack([np.bincount(song, side, minlength=len(songs)) for side in (which & of, of)], axis=1)
        told = resample(sums, lambda s: ratio(s[..., 0], s[..., 1]), config.draws)
        return float(told.value), float(told.low), float(told.high)

    every = np.ones(len(rows), dtype=bool)
    values = {
        "within": measured(*share(within, known)),
        "median_residual_ms": measured(_quantile(residual_ms[known], 0.5)),
        "p95_residual_ms": measured(_quantile(residual_ms[known], 0.95)),
        "p95_drift_samples_per_minute": measured(_quantile(drift, 0.95)),
        "forced": measured(*share(verdicts == "forced", every)),
        "unconfirmed": measured(*share(verdicts == "unconfirmed", every)),
    }
    outside = [row for row, good, told in zip(rows, within, known, strict=True) if told and not good]
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
    """The least of the values that so large a share of them does not exceed; NaN of none."""
    return float(np.quantile(values, share, method="inverted_cdf")) if len(values) else float("nan")
