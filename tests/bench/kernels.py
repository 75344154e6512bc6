"""Our readers and features beside the libraries that do the same: time, and whether the numbers are the same."""

import gc
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

import librosa
import mido
import numpy as np
import symusic
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft
from tests.bench.recordings import Samples, rendered
from tests.bench.tables import table
from tests.conftest import CORPUS
from threadpoolctl import threadpool_limits

from drumline.charts import dot_chart, notes_mid
from drumline.charts.drum_maps import ROLAND
from drumline.charts.general_midi import ROLAND_CLOSED_CC4, read_performance
from drumline.charts.song_ini import SongIni
from drumline.core.grid import RATE_HZ
from drumline.features.logmel import FRAMES_A_CHUNK, LogMelConfig, log_mel, scaled_window
from drumline.features.logmel_torch import LogMel

_REPETITIONS: Final = 5
_SONG_BARS: Final = 90
_BATCH_WINDOW_S: Final = 8


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """One row a kernel: CPU milliseconds on one thread, medians of five turns."""
    samples = rendered(0, kit=0, mixed=True, num_bars=12 if quick else _SONG_BARS).samples
    with threadpool_limits(1):
        rows = [
            row for config in (LogMelConfig(), LogMelConfig(hop=64, n_fft=512)) for row in _log_mel(samples, config)
        ]
        say("log-mel measured")
        if CORPUS.is_dir():
            rows += _charts(CORPUS / "charts" / "yarg_core")
            rows += _performances(CORPUS / "groove_trainval.zip", 10 if quick else 100)
        else:
            say("no corpus beside this checkout (../shared/corpus): features only")
    return {"rows": rows}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """Ours, theirs, and how many times faster ours is."""
    headers = ["one thread, CPU time", "ours, ms", "theirs, ms", "times faster", "largest difference"]
    rows = []
    for row in found["rows"]:
        ratio = row["theirs_ms"] / row["ours_ms"] if row["theirs_ms"] else None
        rows.append([row["kernel"], row["ours_ms"], row["theirs_ms"], ratio, row["difference"]])
    return table(headers, rows, markdown=markdown)


def _log_mel(samples: Samples, config: LogMelConfig) -> Iterator[dict[str, Any]]:
    """Beside librosa, beside the FFTs that nobody can leave out, and in torch as training batches are made."""

    def theirs() -> Samples:
        mel = librosa.feature.melspectrogram(
            y=samples,
            sr=RATE_HZ,
            n_fft=config.n_fft,
            hop_length=config.hop,
            power=1.0,
            n_mels=config.bands,
            fmin=config.low_hz,
            fmax=config.high_hz,
            norm=1,
        )
        return np.log1p(np.float32(config.gain * 4 / config.n_fft) * mel).T  # a Hann window sums to n_fft / 2

    window = scaled_window(config.n_fft)
    frames = sliding_window_view(np.pad(samples, config.n_fft // 2), config.n_fft)[:: config.hop]

    def transforms() -> None:
        for start in range(0, len(frames), FRAMES_A_CHUNK):
            fft.rfft(frames[start : start + FRAMES_A_CHUNK] * window, axis=1)

    title = f"log-mel of {len(samples) / RATE_HZ:.0f} s, hop {config.hop}"
    ours = log_mel(samples, config)
    difference = float(np.abs(ours - theirs()).max())
    yield _row(f"{title} (librosa)", lambda: log_mel(samples, config), theirs, difference=difference)
    yield _row(f"{title} (windowing and FFTs alone)", lambda: log_mel(samples, config), transforms)

    length = _BATCH_WINDOW_S * RATE_HZ // config.hop * config.hop
    batch = samples[: len(samples) // length * length].reshape(-1, length)
    module, tensor = LogMel(config), torch.from_numpy(batch)
    rows = np.stack([log_mel(row, config) for row in batch])
    yield _row(
        f"{title}, torch in windows of {_BATCH_WINDOW_S} s (ours in NumPy)",
        lambda: module(tensor),
        lambda: np.stack([log_mel(row, config) for row in batch]),
        difference=float(np.abs(module(tensor).numpy() - rows).max()),
    )


def _charts(folder: Path) -> Iterator[dict[str, Any]]:
    """Whole charts, all difficulties, beside mido's parsing of the bytes alone."""
    for name in ("test.mid", "drawntotheflame.mid"):
        data = (folder / name).read_bytes()
        yield _row(
            f"{name}, {len(data) / 1e3:.0f} kB (mido)",
            lambda data=data, name=name: notes_mid.read(data, name=name, ini=SongIni()),
            lambda data=data: mido.MidiFile(file=io.BytesIO(data), clip=True, charset="latin1"),
        )
    data = (folder / "test.chart").read_bytes()
    title = f"test.chart, {len(data) / 1e3:.0f} kB"
    yield _row(title, lambda: dot_chart.read(data, name="test.chart", ini=SongIni()), None)


def _performances(path: Path, num_files: int) -> Iterator[dict[str, Any]]:
    """Groove performances: parsed by symusic, and read to hits; beside mido's parsing."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith((".mid", ".midi")))
        data = [archive.read(name) for name in names[:: max(1, len(names) // num_files)][:num_files]]

    def hits(performance: bytes) -> object:
        return read_performance(performance, "groove", drum_map=ROLAND, closed_cc4=ROLAND_CLOSED_CC4)

    def theirs(performance: bytes) -> object:
        return mido.MidiFile(file=io.BytesIO(performance))

    for title, ours in (("parsed by symusic", symusic.Score.from_midi), ("read to hits", hits)):
        row = _row(
            f"a Groove performance {title}, mean of {len(data)} (mido)",
            lambda ours=ours: [ours(performance) for performance in data],
            lambda: [theirs(performance) for performance in data],
        )
        yield {**row, "ours_ms": row["ours_ms"] / len(data), "theirs_ms": row["theirs_ms"] / len(data)}


def _row(
    kernel: str, ours: Callable[[], object], theirs: Callable[[], object] | None, *, difference: float | None = None
) -> dict[str, Any]:
    """Both in turns, so that a busy machine slows both."""
    ours_ms, theirs_ms = [], []
    for _ in range(_REPETITIONS):
        ours_ms.append(_cpu_ms(ours))
        if theirs is not None:
            theirs_ms.append(_cpu_ms(theirs))
    return {
        "kernel": kernel,
        "ours_ms": median(ours_ms),
        "theirs_ms": median(theirs_ms) if theirs_ms else None,
        "difference": difference,
    }


def _cpu_ms(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()  # as timeit does: collecting costs whoever comes next
    try:
        started_s = time.process_time()
        work()
        return 1e3 * (time.process_time() - started_s)
    finally:
        gc.enable()
