"""Pictures of a training run: piano rolls of validation recordings, and learning curves."""

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
from drumline.core.vocabularies import LABEL_NAMES
from drumline.decoding.activations import Activations
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import decode
from drumline.training.validation import Recording


def piano_rolls(
    recordings: Sequence[tuple[Recording, Activations]], config: DecodeConfig, *, seconds: float
) -> tuple[bytes, NDArray[np.uint8]]:
    """Plot reference hits above predictions.

    The prediction shows activations in grey and decoded hits as marks. A reference hit of ambiguous class is drawn pale
    at each class that it may be.

    Parameters
    ----------
    recordings
        Validation recordings with their activations.
    config
        Decoder settings.
    seconds
        Plotted part of each recording, from its start [s].

    Returns
    -------
    png
        Content of a PNG file.
    pixels
        The same picture, uint8 [height, width, 3].
    """
    figure = Figure(figsize=(11, 4.4 * len(recordings)), dpi=80, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    rows = np.atleast_1d(figure.subplots(2 * len(recordings), 1))
    for (recording, activations), truth, prediction in zip(recordings, rows[::2], rows[1::2], strict=True):
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
        hits = decode([activations], config).events
        for time_s, label in zip(hits.time_s, hits.label, strict=True):
            _mark(prediction, float(time_s), activations.classes.index(LABEL_NAMES[label]), pale=False)
        prediction.set_xlabel("seconds", fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    pixels: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    return buffer.getvalue(), pixels


def curves(steps: Sequence[dict[str, Any]], epochs: Sequence[dict[str, Any]], score: str) -> str:
    """Plot loss, learning rate and validation score over the steps of a run as SVG; lines mark the stages.

    Parameters
    ----------
    steps
        Records of ``steps.jsonl``.
    epochs
        Records of ``epochs.jsonl``.
    score
        Name of the validation score.
    """
    with style("curves"):
        figure = Figure(figsize=(WIDTH_IN, 5.6), layout="constrained")
        loss, rate, validation = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 3))
        step_numbers = [record["step"] for record in steps]
        loss.plot(step_numbers, [record["loss"] for record in steps], color=SERIES[0], linewidth=1.2)
        loss.set(title="loss", yscale="log")
        loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        loss.yaxis.set_minor_locator(NullLocator())
        rate.plot(step_numbers, [record["rate"] for record in steps], color=SERIES[4], linewidth=1.2)
        rate.set(title="learning rate", ylim=(0, None))
        ends = [record["step"] for record in epochs]
        for series, name in enumerate(dict.fromkeys((score, "pr_auc"))):
            values = [np.nan if (value := record["metrics"][name]) is None else value for record in epochs]
            validation.plot(ends, values, "o-", color=SERIES[series], markersize=3, linewidth=1.2, label=name)
        validation.set(title="validation", ylim=(0, 1), xlabel="step")
        validation.legend(frameon=False, loc="lower right")
        stage_starts = [after["step"] for before, after in pairwise(steps) if before["stage"] != after["stage"]]
        for axes in (loss, rate, validation):
            for step in stage_starts:
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
