"""Train, validation and test splits: no artist + title, charter or declared group is in more than one split.

Songs are connected by *keys*: the work (artist + title), each charter and the source's group. Four rules apply in this
order; none depends on the order of the songs.

1. A song of an earlier dataset keeps its split.
2. A song with an official split takes it. The authors of its corpus are responsible for its keys (Groove has the same
   drummers in all splits), so official songs never conflict with each other; but a new one whose key an earlier
   unofficial song has in another split is a conflict.
3. A new song joins the split of its keys, also via other new songs. A song that would connect two splits is a conflict,
   and only that one: songs are added in order of song id, each unless it would be the bridge.
4. The remaining groups of connected new songs are assigned from largest to smallest (ties in hash order), each to the
   split that most lowers the sum over splits and strata of ``(songs - target) ** 2 / share of the split``. Strata: all
   songs, genre, tempo range, toms, ride. Official songs do not count here: a corpus with a large test set must not
   leave game charts without one.

Limitation: songs that left the library have no keys any more.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Self

import numpy as np
from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.core.errors import ConfigError, Rejected
from drumline.dataset.names import normalise_name, people, work_key
from drumline.dataset.ties import Ties

SPLITS: Final = ("train", "validation", "test")

_TEMPO_EDGES_BPM: Final = (90.0, 120.0, 150.0, 180.0)
_SHARE_EDGES: Final = (0.001, 0.05, 0.2)  # none, a few, some, many of the hits

_Strata = Counter[tuple[str, object]]


class SplitConfig(Config):
    """Proportions and minimum sizes of the splits."""

    train: float = Field(default=0.8, gt=0, le=1)
    """Share of the songs without an official split that go to train."""
    validation: float = Field(default=0.1, ge=0, lt=1)
    """Share of the songs without an official split that go to validation."""
    test: float = Field(default=0.1, ge=0, lt=1)
    """Share of the songs without an official split that go to test."""
    min_validation_songs: int = Field(default=0, ge=0)
    """Least number of validation songs, official ones included; raises the split's share if needed. 300 for real
    use."""
    min_test_songs: int = Field(default=0, ge=0)
    """Least number of test songs, official ones included; raises the split's share if needed."""
    share_charters: bool = False
    """Allow the songs of one charter in several splits, for libraries of a single charter. Validation then does not
    measure
    generalisation to other charters."""
    seed: int = 0
    """Seed of the assignment; songs of an earlier dataset keep their splits."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs((total := self.train + self.validation + self.test) - 1.0) > 1e-6:
            raise ValueError(f"train, validation and test add up to {total:g}, not 1")
        return self


@dataclass(frozen=True)
class SplitSong:
    """Properties of a song that its split depends on."""

    song_id: str
    artist: str = ""
    title: str = ""
    charter: str = ""
    """One or more people ("Ann & Bob"). Empty or unknown names connect nothing, here and in artist and title."""
    group: str = ""
    """Songs of the same non-empty group share a split."""
    genre: str = ""
    tempo_bpm: float | None = None
    tom_share: float = 0.0
    """Share of tom hits, 0 to 1."""
    ride_share: float = 0.0
    """Share of ride hits, 0 to 1."""
    official_split: str = ""
    """Official split, one of `SPLITS`, or empty."""

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Keys that connect this song to others, each with its kind."""
        work = work_key(self.artist, self.title)
        return (
            *((f"artist and title {work!r}",) if work else ()),
            *(f"charter {person!r}" for person in people(self.charter)),
            *((f"group {self.group!r}",) if self.group else ()),
        )


@dataclass(frozen=True)
class SplitResult:
    """Split assignments and conflicts; every song is in exactly one of the two."""

    assignments: Mapping[str, str]
    """Split by song id."""
    conflicts: Mapping[str, Rejected]
    """Rejection (``split_conflict``) by song id."""


def assign(songs: Sequence[SplitSong], *, previous: Mapping[str, str], config: SplitConfig) -> SplitResult:
    """Assign songs to splits; ``previous`` has the splits of an earlier dataset by song id.

    Raises ConfigError if the required numbers of songs cannot be met, ValueError for a repeated song id or an unknown
    split.
    """
    songs = sorted(songs, key=lambda song: song.song_id)
    if config.share_charters:
        songs = [replace(song, charter="") for song in songs]
    if len({song.song_id for song in songs}) < len(songs):
        raise ValueError("a song id stands twice among the songs to divide")
    if unknown := {*previous.values(), *(song.official_split for song in songs)} - {*SPLITS, ""}:
        raise ValueError(f"unknown split {min(unknown)!r}")

    ties = Ties()
    assignments = {song.song_id: previous[song.song_id] for song in songs if song.song_id in previous}
    conflicts: dict[str, Rejected] = {}
    official = [song for song in songs if song.official_split]
    free = [song for song in songs if not song.official_split]
    for song in free:
        if song.song_id in assignments:
            ties.hold(song.keys, assignments[song.song_id])
    for song in official:  # all against the earlier free songs, before any of them holds its own keys
        if song.song_id not in assignments and (conflict := ties.conflict(song.keys, song.official_split)):
            conflicts[song.song_id] = conflict
    for song in official:
        if song.song_id not in conflicts:
            ties.hold(song.keys, assignments.setdefault(song.song_id, song.official_split))

    newcomers = []
    for song in free:
        if song.song_id in assignments:
            continue
        if conflict := ties.conflict(song.keys):
            conflicts[song.song_id] = conflict
        else:
            ties.join(song.keys)
            newcomers.append(song)
    groups: dict[str, list[SplitSong]] = defaultdict(list)
    for song in newcomers:
        if (split := ties.split_of(song.keys)) is not None:
            assignments[song.song_id] = split
        else:
            groups[ties.root_of(song.keys) or f"song {song.song_id}"].append(song)

    balance = _Balance([song for song in free if song.song_id not in conflicts], assignments, config)
    order = sorted(groups.values(), key=lambda group: (-len(group), _hash(config.seed, group[0].song_id)))
    chosen = [balance.assign(group) for group in order]
    balance.fill_minimums(order, chosen)
    balance.fill_validation(order, chosen)
    for group, split in zip(order, chosen, strict=True):
        assignments.update({song.song_id: split for song in group})
    return SplitResult(assignments, conflicts)


def refuse_empty_validation(
    songs: Sequence[SplitSong], result: SplitResult, *, previous: Mapping[str, str], config: SplitConfig
) -> None:
    """Raise ConfigError if connected songs leave validation empty: a library of one charter, or of a few.

    Official songs are ignored: their corpora may leave validation to others.
    """
    assigned = [song for song in songs if song.song_id in result.assignments and not song.official_split]
    is_old = all(song.song_id in previous for song in assigned)
    if config.validation == 0 or "validation" in result.assignments.values() or is_old:
        return
    ties, groups = Ties(), defaultdict[str, list[SplitSong]](list)
    for song in assigned:
        ties.join(song.keys)
    for song in assigned:
        groups[ties.root_of(song.keys) or f"song {song.song_id}"].append(song)
    if not len(groups) == 1 < len(assigned) and round(config.validation * len(assigned)) < 1:
        return  # so few songs that none is due
    largest = max(groups.values(), key=len)
    shared = Counter(key for song in largest for key in song.keys).most_common(1)
    tie = f", {shared[0][1]} of these by {shared[0][0]}" if shared else ""
    raise ConfigError(
        f"splits: validation would have no song: {len(assigned)} songs are {len(groups)} groups that must not be "
        f"divided, the largest of {len(largest)}{tie}. Set splits.share_charters=true to divide a charter's songs, "
        "splits.min_validation_songs=1 to move a whole group, or splits.validation=0 and "
        f"splits.train={1 - config.test:g} for a dataset without validation. Finished songs are kept"
    )


def crossing_keys(songs: Iterable[SplitSong], assignments: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Keys that occur in more than one split, with those splits.

    Keys of official songs only are omitted: their corpus is responsible for them.
    """
    splits: dict[str, set[str]] = defaultdict(set)
    answerable: set[str] = set()
    for song in songs:
        if song.song_id in assignments:
            for key in song.keys:
                splits[key].add(assignments[song.song_id])
            answerable.update(() if song.official_split else song.keys)
    return {key: tuple(sorted(splits[key], key=SPLITS.index)) for key in sorted(answerable) if len(splits[key]) > 1}


class _Balance:
    """Number of songs by stratum and split, and their targets."""

    def __init__(self, songs: Sequence[SplitSong], assignments: Mapping[str, str], config: SplitConfig) -> None:
        self._config = config
        self._totals = _strata(songs)
        self._minimum = {"train": 1, "validation": config.min_validation_songs, "test": config.min_test_songs}
        counted = {song.song_id for song in songs}
        elsewhere = Counter(split for song_id, split in assignments.items() if song_id not in counted)
        self._songs = Counter(elsewhere)
        shares = {split: float(getattr(config, split)) for split in SPLITS}
        for split in SPLITS[1:]:
            shares[split] = max(shares[split], (self._minimum[split] - elsewhere[split]) / max(1, len(songs)))
        shares["train"] = 1.0 - shares["validation"] - shares["test"]
        if songs and shares["train"] <= 0:
            raise ConfigError(
                f"splits: {len(songs)} songs without an official split cannot give min_validation_songs="
                f"{config.min_validation_songs} and min_test_songs={config.min_test_songs} and leave any to train on"
            )
        self._shares = {split: share for split, share in shares.items() if share > 0}
        self._have: dict[str, _Strata] = {split: Counter() for split in SPLITS}
        for split in SPLITS:
            self._add([song for song in songs if assignments.get(song.song_id) == split], split)

    def _add(self, group: Sequence[SplitSong], split: str, sign: int = 1) -> None:
        for stratum, count in _strata(group).items():
            self._have[split][stratum] += sign * count
        self._songs[split] += sign * len(group)

    def _cost(self, group: Sequence[SplitSong], split: str) -> float:
        """Increase of the split's cost by adding the group: (n - missing)² - missing²."""
        share, have = self._shares[split], self._have[split]
        cost = 0.0
        for stratum, n in _strata(group).items():
            missing = share * self._totals[stratum] - have[stratum]
            cost += n * (n - 2 * missing) / share
        return cost

    def assign(self, group: Sequence[SplitSong]) -> str:
        """Assign a group to the split with the lowest cost."""
        split = min(self._shares, key=lambda split: (self._cost(group, split), SPLITS.index(split)))
        self._add(group, split)
        return split

    def fill_minimums(self, groups: Sequence[Sequence[SplitSong]], chosen: list[str]) -> None:
        """Move the smallest groups (last in order) from splits with a surplus until all minimums are met.

        Raises ConfigError if they cannot be met.
        """
        for split in SPLITS[1:]:
            for index in reversed(range(len(groups))):
                missing = self._minimum[split] - self._songs[split]
                if missing <= 0:
                    break
                giver = chosen[index]
                if giver != split and self._songs[giver] - len(groups[index]) >= self._minimum[giver]:
                    self._add(groups[index], giver, -1)
                    self._add(groups[index], split)
                    chosen[index] = split
            if (found := self._songs[split]) < self._minimum[split]:
                largest = max((len(group) for group in groups), default=0)
                raise ConfigError(
                    f"splits: {split} has {found} songs, min_{split}_songs is {self._minimum[split]}: "
                    f"{len(groups)} groups of songs are free to place, the largest of {largest} songs that share "
                    "artist and title, charter or group"
                )

    def fill_validation(self, groups: Sequence[Sequence[SplitSong]], chosen: list[str]) -> None:
        """Move the smallest group to validation if connected songs left it below its share.

        Not done if that group has more than a third of the songs; see `refuse_empty_validation`.
        """
        num_songs, share = sum(map(len, groups)), self._shares.get("validation", 0.0)
        asked = round(share * num_songs) >= 1 or self._config.share_charters
        if not groups or not share or self._songs["validation"] or not asked:
            return
        smallest = max((index for index, split in enumerate(chosen) if split == "train"), default=0)
        size, giver = len(groups[smallest]), chosen[smallest]
        if size <= max(1, num_songs / 3) and size < self._songs[giver]:
            self._add(groups[smallest], giver, -1)
            self._add(groups[smallest], "validation")
            chosen[smallest] = "validation"


def _strata(songs: Iterable[SplitSong]) -> _Strata:
    """Number of songs by stratum (kind, range)."""
    counts: _Strata = Counter()
    for song in songs:
        tempo = "unknown" if song.tempo_bpm is None else int(np.searchsorted(_TEMPO_EDGES_BPM, song.tempo_bpm, "right"))
        counts["all", ""] += 1
        counts["genre", normalise_name(song.genre)] += 1
        counts["tempo", tempo] += 1
        counts["toms", int(np.searchsorted(_SHARE_EDGES, song.tom_share, "right"))] += 1
        counts["ride", int(np.searchsorted(_SHARE_EDGES, song.ride_share, "right"))] += 1
    return counts


def _hash(seed: int, song_id: str) -> str:
    return hashlib.sha256(f"{seed} {song_id}".encode()).hexdigest()
