"""Plan a dataset from the outcomes of all songs: duplicates removed, splits assigned, shards planned.

Runs on the driver on a few kilobytes per song; a pure function of the outcomes and the configuration.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drumline.audio.fingerprint import bit_error_rate
from drumline.core.artifacts import exists, join
from drumline.core.errors import Rejected
from drumline.core.taxonomy import BRANCHES, LABELS
from drumline.dataset import products
from drumline.dataset.config import BuildConfig
from drumline.dataset.duplicates import Recording, SongFacts, find_duplicates
from drumline.dataset.manifest import NAME
from drumline.dataset.names import work_key
from drumline.dataset.parquet import open_parquet
from drumline.dataset.shards import Member, ShardSpec, plan_shards
from drumline.dataset.splits import SplitSong, assign, refuse_empty_validation

Row = dict[str, Any]


@dataclass(frozen=True)
class Assembly:
    """Contents of a dataset before its shards are written."""

    songs: Sequence[Row]
    """One row per recording with its split, by song id and domain."""
    rejected: Sequence[Row]
    """Rows of rejected.parquet, by key."""
    shards: Sequence[ShardSpec]
    shard_of: Mapping[tuple[str, str], str]
    """(song id, domain) -> path of the shard that holds it."""
    inputs: list[Any]
    """Hashes of all inputs, in order of key."""


def previous_splits(config: BuildConfig) -> dict[str, str]:
    """Splits by song id in the earlier dataset that this build continues; empty without one."""
    earlier = config.previous or config.output
    if not config.previous and not exists(join(earlier, NAME)):
        return {}
    with open_parquet(join(earlier, "songs.parquet")) as file:
        table = file.read(["song_id", "split"])
    return dict(zip(table["song_id"].to_pylist(), table["split"].to_pylist(), strict=True))


def assemble(outcomes: Sequence[Row], config: BuildConfig, previous: Mapping[str, str]) -> Assembly:
    """Plan a dataset from every song's outcome (`steps.OUTCOME`).

    Raises ConfigError if the songs cannot be divided as configured.
    """
    rejected = [_rejection(outcome, outcome["reason"], outcome["detail"]) for outcome in outcomes if outcome["reason"]]
    found: dict[str, Row] = {}
    twins: list[tuple[Row, str]] = []
    for outcome in outcomes:
        if outcome["reason"]:
            continue
        song_id = outcome["recordings"][0]["song_id"]
        if song_id in found:
            twins.append((outcome, song_id))
        else:
            found[song_id] = outcome
    copies = _duplicates(found, config)
    for song_id, copy in copies.items():
        rejected.append(_rejection(found[song_id], copy.reason, copy.detail, found[copy.survivor]["key"]))
    for twin, song_id in twins:
        # The same chart and the same audio, so it shares its twin's fate too: the survivor is the song that stays.
        stays = copies[song_id].survivor if song_id in copies else song_id
        detail = f"chart and audio are those of {found[song_id]['key']}, byte for byte"
        rejected.append(_rejection(twin, "duplicate_exact", detail, found[stays]["key"]))
    found = {song_id: outcome for song_id, outcome in found.items() if song_id not in copies}
    to_split = [_split_song(found[song_id]) for song_id in sorted(found)]
    result = assign(to_split, previous=previous, config=config.splits)
    refuse_empty_validation(to_split, result, previous=previous, config=config.splits)
    for song_id, conflict in result.conflicts.items():
        rejected.append(_rejection(found[song_id], conflict.reason, conflict.detail))
    found = {song_id: outcome for song_id, outcome in found.items() if song_id not in result.conflicts}
    return _packed(found, result.assignments, rejected, config)


def _packed(found: Mapping[str, Row], splits: Mapping[str, str], rejected: list[Row], config: BuildConfig) -> Assembly:
    songs, inputs = [], []
    members: dict[str, list[tuple[Member, int]]] = defaultdict(list)
    for song_id in sorted(found):
        outcome = found[song_id]
        for index, recording in enumerate(outcome["recordings"]):
            songs.append({**recording, "split": splits[song_id]})
            member = Member(outcome["product"], index, song_id, recording["domain"], recording["content_sha256"])
            members[splits[song_id]].append((member, recording["payload_bytes"]))
            inputs.append([recording[name] for name in ("key", "domain", "chart_sha256", "audio_sha256")])
    shards = plan_shards(members, config)
    shard_of = {(member.song_id, member.domain): spec.name for spec in shards for member in spec.members}
    return Assembly(songs, sorted(rejected, key=lambda row: str(row["key"])), shards, shard_of, sorted(inputs))


def _rejection(outcome: Row, reason: str, detail: str, survivor: str = "") -> Row:
    return {
        **{name: outcome[name] for name in ("key", "format")},
        "reason": reason,
        "detail": detail,
        "survivor": survivor,
    }


def _duplicates(found: Mapping[str, Row], config: BuildConfig) -> dict[str, Rejected]:
    domains = {song_id: [rec["domain"] for rec in outcome["recordings"]] for song_id, outcome in found.items()}
    return find_duplicates(
        [_facts(song_id, found[song_id]["recordings"]) for song_id in sorted(found)],
        load_fingerprint=lambda song_id, domain: products.fingerprint_of(
            found[song_id]["product"], domains[song_id].index(domain)
        ),
        bit_error_rate=bit_error_rate,
        config=config.duplicates,
    )


def _facts(song_id: str, recordings: Sequence[Row]) -> SongFacts:
    song = recordings[0]
    counts = dict(song["label_counts"])
    fine = sum(count for label, count in counts.items() if len(LABELS[label]) == 1)
    return SongFacts(
        song_id=song_id,
        recordings=tuple(
            Recording(rec["domain"], rec["audio_sha256"], np.frombuffer(rec["audio_sketch"], dtype="<u8"))
            for rec in recordings
        ),
        chart_sha256=song["chart_sha256"],
        note_signature=song["note_signature"],
        note_sketch=np.frombuffer(song["note_sketch"], dtype="<u8"),
        source_rank=song["source_rank"],
        work=work_key(song["artist"], song["title"]),
        group=song["group"],
        label_fineness=fine / max(1, song["num_hits"]),
        residual_ms=min(rec["residual_ms"] for rec in recordings),
        num_hits=song["num_hits"],
    )


def _split_song(outcome: Row) -> SplitSong:
    song = outcome["recordings"][0]
    counts = dict(song["label_counts"])
    share = {
        branch: sum(n for label, n in counts.items() if LABELS[label] and LABELS[label] <= BRANCHES[branch].keys())
        / max(1, song["num_hits"])
        for branch in ("tom", "ride")
    }
    return SplitSong(
        song_id=song["song_id"],
        artist=song["artist"],
        title=song["title"],
        charter=song["charter"],
        group=song["group"],
        genre=song["genre"],
        tempo_bpm=song["tempo_bpm"],
        tom_share=share["tom"],
        ride_share=share["ride"],
        # What may not be trained on never reaches train, whatever its corpus says.
        official_split=song["official_split"] if song["may_train"] else "test",
    )
