"""The endpoint under faults: what it accepted is done, with the answers of the command line."""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests
import soundfile
import yaml
from tests.chaos.cases import Case
from tests.chaos.cluster import command_line, processes
from tests.chaos.faults import FAULTS
from tests.chaos.scene import PATIENCE_S, Scene
from tests.export.tiny import noise, write_package
from tests.jobs.conftest import free_ports
from tests.serve.conftest import on_the_command_line

from drumline.client import Client

_NUM_SONGS = 12


@dataclass
class Endpoint(Scene):
    """Two workers and two gateways on the cluster; `drumline serve` on a private Ray where there is none."""

    package: Path = field(kw_only=True)
    port: int = field(kw_only=True)
    newcomer: Path = field(kw_only=True)
    """A recording that is sent while storage is away."""
    refusal: str = ""
    """What its sender was answered."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        settings: dict[str, Any] = {
            "model": str(self.package),
            "precision": "float32",
            "jobs": {"store": self.output, "lease_s": 3, "keep_s": 4 * 3600},
            "workers": {"max_replicas": 1},
        }
        file = self.folder / "endpoint.yaml"
        if self._cluster is None:
            file.write_text(yaml.safe_dump(settings))
            command = [sys.executable, "-c", "from drumline.cli import main; main()", "serve", file]
            self.run([*command, "--port", str(self.port), f"jobs.store={self.output}"])
        else:
            twice = {"min_replicas": 2, "max_replicas": 2}
            settings["workers"] = {**twice, "num_cpus": 0.9, "max_recordings": 2, "target_recordings": 2}
            settings["gateway"] = {**twice, "num_cpus": 0.1}
            application = {"name": "drumline", "import_path": "serve.app:application", "args": settings}
            tree = {
                "proxy_location": "HeadOnly",
                "http_options": {"host": "127.0.0.1", "port": self.port},
                "applications": [{**application, "route_prefix": "/"}],
            }
            file.write_text(yaml.safe_dump(tree))
            self.run([Path(sys.executable).with_name("serve"), "run", "--address", self.cluster.address, file])
        self.until(self._ready)

    def look_while_away(self) -> None:
        self.refusal = _refusal(self, self.newcomer)

    @contextmanager
    def workers_paused(self) -> Iterator[None]:
        """No recording is finished meanwhile, however quick the machine is."""
        if self._cluster is None:
            everybody = psutil.Process(self.driver.pid).children(recursive=True)
        else:
            everybody = [each for node in self.cluster.worker_nodes for each in processes(node)]
        workers = [process for process in everybody if self.worker in command_line(process)]
        assert workers, "no worker is running"
        for each in workers:
            each.suspend()
        try:
            yield
        finally:
            for each in workers:
                each.resume()

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


def disturbed(case: Case, folder: Path) -> tuple[int, int, str]:
    """Recordings that were accepted before the fault, how many of them got no right answer, and what others were told
    meanwhile. Raises AssertionError where a promise is broken."""
    fault = FAULTS[case.fault]()
    package = write_package(folder / "tiny-1.0", "float32")
    songs = [folder / f"{number:02}.flac" for number in range(_NUM_SONGS)]
    for number, song in enumerate(songs):
        soundfile.write(song, noise(60.0 + number, number), 22_050)
    with ExitStack() as stack:
        endpoint = Endpoint(
            folder,
            stack,
            "ServeReplica:drumline:Worker",
            package=package,
            port=free_ports(1)[0],
            newcomer=songs[0],
        )
        fault.prepare(endpoint)
        if case.fault != "driver":
            endpoint.start_cluster()
        endpoint.start()
        client = Client(endpoint.url, patience_s=PATIENCE_S)
        with endpoint.workers_paused():
            accepted = {client.send(song): song for song in songs}
        if case.moment == "late":
            endpoint.until(lambda: any(client.state(job)["status"] == "done" for job in accepted))
        fault.strike(endpoint)
        told = endpoint.refusal or (_refusal(endpoint, songs[0]) if case.message else "")
        assert re.search(case.message, told), f"a newcomer was answered {told!r}, promised {case.message!r}"
        if case.promise == "resumed":
            endpoint.start()
        if case.message:
            fault.mend(endpoint)
        lost = sum(not _answered(client, job, song, package) for job, song in accepted.items())
        if not case.message:
            fault.mend(endpoint)
        return len(accepted), lost, told


def _refusal(endpoint: Endpoint, song: Path) -> str:
    """What somebody is told who sends a recording now."""
    answer = requests.post(f"{endpoint.url}/v1/transcriptions", data=song.read_bytes(), timeout=120)
    return f"{answer.status_code} {answer.text}"


def _answered(client: Client, job: str, song: Path, package: Path) -> bool:
    """Whether a job ends as it should."""
    deadline_s = time.monotonic() + PATIENCE_S
    while (state := client.state(job))["status"] not in ("done", "failed"):
        assert time.monotonic() < deadline_s, f"{song.name} never ended: {json.dumps(state)}"
        time.sleep(0.3)
    if state["status"] == "failed":
        return False
    answer = client.get(f"/v1/transcriptions/{job}/result", {"format": "json"})
    return answer.content == on_the_command_line(song, package)
