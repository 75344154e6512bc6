"""A real cluster of one node, started as on a server: `ray start --head` behind a token, on ports of its own."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from ray.job_submission import JobSubmissionClient
from tests.jobs.conftest import free_ports, stop

PROGRAMS = Path(sys.executable).parent
_PORTS = ("port", "dashboard-port", "ray-client-server-port", "metrics-export-port", "dashboard-agent-listen-port")
_ATTEMPTS = 5
"""Ray gives a node thirty seconds to come up, whatever else the machine does."""


@dataclass(frozen=True)
class Head:
    """A running one."""

    folder: Path
    """Its own, gone with it."""
    ports: Mapping[str, int]
    token: str
    variables: Mapping[str, str]
    """What it was started with beside this process's own environment, and what its clients need."""

    @property
    def dashboard(self) -> str:
        return f"http://127.0.0.1:{self.ports['dashboard-port']}"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def client(self) -> JobSubmissionClient:
        """Raises what `JobSubmissionClient` does where nobody answers."""
        return JobSubmissionClient(self.dashboard, headers={"Authorization": f"Bearer {self.token}"})


@contextmanager
def ray_head(*, num_cpus: int, variables: Mapping[str, str]) -> Iterator[Head]:
    """It runs jobs from the beginning of the block on."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: Ray's sockets lie below it, their paths are limited
    token, file = secrets.token_hex(32), folder / "token"
    file.touch(mode=0o600)
    file.write_text(token)
    own = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(file),
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",  # a job's `python` is the one of this environment
    }
    head = Head(folder, dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True)), token, {**own, **variables})
    command = [
        *(str(PROGRAMS / "ray"), "start", "--head", "--block", f"--num-cpus={num_cpus}"),
        *("--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", "--disable-usage-stats"),
        *(f"--{name}={port}" for name, port in head.ports.items()),
        *(f"--temp-dir={folder / 'tmp'}", f"--object-store-memory={2**28}"),
    ]
    process = None
    try:
        for _ in range(_ATTEMPTS):
            with head.log.open("wb") as log:
                environment = {**os.environ, **head.variables}
                process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
            if _runs_jobs(head, process):
                break
            stop(process)
        else:
            raise AssertionError(f"Ray did not start: {head.log.read_text()[-2000:]}")
        yield head
    finally:
        if process is not None:
            stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _runs_jobs(head: Head, process: subprocess.Popen[bytes]) -> bool:
    """Whether a job runs before the process has ended, or five minutes have passed."""
    deadline_s = time.monotonic() + 300
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            client = head.client()
            job = client.submit_job(entrypoint="true")  # the agent that runs jobs comes up last
            while not client.get_job_status(job).is_terminal():
                time.sleep(0.2)
            return process.poll() is None
        except (ConnectionError, RuntimeError, requests.RequestException):
            time.sleep(0.2)
    return False
