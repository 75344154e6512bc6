"""Count the hits of a built dataset into a `Tally`, one row group at a time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drumline.core.artifacts import join
from drumline.core.taxonomy import LABELS
from drumline.dataset.parquet import open_parquet
from drumline.quality.health.findings import BUCKET_EDGES, BUCKETS
from drumline.quality.health.tally import Tally, event_key, is_crash

_SONG_COLUMNS: Final = (
    "song_id", "domain", "key", "charter", "artist", "duration_s", "loudness_lufs", "alignment", "split",
)  # fmt: skip
_HIT_COLUMNS: Final = (
    "song_id", "domain", "split", "time_s", "label", "velocity", "openness", "flags", "source_name",
)  # fmt: skip


def tally_songs(dataset: str, tally: Tally) -> None:
    """Add sessions, drummers, loudness and hours from ``songs.parquet`` to a tally."""
    splits, sources = Counter[str](), Counter[str]()
    for song in _songs(dataset):
        source = song["key"].split("/", 1)[0]
        tally.sessions.add(song["song_id"])
        tally.drummers |= {song["charter"] or song["artist"]} - {""}
        tally.loudness.append(song["loudness_lufs"])
        splits[song["split"]] += song["duration_s"]
        sources[source] += song["duration_s"]
    tally.hours_by_split = {name: round(seconds / 3600, 6) for name, seconds in sorted(splits.items())}
    tally.hours_by_source = {name: round(seconds / 3600, 6) for name, seconds in sorted(sources.items())}


def num_groups(dataset: str) -> int:
    """Number of row groups in ``events.parquet``."""
    with open_parquet(join(dataset, "events.parquet")) as file:
        return int(file.num_row_groups)


def tally_groups(dataset: str, groups: Iterable[int], tally: Tally, *, synthetic_sources: tuple[str, ...]) -> None:
    """Count row groups of ``events.parquet``. Rendered songs and all of ``synthetic_sources`` (roots) are synthetic."""
    recordings = _recording_sources(dataset, synthetic_sources)
    with open_parquet(join(dataset, "events.parquet")) as file:
        for group in groups:
            _add_hits(file.row_group(group, _HIT_COLUMNS), recordings, tally)


@lru_cache(maxsize=1)
def _recording_sources(dataset: str, synthetic_sources: tuple[str, ...]) -> Mapping[tuple[str, str], tuple[str, bool]]:
    """(source, whether synthetic) by (song id, domain)."""
    found = {}
    for song in _songs(dataset):
        source = song["key"].split("/", 1)[0]
        synthetic = song["domain"] == "rendered" or song["alignment"] == "exact" or source in synthetic_sources
        found[song["song_id"], song["domain"]] = source, synthetic
    return found


def _songs(dataset: str) -> list[dict[str, Any]]:
    with open_parquet(join(dataset, "songs.parquet")) as file:
        songs: list[dict[str, Any]] = file.read(_SONG_COLUMNS).to_pylist()
    return songs


def _add_hits(hits: pa.Table, recordings: Mapping[tuple[str, str], tuple[str, bool]], tally: Tally) -> None:
    pairs = list(zip(hits["song_id"].to_pylist(), hits["domain"].to_pylist(), strict=True))
    known = [recordings[pair] for pair in pairs]
    synthetic = np.array([rendered for _, rendered in known], dtype=bool)
    labels = hits["label"].to_pylist()
    velocity = hits["velocity"].to_numpy(zero_copy_only=False).astype(np.float32)
    # As float32, like the velocities: 0.65 is an accent in either precision. Unknown velocities are in the last bucket.
    bucket = np.searchsorted(np.array(BUCKET_EDGES, dtype=np.float32), velocity, side="right")
    bucket = np.where(np.isnan(velocity), len(BUCKETS) - 1, bucket)
    tally.events += len(labels)
    tally.synthetic += int(synthetic.sum())
    tally.labels.update(zip(labels, synthetic.tolist(), (BUCKETS[index] for index in bucket), strict=True))
    tally.words["source"].update(source for source, _ in known)
    tally.words["split"].update(hits["split"].to_pylist())
    tally.words["mix_context"].update(domain for _, domain in pairs)
    tally.words["technique"].update(pc.list_flatten(hits["flags"]).to_pylist())
    tally.openness += [value for value in hits["openness"].to_pylist() if value is not None]
    names = hits["source_name"].to_pylist()
    tally.words["unknown"].update(name or label for name, label in zip(names, labels, strict=True) if label == "other")
    crash = [label == "crash" and is_crash(name or label) for name, label in zip(names, labels, strict=True)]
    tally.words["crash"].update(name or "crash" for name, is_one in zip(names, crash, strict=True) if is_one)
    onsets = list(zip((f"{song}/{domain}" for song, domain in pairs), hits["time_s"].to_pylist(), strict=True))
    tally.keys.extend(event_key(*onset, (label,)) for onset, label in zip(onsets, labels, strict=True))
    crashes = Counter(onset for onset, is_one in zip(onsets, crash, strict=True) if is_one)
    tally.several_crashes += sum(count > 1 for count in crashes.values())


def count_of(name: str, counts: dict[str, int]) -> int:
    """Number of hits that certainly have a label: ``snare`` counts heads, rims and unspecified snare hits."""
    included = LABELS[name]
    return sum(n for label, n in counts.items() if (LABELS[label] and LABELS[label] <= included) or label == name)
