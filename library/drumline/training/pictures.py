"""What a run looks like: recordings as the model hears them, and the curves of its learning."""

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from drumline.core.svg import FAINT, SERIES, WIDTH_IN, standalone, style, to_svg
from drumline.core.taxonomy import LABELS
from drumline.decoding.activations import Activations
from drumline.decoding.strokes import DecodeConfig, strokes
from drumline.metrics.vocabulary import LABEL_NAMES
from drumline.training.validation import Recording


def piano_rolls(
    seen: Sequence[tuple[Recording, Activations]], config: DecodeConfig, *, seconds: float
) -> tuple[bytes, NDArray[np.uint8]]:
    """Recordings from their starts, truth above prediction: a PNG file, and its pixels [height, width, 3].

    A prediction's grey is the activation, its marks are the hits that are decoded. A hit whose class the source does
    not tell is drawn pale, at each class that it may be.
    """
    figure = Figure(figsize=(11, 4.4 * len(seen)), dpi=80, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    rows = np.atleast_1d(figure.subplots(2 * len(seen), 1))
    for (recording, activations), truth, prediction in zip(seen, rows[::2], rows[1::2], strict=True):
        _roll(truth, activations, seconds)
        truth.set_title(f"{recording.song_id[:12]}, {recording.domain}: truth", loc="left", fontsize=9)
        for hit in recording.hits:
            classes = [name for name in LABELS[hit.label] if name in activations.classes]
            for name in classes:
                _mark(truth, hit.time_s, activations.classes.index(name), pale=len(classes) > 1)
        _roll(prediction, activations, seconds)
        prediction.set_title("prediction", loc="left", fontsize=9)
        rate_hz = activations.grid.frame_rate_hz
        shown = activations.probability[: round(seconds * rate_hz)].T
        edges = (np.arange(shown.shape[1] + 1) - 0.5) / rate_hz, np.arange(shown.shape[0] + 1) - 0.5
        prediction.pcolormesh(*edges, shown, cmap="Greys", vmin=0, vmax=1.4, rasterized=True)
        hits = strokes([activations], config).events
        for time_s, label in zip(hits.time_s, hits.label, strict=True):
            _mark(prediction, float(time_s), activations.classes.index(LABEL_NAMES[label]), pale=False)
        prediction.set_xlabel("seconds", fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    pixels: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    return buffer.getvalue(), pixels


def curves(steps: Sequence[dict[str, Any]], epochs: Sequence[dict[str, Any]], score: str) -> str:
    """An SVG file: the loss, the learning rate and the score over the steps of a run; a line where a stage begins."""
    with style("curves"):
        figure = Figure(figsize=(WIDTH_IN, 5.6), layout="constrained")
        loss, rate, judged = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 3))
        at = [record["step"] for record in steps]
        loss.plot(at, [record["loss"] for record in steps], color=SERIES[0], linewidth=1.2)
        loss.set(title="loss", yscale="log")
        loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        loss.yaxis.set_minor_locator(NullLocator())
        rate.plot(at, [record["rate"] for record in steps], color=SERIES[4], linewidth=1.2)
        rate.set(title="learning rate", ylim=(0, None))
        ends = [record["step"] for record in epochs]
        for series, name in enumerate(dict.fromkeys((score, "pr_auc"))):
            values = [np.nan if (value := record["metrics"][name]) is None else value for record in epochs]
            judged.plot(ends, values, "o-", color=SERIES[series], markersize=3, linewidth=1.2, label=name)
        judged.set(title="validation", ylim=(0, 1), xlabel="step")
        judged.legend(frameon=False, loc="lower right")
        begins = [after["step"] for before, after in pairwise(steps) if before["stage"] != after["stage"]]
        for axes in (loss, rate, judged):
            for step in begins:
                axes.axvline(step, color=FAINT, linewidth=0.8)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.title.set(fontsize=10, ha="left", x=0)
            axes.grid(axis="y")
        return standalone(to_svg(figure, empty=not steps))


def _roll(axes: Axes, activations: Activations, seconds: float) -> None:
    axes.set(xlim=(0, seconds), ylim=(-0.5, len(activations.classes) - 0.5))
    axes.set_yticks(range(len(activations.classes)), activations.classes, fontsize=7)
    axes.tick_params(axis="x", labelsize=7)
    axes.grid(axis="y", color="#e4e6e9", linewidth=0.5)


def _mark(axes: Axes, time_s: float, row: int, *, pale: bool) -> None:
    axes.vlines(time_s, row - 0.4, row + 0.4, colors="#2a6fb5", linewidth=1.6, alpha=0.3 if pale else 1.0)
