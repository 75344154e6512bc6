"""Libraries larger than this machine: what the driver and the listing cost is measured at two sizes, the rest reckoned.

    python -m tests.bench.sizing --songs 250000 --minutes 3.5      # the tables of docs/sizing.md for another library

Reckoned with configs/cluster/sizing.yaml: rates that were measured, and prices to be replaced by yours.
"""

import json
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import yaml
from tests.bench.library import make_library
from tests.bench.processes import measured
from tests.bench.tables import table
from tests.jobs.s3 import bucket, find_weed

from drumline.core.artifacts import filesystem
from drumline.dataset.build import plan
from drumline.dataset.config import BuildConfig
from drumline.dataset.stems import Stems
from drumline.dataset.steps import SongStep
from drumline.runtime.ledger import Ledger

NUMBERS: Final = Path(__file__).parents[2] / "configs" / "cluster" / "sizing.yaml"
_NODES: Final = 10
_ROWS_A_TASK: Final = 16
"""Most songs of a task (`runtime.mapping`)."""


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """The driver's time and memory, and the listing of a bucket, each at two sizes: they should grow as songs do."""
    with tempfile.TemporaryDirectory(prefix="drumline-bench-") as folder:
        template = Path(folder, "song.pickle")
        template.write_bytes(pickle.dumps(_real_outcome(Path(folder))))
        drivers = []
        for songs in (1_000, 4_000) if quick else (10_000, 100_000):
            usage = measured(
                [sys.executable, "-m", "tests.bench.planning", str(template), str(songs)], interval_s=0.5
            ).result
            drivers.append(usage)
            say(f"{songs} songs planned and assembled: {usage['planning_s'] + usage['assembly_s']:.1f} CPU s")
        listings = _listings(Path(folder), (500, 2_000) if quick else (5_000, 20_000), say) if find_weed() else []
    return {"drivers": drivers, "listings": listings}


def _real_outcome(folder: Path) -> dict[str, Any]:
    """What a worker tells of a song."""
    library = make_library(folder, num_songs=1, num_processes=1)
    tree = {"name": "sizing", "roots": [{"uri": str(library)}], "output": str(folder / "set"), "domains": "all"}
    config = BuildConfig.model_validate(tree, strict=False)
    step = SongStep(config, Stems.open(config), Ledger(str(folder / "attempts"), 600.0, max_attempts=1))
    (found,) = step(plan(config)[0].to_json())
    assert not found["reason"], found
    return dict(found)


def _listings(folder: Path, sizes: tuple[int, ...], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Empty objects of a real S3 server, listed as a build lists its roots."""
    found = []
    location = folder / "s3"
    location.mkdir()
    with bucket(location):
        fs, _ = filesystem("s3://bucket")
        for size in sizes:
            names = [f"bucket/of-{size}/{number // 8:06d}/{number % 8}" for number in range(size)]
            for start in range(0, size, 500):
                fs.pipe({name: b"" for name in names[start : start + 500]})
            fs.invalidate_cache()
            started_s = time.monotonic()
            listed = fs.find(f"bucket/of-{size}", detail=True)
            found.append({"objects": len(listed), "wall_s": time.monotonic() - started_s})
            say(f"{len(listed)} objects listed in {found[-1]['wall_s']:.1f} s")
    return found


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """What was measured, and what it makes of 100,000 and a million songs."""
    drivers = [
        [
            each["songs"],
            each["planning_s"],
            each["assembly_s"],
            each["peak_mb"],
            (each["peak_mb"] - each["before_mb"]) * 2**10 / each["songs"],
            each["row_bytes"],
            each["shards"],
        ]
        for each in found["drivers"]
    ]
    headers = ["songs", "planning, CPU s", "assembly, CPU s", "peak MiB", "KiB a song", "row, bytes", "shards"]
    parts = [table(headers, drivers, markdown=markdown)]
    if found["listings"]:
        rows = [[each["objects"], each["wall_s"], 1e3 * each["wall_s"] / each["objects"]] for each in found["listings"]]
        parts.append(table(["objects", "listed in, s", "ms an object"], rows, markdown=markdown))
    numbers = yaml.safe_load(NUMBERS.read_text())
    parts += reckoned((100_000, 1_000_000), numbers, driver=found["drivers"][-1], markdown=markdown)
    return "\n\n".join(parts)


def reckoned(sizes: tuple[int, ...], numbers: dict[str, Any], *, driver: dict[str, Any], markdown: bool) -> list[str]:
    """Tables: what a library of each size comes to, and how long each node type takes for it."""
    song, rates = numbers["song"], numbers["measured"]
    hours = {size: size * song["minutes"] / 60 for size in sizes}
    heard = {size: hours[size] * song["recordings"] for size in sizes}
    gb = {size: heard[size] * rates["audio_mb_an_hour"] / 1e3 for size in sizes}
    kib_a_song = (driver["peak_mb"] - driver["before_mb"]) * 2**10 / driver["songs"]
    lists = {size: size * song["files"] / numbers["list_page"] for size in sizes}
    prices, asked = numbers["prices"], numbers["requests_a_song"]

    def requests(size: int) -> float:
        return size / 1e3 * (asked["put"] * prices["put_1000"] + asked["get"] * prices["get_1000"])

    def row(title: str, of: Callable[[int], float]) -> list[str | float]:
        return [title, *(float(of(size)) for size in sizes)]

    library = [
        row("hours of songs", lambda size: hours[size]),
        row("tasks of songs", lambda size: size / _ROWS_A_TASK),
        row("objects listed", lambda size: size * song["files"]),
        row("requests to list them", lambda size: lists[size]),
        row("minutes to list them, one after the other", lambda size: lists[size] * numbers["list_page_s"] / 60),
        row("driver's planning and assembly, CPU minutes", lambda size: _grown(driver, size) / 60),
        row("driver's memory, GiB", lambda size: size * kib_a_song / 2**20),
        row("object store, rows going out, GiB", lambda size: size * driver["row_bytes"] / 2**30),
        row("shards", lambda size: gb[size] * 1e3 / numbers["shard_mb"] / 1.048576),
        row("dataset, GB", lambda size: gb[size]),
        row("its storage, $ a month", lambda size: gb[size] * prices["storage_gb_month"]),
        row("requests of a build, $", requests),
    ]
    stages = {
        "build": lambda size: heard[size] / rates["build"],
        "render": lambda size: hours[size] / rates["render"],
        "separate": lambda size: hours[size] / rates["separate"],
        "transcribe": lambda size: hours[size] / rates["transcribe"],
        "train, small, on processors": lambda size: numbers["training_passes"] * heard[size] / rates["learn"],
    }
    work = [
        [
            f"{title}, {size:,} songs",
            of(size) / numbers["efficiency"],
            *(_time_and_money(of(size) / numbers["efficiency"], node) for node in numbers["nodes"].values()),
        ]
        for title, of in stages.items()
        for size in sizes
    ]
    return [
        table(["a library", *(f"{size:,} songs" for size in sizes)], library, markdown=markdown),
        table([f"{_NODES} nodes", "CPU hours", *numbers["nodes"]], work, markdown=markdown),
    ]


def _grown(driver: dict[str, Any], size: int) -> float:
    return float((driver["planning_s"] + driver["assembly_s"]) * size / driver["songs"])


def _time_and_money(cpu_hours: float, node: dict[str, float]) -> str:
    hours = cpu_hours / node["cpus"]
    return f"{hours / _NODES:,.1f} h, ${hours * node['price']:,.0f}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--songs", type=int, required=True, help="Of the library.")
@click.option("--minutes", type=float, help="Of a song, if not as in the configuration.")
@click.option("--driver", default="out/bench/sizing.json", show_default=True, help="What `tests.bench sizing` found.")
def main(songs: int, minutes: float | None, driver: str) -> None:
    """The tables for one library."""
    numbers = yaml.safe_load(NUMBERS.read_text())
    if minutes is not None:
        numbers["song"]["minutes"] = minutes
    found = json.loads(Path(driver).read_bytes())
    click.echo("\n\n".join(reckoned((songs,), numbers, driver=found["drivers"][-1], markdown=False)))


if __name__ == "__main__":
    main()
