"""Duplicate removal: find songs that are copies of each other, and keep the best copy.

Two songs are duplicates if, in this order,

1. they share a recording byte for byte (``duplicate_exact``), whatever the charts;
2. they share a recording by audio fingerprint, whatever the charts: two people charted it, or it was re-encoded.
   ``duplicate_exact`` if the charts are equal byte for byte, else ``duplicate_near``;
3. they have the same artist and title and the same notes: equal chart bytes (``duplicate_exact``), or the same
   performance in another format, with other lanes or with a few edits (``duplicate_near``).

Equal notes alone are no duplicate: a performance played on 43 kits is 43 recordings (E-GMD, rendered corpora). Such
songs share a ``group``, and within a group only rule 1 applies, because kits may sound alike.

Songs are compared from the best to the worst (`SongFacts.rank`); each is kept unless it duplicates a kept one. So no
two kept songs are duplicates, every removed song was compared with its survivor, and the order of songs does not
matter.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final, TypeVar

import numpy as np
from pydantic import Field

from drumline.audio.fingerprint import MAX_BIT_ERROR_RATE, MIN_SHARED
from drumline.core.config import Config
from drumline.core.errors import Rejected
from drumline.dataset.sketches import Sketch, candidate_pairs, similarity

DOMAINS_BY_PURITY: Final = ("stem", "stems", "separated", "mix", "rendered")

ANNOTATED: Final = 0
"""Evidence rank of annotations made for this very recording: a corpus, a manifest, a rendered song."""
CHARTED: Final = 1
"""Evidence rank of a game chart with a named charter."""
ANONYMOUS: Final = 2
"""Evidence rank of a game chart without a charter or an exported chart; unmarked transcriptions of old versions are
among
these."""
TRANSCRIBED: Final = 3
"""Evidence rank of a transcription by drumline; it never replaces a chart made by a person."""

F = TypeVar("F")


class DuplicateConfig(Config):
    """Thresholds of duplicate detection."""

    near: bool = True
    """Compare audio fingerprints and note sketches too, not only bytes."""
    max_bit_error_rate: float = Field(default=MAX_BIT_ERROR_RATE, ge=0, lt=0.5)
    """Largest bit error rate of two audio fingerprints of one recording; 0.5 is chance."""
    min_shared_hashes: int = Field(default=MIN_SHARED, ge=1)
    """Least number of hashes that two audio sketches must share before their fingerprints are compared."""
    min_note_similarity: float = Field(default=0.8, gt=0, le=1)
    """Least similarity of the note sketches of two charts with the same artist and title, 0 to 1."""


@dataclass(frozen=True)
class Recording:
    """One recording (domain) of a song."""

    domain: str
    """Domain, one of `DOMAINS_BY_PURITY`."""
    audio_sha256: str
    """SHA-256 of the audio files."""
    sketch: Sketch
    """Sketch of the audio fingerprint; empty if there is none."""


@dataclass(frozen=True)
class SongFacts:
    """Properties of a song that duplicate detection compares."""

    song_id: str
    recordings: tuple[Recording, ...]
    chart_sha256: str
    note_signature: bytes
    """Hash of the performance, equal for equal performances; empty if unknown."""
    note_sketch: Sketch
    source_rank: int
    """Evidence rank: `ANNOTATED`, `CHARTED`, `ANONYMOUS` or `TRANSCRIBED`."""
    work: str
    """Key of artist and title (`work_key`); empty if unknown."""
    group: str
    """Group of songs that are alike on purpose."""
    label_fineness: float
    """Share of hits with an unambiguous class, 0 to 1."""
    residual_ms: float
    """Alignment residual [ms]; NaN if unknown."""
    num_hits: int

    @property
    def rank(self) -> tuple[int, int, int, float, int, str]:
        """Sort key, smallest first kept: evidence rank, then finer labels (tenths), purer recording, lower residual
        (whole
        milliseconds), more hits, smaller song id."""
        purity = min(DOMAINS_BY_PURITY.index(recording.domain) for recording in self.recordings)
        residual_ms = float(np.inf if np.isnan(self.residual_ms) else round(self.residual_ms))
        return self.source_rank, -round(10 * self.label_fineness), purity, residual_ms, -self.num_hits, self.song_id


def find_duplicates(
    songs: Sequence[SongFacts],
    *,
    load_fingerprint: Callable[[str, str], F],
    bit_error_rate: Callable[[F, F], tuple[float, float]],
    config: DuplicateConfig,
) -> dict[str, Rejected]:
    """Find the songs to remove, each with its reason and its survivor's song id.

    ``load_fingerprint(song_id, domain)`` loads a whole audio fingerprint and is called for likely duplicates only;
    ``bit_error_rate(a, b)`` compares two at their best lag and returns (rate, lag).
    """
    load = lru_cache(maxsize=64)(load_fingerprint)

    def audio_distance(a: SongFacts, b: SongFacts) -> float:
        pairs = [(x, y) for x, y in product(a.recordings, b.recordings) if len(x.sketch) and len(y.sketch)]
        rates = (bit_error_rate(load(a.song_id, x.domain), load(b.song_id, y.domain))[0] for x, y in pairs)
        return min(rates, default=1.0)

    ordered = sorted(songs, key=lambda song: song.rank)
    sounds_like = _better_neighbours(ordered, config)
    stayed: dict[str, list[SongFacts]] = defaultdict(list)  # by each of `_keys`
    standing_for: dict[str, SongFacts] = {}  # every song seen so far: itself, or its survivor
    rejected: dict[str, Rejected] = {}
    for song in ordered:
        similar = {standing_for[other].song_id: standing_for[other] for other in sounds_like[song.song_id]}
        known = {rival.song_id: rival for key in _keys(song) for rival in stayed[key]}
        verdicts = []
        for rival in sorted((similar | known).values(), key=lambda rival: rival.rank):
            distance = audio_distance(song, rival) if rival.song_id in similar and not _deliberate(song, rival) else 1.0
            if verdict := _compare(song, rival, distance, config):
                verdicts.append(Rejected(*verdict, survivor=rival.song_id))
        standing_for[song.song_id] = song
        if verdicts:
            found = min(verdicts, key=lambda verdict: verdict.reason != "duplicate_exact")
            rejected[song.song_id] = found
            standing_for[song.song_id] = standing_for[found.survivor]
            continue
        for key in _keys(song):
            stayed[key].append(song)
    return rejected


def _compare(song: SongFacts, rival: SongFacts, distance: float, config: DuplicateConfig) -> tuple[str, str] | None:
    """Reason and detail if the song duplicates its rival; ``distance`` is the bit error rate of their audio."""
    same_work = bool(song.work) and song.work == rival.work
    same_chart = song.chart_sha256 == rival.chart_sha256
    if _audio_hashes(song) & _audio_hashes(rival):
        return "duplicate_exact", "the same audio bytes" + (" and chart bytes" if same_chart else "")
    if _deliberate(song, rival):
        return None
    if distance <= config.max_bit_error_rate:
        rate = f"the same recording: bit error rate {distance:.3f}, limit {config.max_bit_error_rate:g}"
        return ("duplicate_exact", f"the same chart bytes, {rate}") if same_chart else ("duplicate_near", rate)
    if same_work and same_chart:
        return "duplicate_exact", f"the same chart bytes for {song.work!r}"
    if same_work and config.near:
        if song.note_signature and song.note_signature == rival.note_signature:
            return "duplicate_near", f"the same notes for {song.work!r}"
        alike = similarity(song.note_sketch, rival.note_sketch)
        if alike >= config.min_note_similarity:
            limit = f"limit {config.min_note_similarity:g}"
            return "duplicate_near", f"nearly the same notes for {song.work!r}: similarity {alike:.2f}, {limit}"
    return None


def _deliberate(song: SongFacts, rival: SongFacts) -> bool:
    return bool(song.group) and song.group == rival.group


def _audio_hashes(song: SongFacts) -> frozenset[str]:
    return frozenset(recording.audio_sha256 for recording in song.recordings)


def _keys(song: SongFacts) -> list[str]:
    """Lookup keys for duplicates of a song, besides its audio sketch."""
    return [*(f"audio {digest}" for digest in _audio_hashes(song)), *([f"work {song.work}"] if song.work else [])]


def _better_neighbours(ordered: Sequence[SongFacts], config: DuplicateConfig) -> Mapping[str, list[str]]:
    """Better songs with a similar audio sketch, by song."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    if config.near:
        entries = [(song.song_id, recording.sketch) for song in ordered for recording in song.recordings]
        pairs = candidate_pairs([sketch for _, sketch in entries], min_shared=config.min_shared_hashes)
        for better, worse in pairs.tolist():
            if entries[better][0] != entries[worse][0]:
                neighbours[entries[worse][0]].append(entries[better][0])
    return neighbours
