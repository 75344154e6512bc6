"""One real endpoint for all tests: `drumline serve`, on a real Ray, with keys, small limits and a tiny model."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
import soundfile
from serve.keys import hash_key, new_key
from tests.export.tiny import noise, write_package

from drumline.client import Client
from drumline.features.logmel import LogMelConfig
from drumline.transcription.engine import open_engine
from drumline.transcription.formats.registry import named
from drumline.transcription.sources import find_sources, open_recording
from drumline.transcription.transcribe import Timing, transcribe

ROOT = Path(__file__).parents[2]
KEY, OTHER_KEY = new_key(), new_key()
MAX_DURATION_S = 120
SETTINGS = (
    f"limits={{max_upload_mb: 8, max_duration_s: {MAX_DURATION_S}, max_synchronous_s: 60}}",
    "limits.upload_timeout_s=10",
    "limits.idle_timeout_s=4",
    "jobs.lease_s=3",
    "jobs.max_waiting=32",
    "workers.max_replicas=1",
    "precision=float32",  # whose windows go together
    'cors_origins=["https://app.example"]',
)


@dataclass(frozen=True)
class Endpoint:
    """A running endpoint."""

    url: str
    process: psutil.Process
    folder: Path
    """Of its temporary files: what it stores and what it forgets."""
    package: Path

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {KEY}"}

    def client(self) -> Client:
        return Client(self.url, key=KEY)

    def post(self, data: bytes, **query: str) -> requests.Response:
        headers = {"Content-Type": "application/octet-stream", **self.headers}
        return requests.post(f"{self.url}/v1/transcriptions", params=query, data=data, headers=headers, timeout=60)

    def get(self, path: str, **query: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", params=query, headers=self.headers, timeout=60)

    def replicas(self, name: str) -> list[psutil.Process]:
        """Processes of a deployment."""
        found = []
        for process in self.process.children(recursive=True):
            try:
                if process.cmdline()[0].startswith(f"ray::ServeReplica:drumline:{name}"):
                    found.append(process)
            except (psutil.Error, IndexError):
                continue
        return found

    def stored(self) -> list[str]:
        """Files in its folder, but for the cache of activations, locks, and a mark that onnxruntime leaves anywhere."""
        # os.walk passes over a folder that its owner removes meanwhile; rglob raises.
        files = (Path(folder) / name for folder, _, names in os.walk(self.folder) for name in names)
        return sorted(
            path.relative_to(self.folder).as_posix()
            for path in files
            if path.is_file() and "/cache/" not in path.as_posix() and path.name not in (".ses", ".lock")
        )


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_package(folder / "fine-1.0", "float32", features=LogMelConfig(hop=64, n_fft=512))
    return write_package(folder / "tiny-1.0", "float32", "int8", micro="fine-1.0")


@pytest.fixture(scope="session")
def endpoint(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder, log = tmp_path_factory.mktemp("endpoint"), tmp_path_factory.mktemp("log") / "log.txt"
    keys = folder.parent / "keys.txt"
    keys.write_text(f"# who may ask\nalice:{hash_key(KEY)}\nbob:{hash_key(OTHER_KEY)}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from drumline.cli import main; main()", "serve", "--model", str(package)]
    command += ["--port", str(port), f"keys_file={keys}", *SETTINGS]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "library"),
        "TMPDIR": str(folder),
        "XDG_DATA_HOME": str(folder),
        "RAY_TMPDIR": "/tmp",
        "RAY_USAGE_STATS_ENABLED": "0",
        "DRUMLINE_HEADER_TIMEOUT_S": "2",
    }
    with log.open("wb") as sink:
        process = subprocess.Popen(command, env=environment, stdout=sink, stderr=subprocess.STDOUT)
    running = Endpoint(f"http://127.0.0.1:{port}", psutil.Process(process.pid), folder, package)
    try:
        _wait_until_ready(running, process, log)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    assert process.returncode == 0, log.read_text()
    assert "graceful_shutdown" not in log.read_text()  # Ray, of its own ways
    left = running.stored()
    edited = {name.split("/")[-2] for name in left if "/edits/" in name}
    assert [name for name in left if not any(job_id in name for job_id in edited)] == []  # only what a person edited


def _wait_until_ready(running: Endpoint, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + 240
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            if requests.get(f"{running.url}/readyz", timeout=5).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            continue
        time.sleep(0.3)
    raise AssertionError(f"the endpoint did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Recordings of several kinds and lengths."""
    folder = tmp_path_factory.mktemp("songs")
    made = []
    for number, (seconds, ending) in enumerate(
        [(3, "wav"), (7, "flac"), (25, "flac"), (12, "ogg"), (45, "flac"), (5, "mp3")]
    ):
        made.append(folder / f"song {number}.{ending}")
        soundfile.write(made[-1], noise(seconds, seed=number), 22_050)
    return made


def on_the_command_line(song: Path, package: Path, *, preset: str = "") -> bytes:
    """What `drumline transcribe --format json` writes."""
    (source,) = find_sources([str(song)], "mix")
    recording, audio = open_recording(source, "mix")
    with recording:
        detector = open_engine(str(package), precision="float32", preset=preset)
        result = transcribe(recording, audio, detector=detector, timing=Timing(), on_progress=lambda seconds: None)
        return named("json").write(result)
