"""`serve deploy` to a running cluster: replicas come with the load and go with it, a new version comes: no loss."""

import itertools
import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import soundfile
import yaml
from serve.keys import hash_key, new_key
from tests.export.tiny import noise, write_package
from tests.jobs.conftest import free_ports
from tests.jobs.head import PROGRAMS, Head, ray_head
from tests.serve.conftest import ROOT, on_the_command_line

from drumline.client import Client
from drumline.features.logmel import LogMelConfig

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

KEY = new_key()
VARIABLES = {
    # Serve looks every ten seconds how much there is to do; a test would wait for it.
    **{f"RAY_SERVE_{who}_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "0.5" for who in ("HANDLE", "REPLICA")},
    # As in `runtime.serving`.
    "RAY_worker_niceness": "0",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
    # On a busy machine Ray gives its own parts up too soon.
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": "300",
    "RAY_DASHBOARD_SUBPROCESS_MODULE_WAIT_READY_TIMEOUT": "300",
}


@dataclass
class Cluster:
    """A cluster of one node, as on a server, and what `serve deploy` is given."""

    head: Head
    folder: Path
    """Of files to deploy and to send."""
    port: int
    config: dict[str, Any]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {KEY}"}

    def deploy(self, **args: object) -> None:
        """The configuration, with some changes."""
        self.config["applications"][0]["args"] |= args
        file = self.folder / "config.yaml"
        file.write_text(yaml.safe_dump(self.config))
        command = [str(PROGRAMS / "serve"), "deploy", str(file), "--address", self.head.dashboard]
        run = subprocess.run(
            command, env={**os.environ, **self.head.variables}, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr

    def status(self) -> dict[str, Any]:
        """Of the application."""
        headers = {"Authorization": f"Bearer {self.head.token}"}
        answer = requests.get(f"{self.head.dashboard}/api/serve/applications/", headers=headers, timeout=30)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()["applications"].get("drumline", {"status": "NOT_STARTED"})
        assert told["status"] != "DEPLOY_FAILED", told["message"]
        return told

    def workers(self) -> int:
        """How many can be asked."""
        replicas = self.status()["deployments"]["Worker"]["replicas"]
        return sum(replica["state"] == "RUNNING" for replica in replicas)

    def max_upload_mb(self) -> float:
        """By which the configuration that answers can be told."""
        answer = requests.get(f"{self.url}/v1/models", headers=self.headers, timeout=30)
        return float(answer.json()["limits"]["max_upload_mb"])


def wait_until(true: Callable[[], bool], *, seconds: float = 240) -> None:
    deadline_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.3)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32")


@pytest.fixture
def cluster(package: Path, tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "keys.txt").write_text(f"test:{hash_key(KEY)}\n")
    (port,) = free_ports(1)
    config = yaml.safe_load((ROOT / "serve" / "config.yaml").read_text())
    config["http_options"] |= {"host": "127.0.0.1", "port": port}
    (application,) = config["applications"]
    application["runtime_env"] = {"env_vars": {"PYTHONPATH": f"{ROOT / 'library'}:{ROOT}"}}
    application["args"] |= {
        "model": str(package),
        "keys_file": str(tmp_path / "keys.txt"),
        "jobs": {"store": str(tmp_path / "jobs")},
        "cache": "",
        "gateway": {"max_replicas": 1, "target_recordings": 64, "max_recordings": 512, "num_cpus": 0.5},
        "workers": {"max_replicas": 2, "target_recordings": 2, "num_cpus": 0.5, "upscale_s": 1, "downscale_s": 2},
    }
    with ray_head(num_cpus=4, variables={**VARIABLES, "TMPDIR": str(tmp_path)}) as head:
        yield Cluster(head, tmp_path, port, config)


@dataclass
class Load:
    """Clients that send one recording after the other, half of them waiting for the answer, half asking for it."""

    cluster: Cluster
    song: bytes
    answers: Counter[str] = field(default_factory=Counter)
    clients: int = 0
    """Those above it stop."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def client(self, own: int) -> None:
        while own < self.clients:
            song = self.song + str(next(self._numbers)).encode()  # a tail that no decoder minds: never heard before
            self.answers[self._waited(song) if own % 2 else self._asked(song)] += 1

    def _waited(self, song: bytes) -> str:
        headers = {"Content-Type": "audio/flac", **self.cluster.headers}
        answer = requests.post(f"{self.cluster.url}/v1/transcriptions", data=song, headers=headers, timeout=120)
        return _by_whom(answer.content) if answer.status_code == 200 else f"{answer.status_code} {answer.text}"

    def _asked(self, song: bytes) -> str:
        file = self.cluster.folder / f"{threading.get_ident()}.flac"
        file.write_bytes(song)
        done = Client(self.cluster.url, key=KEY).transcribe(file)
        result = done.result()
        done.delete()
        return _by_whom(result)


def _by_whom(result: bytes) -> str:
    told = json.loads(result)
    return f"{'right' if told['hits'] else 'no hits'} {told['transcriber']['model']}"


def test_deployed_scaled_deployed_anew_and_scaled_down_without_a_loss(
    cluster: Cluster, package: Path, tmp_path: Path
) -> None:
    """Anew with another model: for a while some replicas have the one, some the other."""
    newer = write_package(tmp_path / "models" / "newer-1.1", "float32", features=LogMelConfig(hop=64, n_fft=512))
    soundfile.write(tmp_path / "song.flac", noise(60.0), 22_050)
    song = (tmp_path / "song.flac").read_bytes()
    cluster.deploy()
    wait_until(lambda: cluster.status()["status"] == "RUNNING")
    headers = {"Content-Type": "audio/flac", **cluster.headers}
    location = f"{cluster.url}/v1/transcriptions"
    answer = requests.post(location, params={"name": "song.flac"}, data=song, headers=headers, timeout=120)
    assert answer.content == on_the_command_line(tmp_path / "song.flac", package)
    refused = requests.post(location, params={"preset": "micro"}, data=song, headers=headers, timeout=120)
    assert (refused.status_code, refused.json()["kind"]) == (422, "preset_unavailable")

    load = Load(cluster, song, clients=8)
    with ThreadPoolExecutor(load.clients) as clients:
        working = [clients.submit(load.client, own) for own in range(load.clients)]
        try:
            wait_until(lambda: cluster.workers() == 2)
            cluster.deploy(limits={"max_upload_mb": 50}, model=str(newer))
            wait_until(lambda: cluster.status()["status"] == "RUNNING" and cluster.max_upload_mb() == 50)
            load.clients = 1  # goes on while a replica goes
            wait_until(lambda: cluster.workers() == 1)
        finally:
            load.clients = 0
        for each in working:
            each.result()
    assert load.answers.keys() == {"right tiny", "right newer"}, load.answers
    assert load.answers.total() > 20
