"""Private clusters listen on loopback only; a cluster that does not answer, or does not start, gives one message."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
import ray

from drumline.core.errors import ConfigError, DrumlineError
from drumline.runtime.config import RayConfig
from drumline.runtime.session import session


def _listening_addresses(process: psutil.Process) -> set[str]:
    """Addresses of all TCP ports that a process and its children listen on."""
    found = set()
    for each in (process, *process.children(recursive=True)):
        try:
            found |= {c.laddr.ip for c in each.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.ray
def test_a_private_cluster_listens_on_loopback_only() -> None:
    with session(RayConfig(address="local", num_cpus=1)):
        ray.get(ray.remote(lambda: os.getpid()).remote())
        time.sleep(2.0)  # the agent opens its ports after the node has registered
        addresses = _listening_addresses(psutil.Process())
    assert addresses
    assert addresses <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@contextmanager
def _port_that_accepts() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_at_which_nothing_answers_fails_within_seconds(scheme: str) -> None:
    with _port_that_accepts() as port:
        pass  # closed again: nobody listens there now
    started_s = time.monotonic()
    address = RayConfig(address=f"{scheme}127.0.0.1:{port}")
    with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port}.*nothing answers"), session(address):
        pass
    assert time.monotonic() - started_s < 8


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:port", "ray://127.0.0.1:99999999"])
def test_an_address_that_is_none_is_an_error_of_the_configuration(address: str) -> None:
    with pytest.raises(ConfigError, match="Ray address"), session(RayConfig(address=address)):
        pass


def test_ray_that_does_not_start_in_time_is_tried_again_and_gives_one_message(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = []

    def starts_too_slowly(**options: object) -> None:
        attempts.append(options)
        raise Exception("The current node timed out during startup. This could happen because ...")

    monkeypatch.setattr(ray, "init", starts_too_slowly)
    message = r"did not start in 4 attempts of 30 s; is this machine busy"
    with pytest.raises(DrumlineError, match=message), session(RayConfig(address="local")):
        pass
    assert len(attempts) == 4
    assert [record.exc_info for record in caplog.records] == [None] * 3
