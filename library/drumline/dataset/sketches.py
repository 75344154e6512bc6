"""Bottom-k sketches: small samples of large sets that estimate how much two sets have in common.

A sketch is the k smallest distinct 64-bit hashes of a set's members, ascending, uint64. The share of the k smallest
hashes of the union that both sketches hold estimates the Jaccard similarity, with a standard error of at most
``0.5 / sqrt(k)`` (Broder, "On the resemblance and containment of documents", 1997).
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from drumline.core.hits import Hit
from drumline.core.taxonomy import BRANCHES, LABELS

Sketch = NDArray[np.uint64]

SKETCH_SIZE: Final = 128
SHINGLE: Final = 8
"""Number of successive onsets that form one member of a note set: two bars of quarter notes, one of eighths."""
_CHORD_S: Final = 0.010  # hits closer than this are one onset: nobody plays a flam so tight
_BLOCK: Final = 2048


def bottom_k(hashes: Iterable[int] | Sketch, size: int = SKETCH_SIZE) -> Sketch:
    """Sketch of a set of hashes."""
    values = hashes if isinstance(hashes, np.ndarray) else np.fromiter(hashes, dtype=np.uint64)
    return np.unique(values)[:size]


def similarity(a: Sketch, b: Sketch) -> float:
    """Estimated Jaccard similarity, 0 to 1, of two sets from sketches of one size; 0 if either is empty."""
    if not len(a) or not len(b):
        return 0.0
    union = np.union1d(a, b)[: max(len(a), len(b))]
    return float(np.isin(union, np.intersect1d(a, b, assume_unique=True), assume_unique=True).mean())


def note_sketch(hits: Sequence[Hit], size: int = SKETCH_SIZE) -> Sketch:
    """Sketch of a performance, independent of tempo, time offset and label detail.

    Members are runs of `SHINGLE` onsets: the drums of each onset (kick, snare, other) and the ratio of each inter-onset
    interval to the one before, in half octaves. Toms and cymbals are not distinguished, so that a chart with and
    without pro markers is one performance.
    """
    onsets: list[tuple[float, set[str]]] = []
    for time_s, chord in groupby(sorted(hits, key=lambda hit: hit.time_s), key=lambda hit: hit.time_s):
        words = {_word(hit.label) for hit in chord}
        if onsets and time_s - onsets[-1][0] < _CHORD_S:
            onsets[-1][1].update(words)
        else:
            onsets.append((time_s, words))
    chords = ["+".join(sorted(words)) for _, words in onsets]
    gaps_s = np.diff([time_s for time_s, _ in onsets])
    ratios = np.rint(2 * np.diff(np.log2(gaps_s))).astype(int).tolist()
    shingles = {
        " ".join([*chords[start : start + SHINGLE], *map(str, ratios[start : start + SHINGLE - 2])])
        for start in range(len(chords) - SHINGLE + 1)
    }
    return bottom_k((_hash(shingle) for shingle in shingles), size)


def candidate_pairs(sketches: Sequence[Sketch], *, min_shared: int) -> NDArray[np.int64]:
    """Pairs of sketches that share at least ``min_shared`` hashes: indices [pairs, 2], smaller first, in order.

    Uses an inverted index as a blockwise sparse product. Hashes of more than 1 % of the sketches (and more than 100)
    are ignored as uninformative.
    """
    owners = np.repeat(np.arange(len(sketches)), [len(sketch) for sketch in sketches])
    hashes = np.concatenate([np.empty(0, dtype=np.uint64), *sketches])
    _, columns, holders = np.unique(hashes, return_inverse=True, return_counts=True)
    telling = ((holders > 1) & (holders <= max(100, len(sketches) // 100)))[columns]
    index = sparse.csr_array(
        (np.ones(np.count_nonzero(telling), dtype=np.int32), (owners[telling], columns[telling])),
        shape=(len(sketches), len(holders)),
    )
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(sketches), _BLOCK):
        shared = (index[start : start + _BLOCK] @ index[start:].T).tocoo()
        kept = (shared.data >= min_shared) & (shared.row < shared.col)
        found.append(start + np.stack([shared.row[kept], shared.col[kept]], axis=1).astype(np.int64))
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _word(label: str) -> str:
    for word in ("kick", "snare"):
        if LABELS[label] and LABELS[label] <= BRANCHES[word].keys():
            return word
    return "other"


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
