"""`ray job submit` to a running cluster: this checkout is shipped, the job runs there, errors are told in its logs."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient
from tests.jobs.conftest import ROOT, free_ports, stop

from drumline.dataset.verify import verify

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def client() -> Iterator[JobSubmissionClient]:
    """A job client of a cluster of one node, started as on a server: `ray start --head` behind a token."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: Ray's sockets lie below it, their paths are limited
    token = secrets.token_hex(32)
    token_file = folder / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(token)
    names = ("port", "dashboard-port", "ray-client-server-port", "metrics-export-port", "dashboard-agent-listen-port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    programs = Path(sys.executable).parent
    command = [
        *(str(programs / "ray"), "start", "--head", "--block", "--num-cpus=2"),
        *("--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", "--disable-usage-stats"),
        *(f"--{name}={port}" for name, port in ports.items()),
        *(f"--temp-dir={folder / 'tmp'}", f"--object-store-memory={2**28}"),
    ]
    variables = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token_file),
        "PATH": f"{programs}:{os.environ['PATH']}",  # a job's `python` is the one of this environment
    }
    with (folder / "log").open("wb") as log:
        head = subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log)
    try:
        yield _connected(f"http://127.0.0.1:{ports['dashboard-port']}", token, head, folder / "log")
    finally:
        stop(head)
        shutil.rmtree(folder, ignore_errors=True)


def _connected(address: str, token: str, head: subprocess.Popen[bytes], log: Path) -> JobSubmissionClient:
    deadline_s = time.monotonic() + 90
    while True:
        try:
            client = JobSubmissionClient(address, headers={"Authorization": f"Bearer {token}"})
            client.list_jobs()
            return client
        except (ConnectionError, RuntimeError, requests.RequestException):
            if head.poll() is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"Ray did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.2)


def run_job(client: JobSubmissionClient, entrypoint: str) -> tuple[JobDetails, str]:
    """What became of a job with the runtime environment that we ship, and its logs."""
    environment = yaml.safe_load((ROOT / "configs" / "runtime_env.yaml").read_text())
    job = client.submit_job(entrypoint=entrypoint, runtime_env=environment | {"working_dir": str(ROOT)})
    deadline_s = time.monotonic() + 120
    while not client.get_job_status(job).is_terminal():
        assert time.monotonic() < deadline_s, client.get_job_logs(job)
        time.sleep(0.2)
    return client.get_job_info(job), client.get_job_logs(job)


def test_the_build_runs_where_the_cluster_is_from_the_checkout_that_was_shipped(
    client: JobSubmissionClient, few_songs: Path, tmp_path: Path
) -> None:
    changes = f"'roots=[{{uri: {few_songs}}}]' output={tmp_path / 'set'} shards.target_mb=1"
    info, logs = run_job(client, f"python jobs/build_dataset.py configs/build_dataset/demo.yaml {changes}")
    assert info.status == JobStatus.SUCCEEDED, logs
    manifest, problems = verify(str(tmp_path / "set"))
    assert problems == []
    assert manifest.name == "drumline demo"
    assert manifest.counts.songs == 3
    assert "3 songs (" in logs
    assert "working_dir_files" in logs  # where Ray unpacks what was submitted, told by `code_version`
    assert str(ROOT / "library") not in logs


def test_an_unknown_key_fails_the_job_and_names_the_nearest(client: JobSubmissionClient) -> None:
    info, logs = run_job(
        client, "python jobs/build_dataset.py configs/build_dataset/demo.yaml alignment.max_residual=20"
    )
    assert info.status == JobStatus.FAILED
    assert info.driver_exit_code == 2
    assert "alignment.max_residual: unknown key; did you mean alignment.max_residual_ms?" in logs
    assert "Traceback" not in logs


def test_a_stranger_without_the_token_may_not_submit(client: JobSubmissionClient) -> None:
    address = client.get_address()
    assert requests.get(f"{address}/api/jobs/", timeout=10).status_code == 401
