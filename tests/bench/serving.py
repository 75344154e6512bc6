"""The endpoint: requests a second with windows batched and not, a cold answer beside one from the cache, and how long
answers take as requests come faster, until it cannot follow.
"""

import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import requests
import soundfile
import torch
from tests.bench.tables import table
from tests.export.tiny import noise, write_package

from drumline.core.grid import RATE_HZ
from drumline.model.config import ModelConfig
from drumline.model.network import HierarchicalDrumCRNN
from drumline.runtime.serving import running

WAYS: Final = (("float32", 1), ("float32", 4), ("int8", 1))
"""Precision, and how many windows go together."""
_CLIENTS: Final = 16
_CLIP_S, _SONG_S = 20.0, 240.0
_PORT: Final = 8765
_LOAD: Final = ("answered", "p50_s", "p95_s", "p99_s")
_MOST_A_SECOND: Final = 512.0
_SATURATED_S: Final = 2.0


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """The small network with random weights (its speed does not depend on them), one replica of each kind."""
    torch.manual_seed(0)
    network = HierarchicalDrumCRNN(ModelConfig.model_validate({"preset": "small"}, strict=False)).eval()
    clips, songs, again = (8, 1, 3) if quick else (96, 5, 20)
    found = []
    with tempfile.TemporaryDirectory(prefix="drumline-bench-") as folder:
        package = write_package(Path(folder) / "small", "float32", "int8", network=network)
        for number, (precision, together) in enumerate(WAYS):
            args = {
                "model": str(package),
                "precision": precision,
                "batching": {"max_windows": together},
                "workers": {"max_replicas": 1, "max_recordings": _CLIENTS},
                "jobs": {"store": str(Path(folder) / f"jobs {number}"), "max_waiting": 2 * _CLIENTS},
            }
            with running("serve.app:application", args, host="127.0.0.1", port=_PORT, num_cpus=2) as url:
                _answers(url, 2 * _CLIENTS, seed=1_000_000)  # warm
                way: dict[str, Any] = {
                    "precision": precision,
                    "together": together,
                    "requests_a_second": _answers(url, clips, seed=1000 * number),
                    **_latency(url, songs, again, seed=100 * number),
                }
                if number == len(WAYS) - 1:  # the fastest
                    load = list(_load(url, seconds=5.0 if quick else 30.0, say=say))
            say(f"{precision}, {together} together: {way['requests_a_second']:.1f} requests a second")
            found.append(way)
    return {"clients": _CLIENTS, "clip_s": _CLIP_S, "song_s": _SONG_S, "ways": found, "load": load}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """The numbers for people."""
    headers = [
        "graph",
        "windows together",
        "requests a second",
        "cold s",
        "sent again s",
        "decoded again s",
        "cold / again",
    ]
    rows = [
        [
            way["precision"],
            way["together"],
            way["requests_a_second"],
            way["cold_s"],
            way["sent_again_s"],
            way["decoded_again_s"],
            way["cold_s"] / way["decoded_again_s"],
        ]
        for way in found["ways"]
    ]
    load = [[rate["asked"], *(rate[name] for name in _LOAD), rate["failed"]] for rate in found["load"]]
    head = ["requests a second, asked", "answered", "p50 s", "p95 s", "p99 s", "sent away"]
    return "\n\n".join([table(headers, rows, markdown=markdown), table(head, load, markdown=markdown)])


def _load(url: str, *, seconds: float, say: Callable[[str], None]) -> Iterator[dict[str, float]]:
    """Requests at a steady rate, whoever has been answered or not, for clips that nobody asked for before.

    The rate doubles until fewer than four in five are answered in that time, or half of them take over two seconds.
    """
    asked, seed = 1.0, 50_000_000
    while asked <= _MOST_A_SECOND:
        number = max(8, round(asked * seconds))
        clips = [encoded(noise(_CLIP_S, seed=seed + each)) for each in range(number)]
        seed += number
        started_s = time.monotonic()

        def ask(each: int, clips: list[bytes] = clips, due_s: float = started_s, asked: float = asked) -> float | None:
            due_s += each / asked
            time.sleep(max(0.0, due_s - time.monotonic()))
            try:
                post(url, clips[each])
            except requests.HTTPError:  # 429: too much waits already
                return None
            return time.monotonic() - due_s

        with ThreadPoolExecutor(min(number, 256)) as clients:
            took_s = list(clients.map(ask, range(number)))
        wall_s = time.monotonic() - started_s
        answered = sorted(each for each in took_s if each is not None)
        p50_s, p95_s, p99_s = np.quantile(answered, [0.5, 0.95, 0.99]).tolist()
        yield {
            "asked": asked,
            "answered": len(answered) / wall_s,
            "p50_s": p50_s,
            "p95_s": p95_s,
            "p99_s": p99_s,
            "failed": number - len(answered),
        }
        say(f"{asked:g} a second asked: {len(answered) / wall_s:.1f} answered, p99 {p99_s:.2f} s")
        if len(answered) / wall_s < 0.8 * asked or p50_s > _SATURATED_S:
            return
        asked *= 2


def _answers(url: str, number: int, *, seed: int) -> float:
    """Requests a second of clients that ask one after the other, each for a clip that nobody asked for before."""
    clips = [encoded(noise(_CLIP_S, seed=seed + each)) for each in range(number)]
    started_s = time.monotonic()
    with ThreadPoolExecutor(_CLIENTS) as clients:
        list(clients.map(lambda clip: post(url, clip), clips))
    return number / (time.monotonic() - started_s)


def _latency(url: str, songs: int, again: int, *, seed: int) -> dict[str, float]:
    """Median times [s] of one client: a song that was never heard, the same again, and its decoding anew."""
    cold_s, sent_again_s, decoded_again_s = [], [], []
    for number in range(songs):
        song = encoded(np.tile(noise(_SONG_S / 8, seed=seed + number), 8))
        location, spent_s = _timed(partial(post, url, song))
        cold_s.append(spent_s)
        sent_again_s.append(_timed(partial(post, url, song))[1])
        for step in range(again):
            ask = partial(_get, f"{url}{location}/result", {"sensitivity": f"{step / again:.3f}"})
            decoded_again_s.append(_timed(ask)[1])
    return {
        "cold_s": statistics.median(cold_s),
        "sent_again_s": statistics.median(sent_again_s),
        "decoded_again_s": statistics.median(decoded_again_s),
    }


def _timed(ask: Callable[[], str]) -> tuple[str, float]:
    started_s = time.monotonic()
    return ask(), time.monotonic() - started_s


def post(url: str, data: bytes, key: str = "") -> str:
    """Transcribe a FLAC file, with an API key where the endpoint has keys; the location of the job."""
    headers = {"Content-Type": "audio/flac", **headers_of(key)}
    answer = requests.post(f"{url}/v1/transcriptions", data=data, headers=headers, timeout=120)
    answer.raise_for_status()
    return answer.headers["Location"]


def _get(location: str, query: dict[str, str]) -> str:
    answer = requests.get(location, params=query, timeout=60)
    answer.raise_for_status()
    return answer.text


def headers_of(key: str) -> dict[str, str]:
    """Headers that an API key needs; none without a key."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def encoded(samples: np.ndarray) -> bytes:
    """FLAC of samples [N]."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE_HZ, format="FLAC")
    return buffer.getvalue()
