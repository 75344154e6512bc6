"""How alike the fingerprints of copies are, and of everything that is no copy."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tests.audio.test_fingerprint import copy, shared
from tests.bench.recordings import Recording, mdb_recordings, rendered
from tests.bench.tables import table

from drumline.audio.fingerprint import MAX_BIT_ERROR_RATE, MIN_SHARED, bit_error_rate, fingerprint

_CODECS: Final = ("mp3", "ogg", "opus")
_GAIN_DB: Final = -6.0
_DELAY_S: Final = 0.5
_KITS: Final = (40, 41)

Words = NDArray[np.uint32]


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Pairs by kind."""
    real = mdb_recordings()
    if not real:
        say("no corpus beside this checkout (../shared/corpus): rendered songs only")
    if quick:
        real = real[:4]
    numbers = range(2 if quick else 8)
    kits = [[rendered(number, kit=kit) for number in numbers] for kit in _KITS]
    mixes = [rendered(number, kit=_KITS[0], mixed=True) for number in numbers]
    recordings = [*real, *kits[0], *mixes]
    words = [fingerprint(recording.samples) for recording in recordings]
    say(f"{len(recordings)} recordings read")
    kinds: dict[str, list[dict[str, Any]]] = {}
    for codec in _CODECS:
        again = [copy(one.samples, codec, gain_db=_GAIN_DB, delay_s=_DELAY_S) for one in recordings]
        kinds[f"copy: {codec}"] = [_pair(one, fingerprint(other)) for one, other in zip(words, again, strict=True)]
        say(f"{codec} copies compared")
    played_again = [fingerprint(recording.samples) for recording in kits[1]]
    kinds["one pattern, another kit"] = [
        _pair(one, other) for one, other in zip(words[len(real) : len(real) + len(numbers)], played_again, strict=True)
    ]
    kinds["one performance, stem and mix"] = list(_compared(recordings, words, same_song=True))
    kinds["different songs"] = list(_compared(recordings, words, same_song=False))
    return {"recordings": len(recordings), "pairs": {kind: pairs for kind, pairs in kinds.items() if pairs}}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """A row a kind of pair."""
    headers = ["", "pairs", "bit errors: median", "least", "most", "shared hashes: median", "fewest", "most"]
    rows = []
    for kind, pairs in found["pairs"].items():
        rates, hashes = [pair["bit_error_rate"] for pair in pairs], [pair["shared_hashes"] for pair in pairs]
        spread = [median(rates), min(rates), max(rates), median(hashes), min(hashes), max(hashes)]
        rows.append([kind, len(pairs), *spread, sum(pair["is_copy"] for pair in pairs)])
    return table([*headers, "taken for copies"], rows, markdown=markdown)


def _compared(recordings: Sequence[Recording], words: Sequence[Words], *, same_song: bool) -> Iterator[dict[str, Any]]:
    for one, other in combinations(range(len(words)), 2):
        if (recordings[one].song == recordings[other].song) == same_song:
            yield _pair(words[one], words[other])


def _pair(one: Words, other: Words) -> dict[str, Any]:
    """How alike two recordings are, and what the build makes of it."""
    rate, hashes = bit_error_rate(one, other).bit_error_rate, shared(one, other)
    is_copy = hashes >= MIN_SHARED and rate <= MAX_BIT_ERROR_RATE
    return {"bit_error_rate": rate, "shared_hashes": hashes, "is_copy": is_copy}
