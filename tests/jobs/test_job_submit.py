"""`ray job submit` to a running cluster: this checkout is shipped, the job runs there, errors are told in its logs."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient
from tests.jobs.conftest import ROOT
from tests.jobs.head import ray_head

from drumline.dataset.verify import verify

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def client() -> Iterator[JobSubmissionClient]:
    """Of a cluster of one node."""
    with ray_head(num_cpus=2, variables={}) as head:
        yield head.client()


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
