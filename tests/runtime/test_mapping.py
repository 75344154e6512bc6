"""Rows through real Ray workers: results, poison, stuck rows, and a cluster that gives up."""

import errno
import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from drumline.core.errors import ChartError, DrumlineError
from drumline.runtime.config import RayConfig
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import map_actors, map_rows
from drumline.runtime.session import session

pytestmark = pytest.mark.ray
SCHEMA = pa.schema([pa.field("row", pa.string()), pa.field("value", pa.string())])


@pytest.fixture(scope="module", autouse=True)
def ray_session() -> Iterator[None]:
    with session(RayConfig(address="local", num_cpus=2)):
        yield


def test_every_row_comes_back_once(tmp_path: Path) -> None:
    def step(row: str) -> list[dict[str, Any]]:
        return [{"row": row, "value": row * 2}] if row != "7" else []

    rows = [str(number) for number in range(50)]
    ledger = Ledger(str(tmp_path), timeout_s=60, max_attempts=2)
    found = {r["row"]: r["value"] for r in map_rows(rows, step, schema=SCHEMA, ledger=ledger)}
    assert found == {row: row * 2 for row in rows if row != "7"}


def test_a_row_that_kills_its_worker_or_never_ends_is_given_up_and_costs_no_other(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path), timeout_s=2, max_attempts=2)

    def step(row: str) -> list[dict[str, Any]]:
        if end := ledger.given_up(row):
            return [{"row": row, "value": end}]
        with ledger.attempt(row, row):
            if row == "3":
                os.kill(os.getpid(), signal.SIGSEGV)
            if row == "5":
                time.sleep(60)
        return [{"row": row, "value": "done"}]

    rows = [str(number) for number in range(8)]
    found = [(r["row"], r["value"]) for r in map_rows(rows, step, schema=SCHEMA, ledger=ledger)]
    expected = {row: "done" for row in rows} | {"3": "died", "5": "timed_out"}
    assert sorted(found) == sorted(expected.items())
    assert sorted(label for label, _ in ledger.in_flight()) == ["3", "5"]


def test_what_a_worker_raises_arrives_in_its_own_words(tmp_path: Path) -> None:
    def full(row: str) -> list[dict[str, Any]]:
        raise OSError(errno.ENOSPC, "the disk is full: '/there'", "/there")

    def damaged(row: str) -> list[dict[str, Any]]:
        raise ChartError("a.mid", "damaged")

    ledger = Ledger(str(tmp_path), timeout_s=60, max_attempts=2)
    for step, said in (
        (full, r"^Ray gave up: the disk is full: '/there'\. Finished work"),
        (damaged, r"^a\.mid: damaged$"),
    ):
        with pytest.raises(DrumlineError, match=said):
            list(map_rows(["row"], step, schema=SCHEMA, ledger=ledger))


def test_a_pool_of_actors_makes_its_model_once_an_actor(tmp_path: Path) -> None:
    class Worker:
        def __init__(self, folder: str) -> None:
            Path(folder, f"made-{os.getpid()}").touch()

        def __call__(self, block: pa.Table) -> pa.Table:
            return block

    rows = [str(number) for number in range(10)]
    found = map_actors(
        rows,
        Worker,
        arguments=(str(tmp_path),),
        ledger=Ledger(str(tmp_path / "ledger"), timeout_s=60, max_attempts=2),
        num_actors=2,
        num_cpus=1,
        num_gpus=0,
    )
    assert sorted(r["row"] for r in found) == rows
    assert 1 <= len(list(tmp_path.glob("made-*"))) <= 2


def test_what_a_worker_warns_of_reaches_the_console_and_what_ray_narrates_does_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def step(row: str) -> list[dict[str, Any]]:
        logging.getLogger("drumline").warning("row %s is odd", row)
        return [{"row": row, "value": ""}]

    list(map_rows(["1"], step, schema=SCHEMA, ledger=Ledger(str(tmp_path), timeout_s=60, max_attempts=2)))
    told, deadline_s = "", time.monotonic() + 20
    while "row 1 is odd" not in told and time.monotonic() < deadline_s:
        time.sleep(0.1)  # it comes by way of the worker's log file
        told += "".join(capfd.readouterr())
    assert "row 1 is odd" in told
    assert "Dataset dataset_" not in told
    assert "Progress bars disabled" not in told
