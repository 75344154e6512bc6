"""Connected split keys: union-find over the keys that must stay in one split, with the splits already assigned.

A key is an artist + title, a charter or a group; a song is represented by its keys.
"""

from collections import defaultdict
from collections.abc import Sequence

from drumline.core.errors import Rejected


class Ties:
    """Connected components of keys. Songs with a fixed split (`hold`) come before new ones (`conflict`, then
    `join`)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._held: dict[str, dict[str, str]] = defaultdict(dict)  # root -> split -> the key that is held there

    def hold(self, keys: Sequence[str], split: str) -> None:
        """Register the keys of a song with a fixed split; does not connect them to each other."""
        for key in keys:
            self._held[self._root(key)].setdefault(split, key)

    def conflict(self, keys: Sequence[str], official_split: str = "") -> Rejected | None:
        """Reason why a new song cannot be added: it would be in two splits at once; None if it can."""
        held = self._splits(keys)
        own = {official_split} - {""}
        if len(held.keys() | own) < 2:
            return None
        places = [f"{key} is in {split}" for split, key in sorted(held.items())]
        return Rejected("split_conflict", ", ".join([*places, *(f"its official split is {split}" for split in own)]))

    def join(self, keys: Sequence[str]) -> None:
        """Add a new song: connects its keys."""
        if keys:
            held, root = self._splits(keys), self._root(keys[0])
            for key in keys[1:]:
                self._parent[self._root(key)] = root
            self._held[root] = held

    def split_of(self, keys: Sequence[str]) -> str | None:
        """Split of an added song, if its keys have one."""
        return next(iter(self._splits(keys)), None)

    def root_of(self, keys: Sequence[str]) -> str | None:
        """Representative key of the connected component; None without keys."""
        return self._root(keys[0]) if keys else None

    def _root(self, key: str) -> str:
        while (parent := self._parent.setdefault(key, key)) != key:
            self._parent[key] = key = self._parent[parent]  # halve the path on the way
        return key

    def _splits(self, keys: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for key in keys:
            for split, held_key in self._held.get(self._root(key), {}).items():
                found.setdefault(split, held_key)
        return found
