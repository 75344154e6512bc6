"""Plots of sampling weights: share of windows by property, in the dataset and as sampled for training."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from drumline.core.svg import SERIES, short, standalone, style, to_svg
from drumline.core.taxonomy import LABELS
from drumline.dataset.sampling_weights import WeightsConfig

_SIZE_IN: Final = (9.0, 6.4)


def plot_weights(table: pa.Table) -> str:
    """Four plots as SVG text: by rarest label, inter-onset interval and tempo, and the weights themselves.

    All domains count equally, as in their weights.
    """
    config = WeightsConfig.model_validate_json(table.schema.metadata[b"drumline.config"])
    domains = table["domain"].combine_chunks().indices.to_numpy()
    natural = 1 / np.bincount(domains)[domains]
    shares = np.stack([natural / natural.sum(), (weight := table["weight"].to_numpy()) / weight.sum()])
    label = table["rarest"].cast(pa.string()).to_pylist()
    with style("sampling-weights"):
        page = Figure(figsize=_SIZE_IN, layout="constrained")
        axes = page.subplots(2, 2).reshape(-1)
        present = [name for name in (*LABELS, "") if name in set(label)]
        _pairs(axes[0], "rarest label", [name or "nothing" for name in present], _sums(label, present, shares))
        for panel, column, edges, title in (
            (axes[1], "ioi_s", [1e3 * edge for edge in config.ioi_edges_s], "shortest interval, ms"),
            (axes[2], "tempo_bpm", list(config.tempo_edges_bpm), "tempo, beats/min"),
        ):
            values = table[column].cast(pa.float64()).to_numpy() * (1e3 if column == "ioi_s" else 1)
            bins = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), len(edges) + 1)
            names = [f"< {short(edges[0])}", *(f"{short(edge)}+" for edge in edges), "unknown"]
            _pairs(panel, title, names, _sums(list(bins), list(range(len(names))), shares))
        ratio = shares[1] / shares[0]
        axes[3].hist(ratio, bins=list(np.geomspace(ratio.min() / 1.01, ratio.max() * 1.01, 40)), color=SERIES[0])
        axes[3].set_xscale("log")
        axes[3].set_xlabel("weight over the mean")
        axes[3].set_ylabel("windows")
        return standalone(to_svg(page, empty=False))


def _sums(values: Sequence[object], names: Sequence[object], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural and sampled shares of the windows by value [2, names]."""
    index_of = {name: index for index, name in enumerate(names)}
    index = np.array([index_of[value] for value in values])
    return np.stack([np.bincount(index, share, minlength=len(names)) for share in shares])


def _pairs(axes: Axes, title: str, names: Sequence[str], shares: NDArray[np.float64]) -> None:
    for row, (share, said) in enumerate(zip(shares, ("dataset", "training"), strict=True)):
        axes.barh(
            np.arange(len(names)) + 0.38 * row, share, height=0.36, color=SERIES[4 if row == 0 else 0], label=said
        )
    axes.set_yticks(np.arange(len(names)) + 0.19, names)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel(f"share of windows by {title}")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.legend(frameon=False, fontsize=9, loc="lower right")
