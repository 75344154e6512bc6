"""Match predictions with reference songs by name.

A prediction's name is looked up as it is, then without its leading folders one by one, and then without its endings
(``song.rebuilt`` is a prediction of ``song``, where no other is), among the names of each song:
its key, its chart's path, its audio files, of a dataset also its song id; each with and without the file ending, and
each without leading folders. Where a song stands in several recordings (stem and mix) the name must tell which: by the
audio file's name or by the domain behind it, ``<key>.mix``.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from drumline.core.errors import ConfigError
from drumline.dataset.duplicates import DOMAINS_BY_PURITY
from drumline.evaluation.references import ReferenceSong

Unmatched = Literal["error", "ignore", "empty"]
"""Handling of names without a partner: end the run, omit them, or treat a song without predictions as silent
(predictions without a song are omitted)."""

T = TypeVar("T")
_SHOWN = 8


def pair(
    songs: Sequence[ReferenceSong], predictions: Mapping[str, T], *, system: str, unmatched: Unmatched
) -> dict[str, T]:
    """Match predictions with songs by name; songs without predictions are omitted.

    Raises ConfigError, with the names, if a prediction matches several songs, a song has several predictions, nothing
    matches, or unmatched names remain that ``unmatched`` does not allow.
    """
    index: dict[str, set[str]] = defaultdict(set)
    for song in songs:
        for alias in song.aliases:
            index[alias].add(song.name)
    found: dict[str, str] = {}
    strangers = []
    for name in predictions:
        candidates = next((index[form] for form in _forms(name) if form in index), set())
        if not candidates:
            strangers.append(name)
            continue
        if len(candidates) > 1:
            raise ConfigError(
                f"{system}: prediction {name!r} may be any of {_listed(sorted(candidates))}: give it a longer name, "
                "or choose one recording of each song by `domains`"
            )
        (song_name,) = candidates
        if song_name in found:
            raise ConfigError(f"{system}: {found[song_name]!r} and {name!r} are both predictions of {song_name}")
        found[song_name] = name
    missing = [song.name for song in songs if song.name not in found]
    if not found or (unmatched == "error" and (missing or strangers)):
        raise ConfigError(_explain(system, missing, strangers, matched=len(found)))
    return {song_name: predictions[name] for song_name, name in found.items()}


def _forms(name: str) -> list[str]:
    parts = name.split("/")
    whole = ["/".join(parts[start:]) for start in range(len(parts))]
    bare, dot, ending = name.rpartition(".")
    # ``song.mix`` is of the song's mix and of no other recording.
    return whole if not dot or "/" in ending or ending in DOMAINS_BY_PURITY else [*whole, *_forms(bare)]


def _explain(system: str, missing: Sequence[str], strangers: Sequence[str], *, matched: int) -> str:
    lines = [f"{system}: {matched} songs have predictions"]
    if missing:
        lines.append(f"  {len(missing)} songs without: {_listed(missing)}")
    if strangers:
        lines.append(f"  {len(strangers)} predictions without a song: {_listed(strangers)}")
    if matched:
        lines.append("  `unmatched: ignore` judges what is there, `unmatched: empty` takes what is missing for silence")
    return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest
