"""The endpoint under hostile load: 200 mixed requests, 20 at once, with and without idle connections and downloads.

Good requests are transcriptions of new clips, results as JSON and as MIDI. Beside them, in the second run, 64
connections of another API key send the first bytes of an upload and then nothing, and four clients of that key
download a long song's folder in a loop. The claim: the 99th percentile of the good requests stays under twice that of
the first run.
"""

import itertools
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import requests
import torch
from serve.keys import hash_key, new_key
from tests.bench.serving import encoded, headers_of, post
from tests.bench.tables import table
from tests.export.tiny import noise, write_package

from drumline.model.config import ModelConfig
from drumline.model.network import HierarchicalDrumCRNN
from drumline.runtime.serving import running

_REQUESTS, _AT_ONCE = 200, 20
_CLIP_S, _LONG_S = 20.0, 480.0
_IDLE: Final = 64
_DOWNLOADERS: Final = 4
_PORT: Final = 8766
_GOOD, _BAD = new_key(), new_key()


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """The small network with random weights, int8, one replica."""
    torch.manual_seed(0)
    network = HierarchicalDrumCRNN(ModelConfig.model_validate({"preset": "small"}, strict=False)).eval()
    number = 20 if quick else _REQUESTS
    with tempfile.TemporaryDirectory(prefix="drumline-bench-") as folder:
        package = write_package(Path(folder) / "small", "int8", network=network)
        keys = Path(folder) / "keys.txt"
        keys.write_text(f"good:{hash_key(_GOOD)}\nbad:{hash_key(_BAD)}\n")
        args = {
            "model": str(package),
            "keys_file": str(keys),
            "precision": "int8",
            "listeners": {"max_replicas": 1, "max_recordings": _AT_ONCE},
            "jobs": {"store": str(Path(folder) / "jobs"), "max_waiting": 4 * _AT_ONCE},
        }
        with running("serve.app:application", args, host="127.0.0.1", port=_PORT, num_cpus=2) as url:
            song = encoded(np.tile(noise(_LONG_S / 8, seed=1), 8))
            long, other = post(url, song, _GOOD), post(url, song, _BAD)
            _good(url, _AT_ONCE, long, seed=1_000_000)  # warm
            found = {"quiet": _good(url, number, long, seed=2_000_000)}
            say(f"quiet: p99 {found['quiet']['p99_s']:.2f} s")
            with _idle_connections(url, _IDLE), _downloads(url + other, _DOWNLOADERS) as downloads:
                found["hostile"] = _good(url, number, long, seed=3_000_000)
            found["hostile"]["downloads"] = dict(downloads)
            say(f"hostile: p99 {found['hostile']['p99_s']:.2f} s")
    return {"requests": number, "at_once": _AT_ONCE, **found}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """The numbers for people."""
    rows = [[name, *(found[name][key] for key in ("p50_s", "p99_s", "failed"))] for name in ("quiet", "hostile")]
    ratio = found["hostile"]["p99_s"] / found["quiet"]["p99_s"]
    lines = table(["load", "p50 s", "p99 s", "failed"], rows, markdown=markdown)
    return f"{lines}\n\np99 ratio {ratio:.2f}; folder downloads by status: {found['hostile']['downloads']}"


def _good(url: str, number: int, long: str, *, seed: int) -> dict[str, Any]:
    """Times [s] of ``number`` mixed requests, `_AT_ONCE` at once; ``failed`` counts answers of 400 and above."""
    clips = [encoded(noise(_CLIP_S, seed=seed + each)) for each in range(number)]

    def ask(each: int) -> float | None:
        started_s = time.monotonic()
        try:
            if each % 5 < 3:
                post(url, clips[each], _GOOD)
            else:
                query = {"format": "midi"} if each % 5 == 3 else {"sensitivity": f"{(seed + each) % 97 / 97:.3f}"}
                answer = requests.get(f"{url}{long}/result", params=query, headers=headers_of(_GOOD), timeout=60)
                answer.raise_for_status()
        except requests.RequestException:
            return None
        return time.monotonic() - started_s

    with ThreadPoolExecutor(_AT_ONCE) as clients:
        took_s = list(clients.map(ask, range(number)))
    answered = [each for each in took_s if each is not None]
    p50_s, p99_s = np.quantile(answered, [0.5, 0.99]).tolist()
    return {"p50_s": p50_s, "p99_s": p99_s, "failed": number - len(answered)}


@contextmanager
def _idle_connections(url: str, number: int) -> Iterator[None]:
    """Connections that send a header and four bytes of an upload; one that the server closes is opened again."""
    location, stop = urlsplit(url), threading.Event()
    head = (
        f"POST /v1/transcriptions HTTP/1.1\r\nHost: {location.netloc}\r\nAuthorization: Bearer {_BAD}\r\n"
        "Content-Type: audio/wav\r\nContent-Length: 100000\r\n\r\nRIFF"
    ).encode()

    def hold() -> None:
        while not stop.is_set():
            with socket.create_connection((location.hostname or "", location.port or 80), timeout=10) as connection:
                connection.sendall(head)
                connection.settimeout(0.5)
                while not stop.is_set():
                    try:
                        if not connection.recv(4096):
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
            time.sleep(0.2)

    with ExitStack() as ended:
        threads = [threading.Thread(target=hold, daemon=True) for _ in range(number)]
        for thread in threads:
            thread.start()
            ended.callback(thread.join)
        ended.callback(stop.set)
        yield


@contextmanager
def _downloads(job_url: str, number: int) -> Iterator[dict[int, int]]:
    """Clients that download a job's song folder, each time by other parameters; yields the counts by status."""
    stop, counts, lock, step = threading.Event(), {}, threading.Lock(), itertools.count()

    def download() -> None:
        while not stop.is_set():
            query = {"format": "folder", "sensitivity": f"{next(step) % 89 / 89:.3f}"}
            try:
                status = requests.get(
                    f"{job_url}/result", params=query, headers=headers_of(_BAD), timeout=120
                ).status_code
            except requests.RequestException:
                status = 0
            with lock:
                counts[status] = counts.get(status, 0) + 1
            time.sleep(0.1)

    threads = [threading.Thread(target=download, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        stop.set()
        for thread in threads:
            thread.join()
