"""Which keys hang together, and the splits where they are held already: union-find over keys.

A key is whatever must not stand in two splits (an artist + title, a charter). A song is its keys.
"""

from collections import defaultdict
from collections.abc import Sequence

from drumline.core.errors import Rejected


class Ties:
    """Grows as songs are let in. Songs that stand fast (`hold`) come before new ones (`conflict`, then `join`)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._held: dict[str, dict[str, str]] = defaultdict(dict)  # root -> split -> the key that is held there

    def hold(self, keys: Sequence[str], split: str) -> None:
        """A song that stands fast: its keys are held in its split. They are not tied to each other by it."""
        for key in keys:
            self._held[self._root(key)].setdefault(split, key)

    def conflict(self, keys: Sequence[str], official_split: str = "") -> Rejected | None:
        """Why a new song cannot be let in, if so: it would stand in two splits at once."""
        held = self._splits(keys)
        own = {official_split} - {""}
        if len(held.keys() | own) < 2:
            return None
        places = [f"{key} is in {split}" for split, key in sorted(held.items())]
        return Rejected("split_conflict", ", ".join([*places, *(f"its official split is {split}" for split in own)]))

    def join(self, keys: Sequence[str]) -> None:
        """Let a new song in: its keys hang together from now on."""
        if keys:
            held, root = self._splits(keys), self._root(keys[0])
            for key in keys[1:]:
                self._parent[self._root(key)] = root
            self._held[root] = held

    def split_of(self, keys: Sequence[str]) -> str | None:
        """The one split that a song which was let in belongs to, if any."""
        return next(iter(self._splits(keys)), None)

    def root_of(self, keys: Sequence[str]) -> str | None:
        """A name for all that hangs together with these keys; None where there are none."""
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
