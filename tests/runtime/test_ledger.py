"""Attempts are recorded during the work; crashes, timeouts and unexpected errors become rejections."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import drumline
from drumline.core.errors import Rejected
from drumline.runtime.guarded import run_guarded
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import StallWatch


def test_only_attempts_that_did_not_end_are_remembered(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "attempts"), timeout_s=60, max_attempts=2)
    assert ledger.attempts("song") == []
    with ledger.attempt("song", "a song"):
        assert [entry["outcome"] for entry in ledger.attempts("song")] == ["died"]
        assert [label for label, _ in ledger.in_flight()] == ["a song"]
    assert ledger.attempts("song") == []
    assert ledger.in_flight() == []


def test_an_error_in_the_work_leaves_its_attempt_behind(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path), timeout_s=60, max_attempts=2)
    for number in (1, 2):
        with pytest.raises(OSError, match="full"), ledger.attempt("song", "a song"):
            raise OSError("the disk is full")
        assert len(ledger.attempts("song")) == number


def test_a_stall_is_logged_with_what_is_in_flight(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger(str(tmp_path), timeout_s=60, max_attempts=2)
    watch = StallWatch(ledger, notice_s=0.05)
    with caplog.at_level(logging.WARNING, logger="drumline"), ledger.attempt("song", "library/the slow one"):
        watch.start()
        time.sleep(0.2)
        watch.stop()
    assert "nothing finished for" in caplog.text
    assert "library/the slow one" in caplog.text


def test_the_clock_of_an_attempt_ends_its_process_and_says_so(tmp_path: Path) -> None:
    """In a process of its own: a decoder stuck in C cannot be interrupted."""
    code = (
        "import sys, time\nfrom drumline.runtime.ledger import Ledger\n"
        "ledger = Ledger(sys.argv[1], timeout_s=0.2, max_attempts=2)\n"
        "with ledger.attempt('song', 'a song'):\n    time.sleep(float(sys.argv[2]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(drumline.__file__).parents[1])}

    def run(sleep_s: float) -> int:
        command = [sys.executable, "-c", code, str(tmp_path), str(sleep_s)]
        return subprocess.run(command, env=environment, timeout=60, check=False).returncode

    ledger = Ledger(str(tmp_path), timeout_s=0.2, max_attempts=2)
    assert run(0.0) == 0
    assert ledger.attempts("song") == []
    for number in (1, 2):
        assert ledger.given_up("song") == ""
        assert run(30.0) != 0
        assert [entry["outcome"] for entry in ledger.attempts("song")] == ["timed_out"] * number
    assert ledger.given_up("song") == "timed_out"
    rejected = run_guarded(ledger, "song", "a song", lambda: pytest.fail("it must not be tried again"))
    assert rejected == Rejected("timed_out", "a song: the worker timed out in all of 2 attempts, limit 0 s each")


def test_the_clock_stops_with_the_attempt(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path), timeout_s=0.05, max_attempts=1)
    with ledger.attempt("song", "a song"):
        pass
    time.sleep(0.15)  # a running clock would end this process
    assert ledger.attempts("song") == []


def test_a_death_among_timeouts_counts_as_a_crash(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path), timeout_s=60, max_attempts=2)
    (tmp_path / "song.json").write_text('[{"outcome": "timed_out"}, {"outcome": "died"}]')
    rejected = run_guarded(ledger, "song", "a song", lambda: pytest.fail("it must not be tried again"))
    assert rejected == Rejected("worker_crashed", "a song: the worker crashed in all of 2 attempts")


def test_unexpected_errors_become_rejections_and_storage_errors_do_not(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path), timeout_s=60, max_attempts=2)
    rejected = run_guarded(ledger, "song", "a song", lambda: {}["missing"])
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "unexpected_error"
    assert "KeyError: 'missing' (at <lambda>, line" in rejected.detail
    assert ledger.attempts("song") == []

    def full() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        run_guarded(ledger, "song", "a song", full)
    assert run_guarded(ledger, "song", "a song", lambda: 7) == 7
