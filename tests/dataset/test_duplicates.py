"""Duplicates: copies go, performances on other kits stay, and neither order nor crowds change who survives."""

import io
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from drumline.audio import fingerprint
from drumline.core.errors import Rejected
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.dataset.duplicates import (
    ANONYMOUS,
    CHARTED,
    TRANSCRIBED,
    DuplicateConfig,
    Recording,
    SongFacts,
    find_duplicates,
)
from drumline.dataset.sketches import bottom_k, candidate_pairs, note_sketch, similarity

CONFIG = DuplicateConfig()
NOTHING = np.empty(0, dtype=np.uint64)


def bit_error_rate(a: str, b: str) -> tuple[float, float]:
    """Fingerprints in these tests are words: the recording's name, which is the same or is not."""
    return (0.03 if a == b else 0.48), 0.0


def sound(recording: str, encoding: int) -> np.ndarray:
    """A sketch of a recording: three quarters of it survive each encoding."""
    ours = np.random.default_rng(list(recording.encode())).integers(0, 2**64, 96, dtype=np.uint64)
    other = np.random.default_rng([encoding, *recording.encode()]).integers(0, 2**64, 32, dtype=np.uint64)
    return bottom_k(np.concatenate([ours, other]))


def song(
    song_id: str,
    *,
    recording: str = "",
    encoding: int = 0,
    chart: str = "",
    notes: str = "",
    work: str = "",
    group: str = "",
    domain: str = "stem",
    fineness: float = 0.5,
    residual_ms: float = 5.0,
    num_hits: int = 100,
    source_rank: int = CHARTED,
) -> SongFacts:
    """A song whose unnamed parts are its own."""
    recording = recording or f"recording of {song_id}"
    heard = Recording(domain, f"{recording} {encoding}", sound(recording, encoding))
    performance = (notes or f"notes of {song_id}").encode()
    chart = chart or f"chart of {song_id}"
    return SongFacts(
        song_id, (heard,), chart, performance, NOTHING, source_rank, work, group, fineness, residual_ms, num_hits
    )


def rejected(*songs: SongFacts) -> dict[str, Rejected]:
    recordings = {
        (song.song_id, heard.domain): heard.audio_sha256.rsplit(" ", 1)[0]
        for song in songs
        for heard in song.recordings
    }
    return find_duplicates(
        songs,
        load_fingerprint=lambda song_id, domain: recordings[song_id, domain],
        bit_error_rate=bit_error_rate,
        config=CONFIG,
    )


@pytest.mark.parametrize(
    ("case", "a", "b", "reason"),
    [
        ("one folder twice", {"recording": "r", "chart": "c"}, {"recording": "r", "chart": "c"}, "exact"),
        ("two charters, the same file", {"recording": "r"}, {"recording": "r"}, "exact"),
        ("two charters, two encodings", {"recording": "r"}, {"recording": "r", "encoding": 1}, "near"),
        ("re-packed", {"recording": "r", "chart": "c"}, {"recording": "r", "chart": "c", "encoding": 1}, "exact"),
        (".chart and .mid", {"recording": "r", "notes": "n"}, {"recording": "r", "notes": "n", "encoding": 1}, "near"),
        ("stem and mix", {"chart": "c", "work": "w"}, {"chart": "c", "work": "w", "domain": "mix"}, "exact"),
        ("two formats too", {"notes": "n", "work": "w"}, {"notes": "n", "work": "w", "domain": "mix"}, "near"),
        ("two kits", {"chart": "c", "notes": "n"}, {"chart": "c", "notes": "n"}, None),
        ("two kits, named", {"chart": "c", "work": "w", "group": "g"}, {"chart": "c", "work": "w", "group": "g"}, None),
        ("two kits alike", {"recording": "r", "group": "g"}, {"recording": "r", "encoding": 1, "group": "g"}, None),
        ("a group's own copy", {"recording": "r", "group": "g"}, {"recording": "r", "group": "g"}, "exact"),
        ("a cover version", {"work": "w"}, {"work": "w"}, None),
        ("strangers", {}, {}, None),
    ],
)
def test_cases(case: str, a: dict[str, Any], b: dict[str, Any], reason: str | None) -> None:
    found = rejected(song("a", **a), song("b", **b))
    if reason is None:
        assert found == {}
    else:
        assert {loser: (r.reason, r.survivor) for loser, r in found.items()} == {"b": (f"duplicate_{reason}", "a")}


def test_the_best_copy_survives_by_the_stated_rule() -> None:
    copies = [
        song("a", recording="r", encoding=1, residual_ms=4.0, num_hits=90),
        song("b", recording="r", encoding=2, residual_ms=4.0),
        song("c", recording="r", encoding=3, residual_ms=3.0),
        song("d", recording="r", encoding=4, domain="mix", residual_ms=1.0),
        song("e", recording="r", encoding=5, domain="mix", residual_ms=float("nan")),
        song("f", recording="r", encoding=6, domain="mix", fineness=1.0),
        song("g", recording="r", encoding=7, source_rank=ANONYMOUS, fineness=1.0, residual_ms=0.0),
        song("h", recording="r", encoding=8, source_rank=TRANSCRIBED, fineness=1.0, residual_ms=0.0),
    ]
    best_first = ["f", "c", "b", "a", "d", "e", "g", "h"]
    for index, survivor in enumerate(best_first[:-1]):
        left = [copy for copy in copies if copy.song_id in best_first[index:]]
        assert {r.survivor for r in rejected(*left).values()} == {survivor}


@given(
    st.lists(
        st.builds(
            lambda **facts: facts,
            recording=st.sampled_from(["", "r1", "r2", "r3"]),
            encoding=st.integers(0, 2),
            chart=st.sampled_from(["", "c1", "c2"]),
            notes=st.sampled_from(["", "n1", "n2"]),
            work=st.sampled_from(["", "w1", "w2"]),
            group=st.sampled_from(["", "", "g1"]),
            domain=st.sampled_from(["stem", "mix"]),
            fineness=st.sampled_from([0.2, 1.0]),
            source_rank=st.sampled_from([CHARTED, TRANSCRIBED]),
        ),
        max_size=10,
    ),
    st.randoms(use_true_random=False),
)
def test_survivors_are_no_copies_and_losers_are_copies_of_their_survivor(
    facts: list[dict[str, Any]], shuffler: random.Random
) -> None:
    songs = {f"{index}": song(f"{index}", **each) for index, each in enumerate(facts)}
    found = rejected(*songs.values())
    assert rejected(*[each for song_id, each in songs.items() if song_id not in found]) == {}
    for loser, why in found.items():
        assert why.survivor not in found
        assert list(rejected(songs[loser], songs[why.survivor])) == [loser]
    shuffled = list(songs.values())
    shuffler.shuffle(shuffled)
    assert rejected(*shuffled) == found


def test_a_crowd_of_copies_leaves_one() -> None:
    crowd = [song(f"{index:03}", recording="r", encoding=index) for index in range(90)]
    found = rejected(*crowd, song("stranger"))
    assert len(found) == 89
    assert {why.survivor for why in found.values()} == {"000"}


def test_only_equal_bytes_count_where_near_copies_are_allowed() -> None:
    a, b = song("a", recording="r", work="w", notes="n"), song("b", recording="r", encoding=1, work="w", notes="n")
    same: dict[str, Any] = {"load_fingerprint": lambda *_: "r", "bit_error_rate": bit_error_rate}
    assert find_duplicates([a, b], **same, config=DuplicateConfig(near=False)) == {}
    assert find_duplicates([a, b], **same, config=CONFIG).keys() == {"b"}


def drums(seed: int, seconds: int = 30) -> np.ndarray:
    """Bursts of decaying noise and tone at random times, mono float32 at 22,050 Hz."""
    draw = np.random.default_rng(seed)
    audio = np.zeros(seconds * RATE_HZ)
    decay = np.exp(-np.arange(4000) / 800)
    for at in draw.integers(0, len(audio) - 4000, 4 * seconds):
        tone = np.sin(2 * np.pi * draw.uniform(60, 4000) / RATE_HZ * np.arange(4000))
        audio[at : at + 4000] += (tone + draw.normal(0, draw.uniform(0, 1), 4000)) * decay * draw.uniform(0.2, 1)
    return (audio / np.abs(audio).max()).astype(np.float32)


def encoded_again(samples: np.ndarray) -> np.ndarray:
    """As an Ogg Vorbis file, quieter and after a little silence."""
    file = io.BytesIO()
    soundfile.write(file, np.pad(0.6 * samples, (3000, 0)), RATE_HZ, format="OGG", subtype="VORBIS")
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="float32")[0])


def test_real_fingerprints_tell_an_encoding_from_another_recording() -> None:
    recordings = {"original": drums(1), "copy": encoded_again(drums(1)), "other": drums(2)}
    words = {name: fingerprint.fingerprint(samples) for name, samples in recordings.items()}
    songs = [
        replace(song(name, residual_ms=residual_ms), recordings=(Recording("stem", name, fingerprint.sketch(heard)),))
        for residual_ms, (name, heard) in enumerate(words.items())
    ]
    found = find_duplicates(
        songs,
        load_fingerprint=lambda song_id, domain: words[song_id],
        bit_error_rate=fingerprint.bit_error_rate,
        config=CONFIG,
    )
    assert {loser: (why.reason, why.survivor) for loser, why in found.items()} == {
        "copy": ("duplicate_near", "original")
    }


def test_twenty_thousand_sketches_find_exactly_the_planted_copies() -> None:
    draw = np.random.default_rng(0)
    everywhere = draw.integers(0, 2**64, 6, dtype=np.uint64)  # silence, say: in every recording
    sketches = [np.append(draw.integers(0, 2**64, 122, dtype=np.uint64), everywhere) for _ in range(20_000)]
    planted = [(7, 19_000), (8, 9), (11, 12_345)]
    for original, copy in planted:
        sketches[copy] = np.append(sketches[original][:30], sketches[copy][30:])
    pairs = candidate_pairs([np.sort(sketch) for sketch in sketches], min_shared=8)
    assert sorted(map(tuple, pairs.tolist())) == sorted(planted)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 500))
def test_similarity_estimates_jaccard(only_a: int, only_b: int, shared: int) -> None:
    members = np.random.default_rng([only_a, only_b, shared]).integers(0, 2**64, only_a + only_b + shared, np.uint64)
    a, b = bottom_k(members[: only_a + shared]), bottom_k(members[only_a:])
    assert similarity(a, b) == pytest.approx(shared / len(members), abs=5 * 0.5 / np.sqrt(128))
    assert similarity(a, b) == similarity(b, a)
    assert similarity(a, a) == 1.0


def performance(seed: int, num_hits: int = 400) -> list[Hit]:
    draw = random.Random(seed)
    labels = ["kick", "snare", "hihat", "tom_floor", "crash"]
    ticks = np.cumsum([draw.choice([1, 1, 2, 3, 4]) for _ in range(num_hits)])
    return [Hit(time_s=0.125 * tick, label=draw.choice(labels)) for tick in ticks.tolist()]


def test_notes_are_known_again_at_another_tempo_start_and_label_detail_but_not_from_other_notes() -> None:
    hits = performance(1)
    sketch = note_sketch(hits)
    moved = [replace(hit, time_s=round(2.5 + 1.1 * hit.time_s, 3)) for hit in hits]
    coarser = [
        replace(hit, label={"tom_floor": "tom_or_cymbal", "snare": "snare_head"}.get(hit.label, hit.label))
        for hit in hits
    ]
    edited = [hit for index, hit in enumerate(hits) if index not in (100, 200, 300)]
    assert similarity(sketch, note_sketch(moved)) == 1.0
    assert similarity(sketch, note_sketch(coarser)) == 1.0
    assert 0.8 < similarity(sketch, note_sketch(edited)) < 1.0
    assert similarity(sketch, note_sketch(performance(2))) < 0.05
    assert len(note_sketch([])) == 0
