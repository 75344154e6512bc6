"""Attempts are written before the work and gone after it; what hangs is told."""

import logging
import time
from pathlib import Path

import pytest

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


def test_a_stall_is_told_with_what_is_in_flight(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger(str(tmp_path), timeout_s=60, max_attempts=2)
    watch = StallWatch(ledger, notice_s=0.05)
    with caplog.at_level(logging.WARNING, logger="drumline"), ledger.attempt("song", "library/the slow one"):
        watch.start()
        time.sleep(0.2)
        watch.stop()
    assert "nothing finished for" in caplog.text
    assert "library/the slow one" in caplog.text
