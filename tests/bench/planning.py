"""The driver of a build without its workers: `python -m tests.bench.planning TEMPLATE SONGS REPORT`.

Plans and assembles a made-up library of any size with the build's own functions: songs are found in a listing, their
rows written for the workers, and the outcomes of a real song, made different, divided into splits and shards.
"""

import copy
import hashlib
import json
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from drumline.dataset.assemble import assemble
from drumline.dataset.config import BuildConfig
from drumline.dataset.sources import song_folders

_FILES = ("notes.mid", "song.ini", "drums.ogg", "song.ogg", "guitar.ogg", "rhythm.ogg", "album.png", "crowd.ogg")


def listing(songs: int) -> dict[str, str]:
    """Files of a bucket, as `dataset.sources` keeps them."""
    return {f"songs/{n % 1000:03d}/{n:07d}/{name}": f"{4000 + n}:{n:032x}" for n in range(songs) for name in _FILES}


def outcome(template: dict[str, Any], number: int) -> dict[str, Any]:
    """Another song like a real one: its own words, hashes and sketches."""
    random = np.random.default_rng(number)
    song_id = hashlib.sha256(str(number).encode()).hexdigest()
    made = {**template, "key": f"songs/{number:07d}", "product": f"s3://bucket/set/_work/songs/{song_id}.parquet"}
    made["recordings"] = [
        {
            **copy.deepcopy(recording),
            "key": made["key"],
            "song_id": song_id[:24],
            "title": f"Song {number}",
            "artist": f"Band {number // 12}",
            "charter": f"Charter {number // 12}",
            **{name: random.bytes(32).hex() for name in ("chart_sha256", "audio_sha256", "note_signature")},
            "content_sha256": random.bytes(32).hex(),
            **{name: random.bytes(len(recording[name])) for name in ("audio_sketch", "note_sketch")},
        }
        for recording in template["recordings"]
    ]
    return made


def _peak_mb() -> float:
    """Of this program alone: ru_maxrss remembers what the process was before it [MiB]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Measure, and write what was found."""
    template = pickle.loads(Path(sys.argv[1]).read_bytes())
    songs = int(sys.argv[2])
    before_mb = _peak_mb()
    started_s = time.process_time()
    sources = list(song_folders("songs", "s3://bucket/songs", listing(songs)))
    rows = [source.to_json() for source in sources]
    planned_s, row_bytes = time.process_time() - started_s, sum(map(len, rows)) / len(rows)
    outcomes = [outcome(template, number) for number in range(songs)]
    config = BuildConfig.model_validate(
        {"name": "sizing", "roots": [{"uri": "s3://bucket/songs"}], "output": "/nowhere"}, strict=False
    )
    started_s = time.process_time()
    assembly = assemble(outcomes, config, {})
    told = {
        "songs": len(sources),
        "kept": len({song["song_id"] for song in assembly.songs}),
        "shards": len(assembly.shards),
        "row_bytes": row_bytes,
        "planning_s": planned_s,
        "assembly_s": time.process_time() - started_s,
        "before_mb": before_mb,
        "peak_mb": _peak_mb(),
    }
    Path(sys.argv[3]).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
