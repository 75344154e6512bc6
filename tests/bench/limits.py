"""What no program could do faster on this machine, beside what was measured: the distance that is left.

The limits are measured too, on one thread each: multiply-adds of a float32 matrix product, memory copied, FLAC and
Vorbis decoded by libsndfile alone. A stage cannot be faster than the part of its work that nobody can leave out.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any, Final

import numpy as np
import soundfile
import torch
from tests.bench.recordings import rendered
from tests.bench.tables import table
from threadpoolctl import threadpool_limits
from torch.utils.flop_counter import FlopCounterMode

from drumline.core.grid import RATE_HZ
from drumline.features.logmel import LogMelConfig
from drumline.features.logmel_torch import LogMel
from drumline.model.config import ModelConfig
from drumline.model.network import HierarchicalDrumCRNN

_TURNS: Final = 5
_AUDIO_S: Final = 60.0
_WINDOW_S: Final = 3.0
_SIDE: Final = 1024


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """The machine's limits, and the multiply-adds of a second of audio through the small network."""
    samples = np.resize(rendered(0, kit=0, mixed=True, num_bars=12).samples, round(_AUDIO_S * 2 * RATE_HZ))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            found = {
                "multiply_adds_a_s": _SIDE**3 / _best(_product()),
                "copied_bytes_a_s": 2 * 2**27 / _best(_copy()),
                **{f"{kind}_x": _AUDIO_S / _best(_decoding(samples, kind)) for kind in ("flac", "vorbis")},
            }
    finally:
        torch.set_num_threads(threads)
    network = HierarchicalDrumCRNN(ModelConfig.model_validate({"preset": "small"}, strict=False)).eval()
    mel = LogMel(LogMelConfig())(torch.zeros(1, round(_WINDOW_S * RATE_HZ)))
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(mel)
    found["network_multiply_adds_a_s"] = counter.get_total_flops() / 2 / _WINDOW_S
    say(f"{found['multiply_adds_a_s'] / 1e9:.0f} thousand million multiply-adds a second")
    return found


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """The machine."""
    rows: list[list[str | float]] = [
        ["multiply-adds a second, float32, thousand millions", found["multiply_adds_a_s"] / 1e9],
        ["memory copied (read and written), GB a second", found["copied_bytes_a_s"] / 1e9],
        ["FLAC of 44.1 kHz mono decoded, times real time", found["flac_x"]],
        ["Vorbis of 44.1 kHz mono decoded, times real time", found["vorbis_x"]],
        ["small network, multiply-adds a second of audio, millions", found["network_multiply_adds_a_s"] / 1e6],
    ]
    return table(["one thread of this machine", "limit"], rows, markdown=markdown)


def distances(results: Mapping[str, dict[str, Any]], *, markdown: bool) -> str:
    """Each stage that was measured beside its limit, in seconds of audio a second of one processor."""
    if not (rows := list(_distances(results["limits"], results)) if "limits" in results else []):
        return ""
    head = ["seconds of audio a CPU second", "what cannot be left out", "limit", "measured", "measured / limit"]
    return table(head, [[*row, row[3] / row[2]] for row in rows], markdown=markdown)


def _distances(
    limits: dict[str, Any], results: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[str, str, float, float]]:
    network_x = limits["multiply_adds_a_s"] / limits["network_multiply_adds_a_s"]
    if "build" in results:
        for way in ("loop", "build"):
            told = results["build"]["ways"][way]
            audio_s = 60 * told["audio_hours_a_minute"] * told["work_s"]
            yield f"build, {way}", "FLAC decoded", limits["flac_x"], audio_s / told["cpu_s"]
    if "kernels" in results:
        whole = next(row for row in results["kernels"]["rows"] if "(windowing and FFTs alone)" in row["kernel"])
        audio_s = float(whole["kernel"].split("of ")[1].split(" s")[0])
        yield "features", "windows and FFTs", 1e3 * audio_s / whole["theirs_ms"], 1e3 * audio_s / whole["ours_ms"]
    if "training" in results:
        # Forward, and about twice that backward.
        measured_x = results["training"]["learner"] * _WINDOW_S
        yield "training step, learner alone", "multiply-adds, three times", network_x / 3, measured_x
    if "transcription" in results:
        for row in results["transcription"]["speed"]:
            if row["way"].endswith("1 threads"):
                least = 1 / (1 / network_x + 1 / (limits["vorbis_x"] / 2))  # a stereo file
                yield f"transcription, {row['way']}", "Vorbis and float32 network", least, row["seconds"] / row["cpu_s"]


def _best(work: Callable[[], object]) -> float:
    """The shortest of a few turns [CPU s]: a limit is what the machine can do at best."""
    work()
    spent_s = []
    for _ in range(_TURNS):
        since = time.process_time()
        work()
        spent_s.append(time.process_time() - since)
    return min(spent_s) if min(spent_s) > 0 else median(spent_s)


def _product() -> Callable[[], object]:
    left, right = torch.rand(_SIDE, _SIDE), torch.rand(_SIDE, _SIDE)
    return lambda: left @ right


def _copy() -> Callable[[], object]:
    source, target = np.ones(2**27, dtype=np.uint8), np.empty(2**27, dtype=np.uint8)
    return lambda: np.copyto(target, source)


def _decoding(samples: np.ndarray, kind: str) -> Callable[[], object]:
    sink = io.BytesIO()
    form = {"flac": ("FLAC", "PCM_16"), "vorbis": ("OGG", "VORBIS")}[kind]
    with soundfile.SoundFile(sink, "w", 2 * RATE_HZ, 1, form[1], format=form[0]) as file:
        for start in range(0, len(samples), 1 << 16):  # libsndfile breaks on long writes of Vorbis
            file.write(0.5 * samples[start : start + (1 << 16)])
    data = sink.getvalue()
    return lambda: soundfile.read(io.BytesIO(data), dtype="float32")
