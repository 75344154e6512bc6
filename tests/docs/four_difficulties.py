"""`python -m tests.docs.four_difficulties SONG`: docs/images/difficulties.png, from audio to a game's chart.

Two bars are drawn, those with the most classes and hits.

SONG is a folder of `drumline render-corpus`: ``drums.flac`` and ``song.flac``.
"""

import sys
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drumline.api.hits import Hits
from drumline.api.transcription import load_model
from drumline.charts.chart import DIFFICULTIES, LANES, Chart
from drumline.transcription.formats.pro_drums import chart_of

TARGET: Final = Path(__file__).parents[2] / "docs" / "images" / "difficulties.png"
NUM_BARS: Final = 2
_COLOURS: Final = dict(zip(LANES, ("#e08a1e", "#c8402f", "#c9a300", "#2a6fb5", "#3d9467"), strict=True))


def main(song: Path) -> None:
    transcription = load_model().transcribe(song, stem="mix")
    chart = chart_of(transcription.result, stored_bpm=lambda tempo_bpm: tempo_bpm)
    beats = transcription.beats
    bars_s = beats[beats[:, 1] == 1, 0]
    found = transcription.hits
    spans = list(zip(bars_s.tolist(), bars_s[NUM_BARS:].tolist(), strict=False))
    start_s, end_s = max(spans, key=lambda span: _variety(found, *span))
    figure = Figure(figsize=(10, 7.2), dpi=80, layout="constrained")
    wave, hits, *levels = figure.subplots(6, 1, sharex=True, height_ratios=(1, 1.8, 1, 1, 1, 1))
    _draw_wave(wave, song, start_s, end_s)
    rows = sorted(set(found.label.tolist()))
    hits.scatter(found.time_s, [rows.index(name) for name in found.label], s=60 * found.velocity, color="#1f2328")
    hits.set_yticks(range(len(rows)), rows, fontsize=7)
    hits.set_title("hits: class, velocity (size)", loc="left", fontsize=9)
    for axes, difficulty in zip(levels, reversed(DIFFICULTIES), strict=True):
        _draw_level(axes, chart, difficulty)
    for axes in (wave, hits, *levels):
        for time_s, number in beats:
            axes.axvline(time_s, color="#9aa3ad", linewidth=1.4 if number == 1 else 0.4, zorder=0)
        axes.set_xlim(start_s - 0.05, end_s + 0.05)
        axes.spines[["top", "right"]].set_visible(False)
    levels[-1].set_xlabel("seconds; lines are beats and bars as they were found", fontsize=8)
    figure.savefig(TARGET)


def _variety(hits: Hits, start_s: float, end_s: float) -> tuple[int, int]:
    labels = hits.label[(hits.time_s >= start_s) & (hits.time_s < end_s)].tolist()
    return len(set(labels)), len(labels)


def _draw_wave(axes: Axes, song: Path, start_s: float, end_s: float) -> None:
    import soundfile

    samples, rate_hz = soundfile.read(song / "drums.flac", always_2d=True)
    samples = samples.mean(axis=1)
    backing, _ = soundfile.read(song / "song.flac", always_2d=True)
    shared = min(len(samples), len(backing))
    mix = samples[:shared] + backing[:shared].mean(axis=1)
    chosen = slice(int(start_s * rate_hz), int(end_s * rate_hz))
    axes.plot(np.arange(shared)[chosen] / rate_hz, mix[chosen], color="#2a6fb5", linewidth=0.4)
    axes.set_yticks([])
    axes.set_title("audio", loc="left", fontsize=9)


def _draw_level(axes: Axes, chart: Chart, difficulty: str) -> None:
    notes = chart.difficulties.get(difficulty, ())
    times_s = chart.tempo.seconds([note.tick for note in notes])
    for note, time_s in zip(notes, times_s.tolist(), strict=True):
        marker = "_" if note.lane == "kick" else "^" if note.cymbal else "o"
        axes.scatter(time_s, LANES.index(note.lane), marker=marker, s=70, linewidth=2.5, color=_COLOURS[note.lane])
    axes.set(ylim=(-0.7, len(LANES) - 0.3))
    axes.set_yticks(range(len(LANES)), LANES, fontsize=6)
    axes.set_title(f"{difficulty.title()}: {len(notes):,} notes in the song", loc="left", fontsize=9)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
