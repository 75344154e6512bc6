"""`make operations`: docs/operations.md from top to bottom, on a cluster of this machine."""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pytest
import requests
import soundfile
import yaml
from tests.export.tiny import noise
from tests.jobs.conftest import MANY, free_ports
from tests.jobs.head import ray_head
from tests.operations.dashboards import DASHBOARDS, NOT_ALWAYS, series
from tests.operations.page import ROOT, blocks

from drumline.dataset.verify import verify
from drumline.rendering.demo_library import make_demo_library

pytestmark = [pytest.mark.operations, pytest.mark.ray, pytest.mark.timeout(3600)]
SONGS = tuple(replace(song, charter=f"Charter {number}") for number, song in enumerate(MANY[:20]))
"""Each of a charter's own, so that there are songs for every split."""


@dataclass(frozen=True)
class Candidate:
    """A cluster, and what the page's variables say there."""

    variables: Mapping[str, str]
    checkout: Path
    """A copy, so that what the page writes is not written into this one."""
    log: Path
    """Of the cluster's head."""

    def section(self, title: str) -> str:
        """Run a section's blocks in one shell, as somebody would who pastes them; what it printed."""
        script = "\n".join(block.text for block in blocks() if block.kind == "run" and block.section in ("", title))
        shell = ["bash", "-euo", "pipefail", "-x", "-c", script]
        environment = {**os.environ, **self.variables}
        started_s = time.monotonic()
        done = subprocess.run(
            shell, cwd=self.checkout, env=environment, capture_output=True, text=True, timeout=1800, check=False
        )
        assert done.returncode == 0, (
            f"{title}:\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}\n{self.log.read_text()[-2000:]}"
        )
        print(f"{title}: {time.monotonic() - started_s:.0f} s")
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Candidate]:
    folder = tmp_path_factory.mktemp("operations")
    make_demo_library(folder / "songs", SONGS)
    checkout = folder / "checkout"
    left = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("configs", "jobs", "library", "serve"):
        shutil.copytree(ROOT / name, checkout / name, ignore=left)
    (port,) = free_ports(1)
    endpoint = yaml.safe_load((ROOT / "serve" / "config.yaml").read_text())
    endpoint["http_options"] |= {"host": "127.0.0.1", "port": port}
    few = {"min_replicas": 2, "max_replicas": 2, "num_cpus": 0.1}
    endpoint["applications"][0]["args"] = {
        "model": "", "host": "127.0.0.1", "jobs": {"store": str(folder / "jobs")}, "gateway": few, "workers": few,
    }  # fmt: skip
    (folder / "endpoint.yaml").write_text(yaml.safe_dump(endpoint))
    variables = {
        "PYTHONPATH": f"{checkout / 'library'}:{checkout}",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
        "RAY_worker_niceness": "0",
    }
    with ray_head(num_cpus=4, variables=variables) as head:
        told = {
            "RAY_API_SERVER_ADDRESS": head.dashboard,
            "METRICS_URL": f"http://127.0.0.1:{head.ports['metrics-export-port']}/metrics",
            "LIBRARY": str(folder / "songs"),
            "STORE": str(folder / "store"),
            "ENDPOINT_FILE": str(folder / "endpoint.yaml"),
            "ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }
        yield Candidate({**head.variables, **told}, checkout, head.log)


class Requests(threading.Thread):
    """Clients that ask one thing after another, each a recording that nobody asked for before."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.over = url, threading.Event()
        self.answers: Counter[str] = Counter()
        self.models: Counter[str] = Counter()

    def run(self) -> None:
        clients = [threading.Thread(target=self._ask, args=(1000 * number,), daemon=True) for number in range(3)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    def _ask(self, seed: int) -> None:
        while not self.over.is_set():
            seed += 1
            buffer = BytesIO()
            soundfile.write(buffer, noise(2.0, seed=seed), 22_050, format="FLAC")
            try:
                answer = requests.post(f"{self.url}/v1/transcriptions", data=buffer.getvalue(), timeout=120,
                                       headers={"Content-Type": "audio/flac"})  # fmt: skip
            except requests.RequestException as error:
                self.answers[repr(error)[:200]] += 1
                continue
            self.answers[str(answer.status_code)] += 1
            if answer.ok:
                self.models[answer.json()["transcriber"]["model"]] += 1
            else:
                print(answer.status_code, answer.text[:300])


def test_the_page_from_top_to_bottom(candidate: Candidate) -> None:
    store = Path(candidate.variables["STORE"])
    told = candidate.section("The build of 10,000 songs")
    assert f"{len(SONGS)} songs would be built" in told
    manifest, problems = verify(str(store / "dataset"))
    assert problems == []
    assert manifest.counts.songs + sum(manifest.counts.rejected.values()) == len(SONGS)
    seen = _series_told(candidate)

    candidate.section("Training")
    assert json.loads((store / "models" / "rehearsal" / "metrics.json").read_text())
    seen |= _series_told(candidate)

    package = candidate.checkout / "out" / "models" / "my-model-0.1"
    bucket = threading.Thread(target=_copy_when_there, args=(package, store / "packages" / "my-model-0.1"))
    bucket.start()  # what the cloud's client does between two blocks
    clients = Requests(candidate.variables["ENDPOINT_URL"])
    watcher = threading.Thread(target=_start_when_ready, args=(clients,), daemon=True)
    watcher.start()
    candidate.section("A new model, with no downtime")
    time.sleep(5)
    clients.over.set()
    clients.join(timeout=120)
    bucket.join()
    print(dict(clients.answers), dict(clients.models))
    assert set(clients.answers) == {"200"}
    assert set(clients.models) == {"drumline-small", "my-model"}

    candidate.section("Metrics")
    deadline_s = time.monotonic() + 60
    wanted = {name for path in DASHBOARDS for name in series(path)} - NOT_ALWAYS
    while wanted - seen and time.monotonic() < deadline_s:
        seen |= _series_told(candidate)
        time.sleep(2)
    assert wanted - seen == set()


def _series_told(candidate: Candidate) -> set[str]:
    told = requests.get(candidate.variables["METRICS_URL"], timeout=30).text
    return set(re.findall(r"^(\w+)[{ ]", told, re.MULTILINE))


def _copy_when_there(package: Path, target: Path) -> None:
    while not (package / "package.json").exists():
        time.sleep(0.1)
    shutil.copytree(package, target)


def _start_when_ready(clients: Requests) -> None:
    while True:
        try:
            if requests.get(f"{clients.url}/readyz", timeout=5).ok:
                break
        except requests.RequestException:
            pass
        time.sleep(0.3)
    clients.start()
