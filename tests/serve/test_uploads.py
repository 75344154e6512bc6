"""Uploads: places are for bodies that arrive, and nobody holds a connection with half a request."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests
from serve.app import HttpGateway
from serve.errors import Problem
from serve.settings import Limits
from serve.upload_slots import UploadSlots
from serve.work_clock import WorkClock
from tests.export.tiny import write_package
from tests.serve.local import local_gateway, recording, served

SONG = recording()
HEADERS = {"Content-Type": "audio/flac"}
LIMITS = {"idle_timeout_s": 3.0, "upload_timeout_s": 20.0, "max_uploads_per_client": 6}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> HttpGateway:
    package = write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32")
    return local_gateway(package, tmp_path_factory.mktemp("jobs"), limits=LIMITS, jobs={"max_waiting": 8})


@pytest.fixture(scope="module")
def url(gateway: HttpGateway) -> Iterator[str]:
    with served(gateway, header_timeout_s=1.0) as url:
        yield url


def connected(url: str) -> socket.socket:
    location = urlsplit(url)
    return socket.create_connection((location.hostname or "", location.port or 80), timeout=10)


def begun(url: str) -> socket.socket:
    """An upload of which four bytes have come."""
    connection = connected(url)
    head = "POST /v1/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/wav\r\nContent-Length: 9000\r\n"
    connection.sendall(head.encode() + b"\r\nRIFF")
    return connection


def test_uploads_that_stall_lose_their_places_to_those_that_arrive(url: str, gateway: HttpGateway) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(begun(url)) for _ in range(6)]
        time.sleep(1.3)  # a second's grace

        def transcribed(number: int) -> int:
            data = recording(seed=number)
            return requests.post(f"{url}/v1/transcriptions", data=data, headers=HEADERS, timeout=30).status_code

        with ThreadPoolExecutor(4) as clients:
            assert list(clients.map(transcribed, range(4))) == [200] * 4
        answers = [each.recv(4096) for each in idle]
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)
    assert all(b"upload_too_slow" in answer for answer in answers)


def test_an_upload_that_stalls_ends_by_itself(url: str) -> None:
    started_s = time.monotonic()
    with begun(url) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")
    assert 2.5 < time.monotonic() - started_s < 8


@pytest.mark.parametrize("sent", [b"", b"G", b"POST /v1/transcriptions HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n"])
def test_headers_that_do_not_arrive_end_the_connection(url: str, sent: bytes) -> None:
    with connected(url) as connection:
        connection.sendall(sent)
        started_s = time.monotonic()
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - started_s < 5
        assert connection.recv(4096) == b""


def test_a_connection_may_be_idle_between_requests_but_not_within_headers(url: str) -> None:
    with connected(url) as connection:
        for _ in range(2):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            time.sleep(1.5)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")


class Clock:
    """Time as a test sets it."""

    now_s = 100.0

    def now(self) -> float:
        return self.now_s


def test_who_sends_slowly_keeps_a_place_until_another_needs_it() -> None:
    clock = Clock()
    slots = UploadSlots(Limits(max_uploads_per_client=2, min_upload_kb_s=10), clock.now)
    with slots.reserve("a", free=3, full="full") as quick, slots.reserve("a", free=3, full="full") as slow:
        for _ in range(50):
            clock.now_s += 0.1
            slots.add_bytes(quick, 2000)
            slots.add_bytes(slow, 10)
        with slots.reserve("b", free=3, full="full"):
            assert not slow.evicted  # there was room
            with slots.reserve("b", free=3, full="full"):
                assert slow.evicted
                with pytest.raises(Problem, match="full"), slots.reserve("c", free=3, full="full"):
                    pass
        assert not quick.evicted
    with (
        slots.reserve("a", free=9, full=""),
        slots.reserve("a", free=9, full=""),
        pytest.raises(Problem, match="2 uploads of yours"),
        slots.reserve("a", free=9, full=""),
    ):
        pass
    with slots.reserve("a", free=9, full="") as first:
        with slots.reserve("a", free=9, full=""):  # begun at the same moment, ended at once
            pass
        slots.add_bytes(first, 10)
    assert slots.num_bytes == 0


def test_time_in_which_the_process_starved_is_not_counted(caplog: pytest.LogCaptureFixture) -> None:
    monotonic = time.monotonic()
    clock = WorkClock()
    clock._reported_s = clock._ticked_s = monotonic - 100.0  # as if the event loop had not run for so long
    clock.tick()
    assert clock.now() < 1.0
    assert clock.lost_s == pytest.approx(99.5, abs=0.5)
    assert len(caplog.records) == 1
    assert "this machine is busy" in caplog.text
