"""Splits: no leak, nothing moves, the order does not matter, and every song is told where it went."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.dataset.names import normalise_name, people, work_key
from drumline.dataset.splits import SPLITS, SplitConfig, SplitSong, assign, crossing_keys, refuse_empty_validation

CONFIG = SplitConfig()


def split_songs(*, official: bool) -> st.SearchStrategy[list[SplitSong]]:
    """Libraries small enough that artists, charters and groups often meet."""
    song = st.builds(
        SplitSong,
        song_id=st.uuids().map(str),
        artist=st.sampled_from(["", "Unknown Artist", "Ann", "Bob", "Cy", "Dee", "Eve"]),
        title=st.sampled_from(["", "One", "Two", "Three (live)", "three", "Four"]),
        charter=st.sampled_from(["", "unknown", "kit", "Kit & Lou", "lou", "max", "nan, max", "oz", "pat", "quin"]),
        group=st.sampled_from(["", "", "", "g1", "g2"]),
        genre=st.sampled_from(["", "rock", "Metal"]),
        tempo_bpm=st.sampled_from([None, 80.0, 140.0]),
        official_split=st.sampled_from(["", "", "", *SPLITS]) if official else st.just(""),
    )
    return st.lists(song, max_size=25, unique_by=lambda song: song.song_id)


@given(split_songs(official=True), split_songs(official=True), st.randoms(use_true_random=False))
def test_a_growing_library_never_leaks_moves_or_forgets(
    old: list[SplitSong], new: list[SplitSong], shuffler: random.Random
) -> None:
    first = assign(old, previous={}, config=CONFIG)
    kept = [song for song in old if song.song_id in first.assignments]
    both = [*kept, *new]
    second = assign(both, previous=first.assignments, config=CONFIG)

    assert crossing_keys(old, first.assignments) == {}
    assert crossing_keys(both, second.assignments) == {}
    assert first.assignments.items() <= second.assignments.items()
    for songs, result in ((old, first), (both, second)):
        assert result.assignments.keys() | result.conflicts.keys() == {song.song_id for song in songs}
        assert not result.assignments.keys() & result.conflicts.keys()
        for song in songs:
            if song.official_split and song.song_id not in result.conflicts:
                assert result.assignments[song.song_id] == song.official_split
    shuffler.shuffle(both)
    assert assign(both, previous=first.assignments, config=CONFIG) == second


@given(split_songs(official=True), split_songs(official=True))
def test_no_conflict_is_needless(old: list[SplitSong], new: list[SplitSong]) -> None:
    """Let any one refused song in after all, with its keys' splits as they now are: it still bridges two."""
    first = assign(old, previous={}, config=CONFIG)
    both = [*(song for song in old if song.song_id in first.assignments), *new]
    second = assign(both, previous=first.assignments, config=CONFIG)
    settled = [song for song in both if song.song_id in second.assignments]
    for song in both:
        if song.song_id in second.conflicts:
            again = assign([*settled, song], previous=second.assignments, config=CONFIG)
            assert set(again.conflicts) == {song.song_id}


@given(split_songs(official=False))
def test_a_library_without_history_has_no_conflicts(songs: list[SplitSong]) -> None:
    assert not assign(songs, previous={}, config=CONFIG).conflicts


def library(num_songs: int, seed: int = 0) -> list[SplitSong]:
    draw = random.Random(seed)
    return [
        SplitSong(
            song_id=f"{draw.getrandbits(64):016x}",
            artist=f"artist {draw.randrange(num_songs)}",
            title=f"title {draw.randrange(num_songs)}",
            charter=f"charter {int(draw.paretovariate(0.9))}",  # few chart much, many chart little
            genre=draw.choice(["rock", "rock", "metal", "pop", f"genre {draw.randrange(40)}"]),
            tempo_bpm=draw.uniform(60, 220),
            tom_share=draw.choice([0.0, 0.02, 0.1, 0.3]),
            ride_share=draw.choice([0.0, 0.0, 0.1, 0.3]),
        )
        for _ in range(num_songs)
    ]


def test_the_shares_are_met_in_all_and_in_every_stratum() -> None:
    songs = [SplitSong(**{**vars(song), "charter": ""}) for song in library(3000)]
    splits = assign(songs, previous={}, config=CONFIG).assignments
    for stratum in (
        songs,
        [song for song in songs if song.genre == "metal"],
        [song for song in songs if song.tom_share > 0.2],
        [song for song in songs if song.ride_share == 0.1],
        [song for song in songs if song.tempo_bpm and song.tempo_bpm > 180],
    ):
        counts = Counter(splits[song.song_id] for song in stratum)
        for split, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
            assert counts[split] / len(stratum) == pytest.approx(share, abs=0.01)


def test_heavy_charters_do_not_unbalance_the_shares() -> None:
    songs = library(3000)
    counts = Counter(assign(songs, previous={}, config=CONFIG).assignments.values())
    assert counts["validation"] == pytest.approx(300, abs=15)
    assert counts["test"] == pytest.approx(300, abs=15)


def test_a_corpus_with_a_large_test_set_leaves_the_charts_theirs() -> None:
    corpus = [SplitSong(f"corpus {n}", charter="drummer 1", official_split=SPLITS[n % 3]) for n in range(300)]
    charts = [SplitSong(f"chart {n}") for n in range(100)]
    result = assign([*corpus, *charts], previous={}, config=CONFIG)
    assert not result.conflicts
    assert Counter(result.assignments[song.song_id] for song in charts) == {"train": 80, "validation": 10, "test": 10}


def test_minimums_raise_the_share_and_are_met() -> None:
    config = SplitConfig(min_validation_songs=280, min_test_songs=230)
    counts = Counter(assign(library(1000), previous={}, config=config).assignments.values())
    assert counts["validation"] >= 280
    assert counts["test"] >= 230
    assert counts["train"] > 400


def test_minimums_that_cannot_be_met_are_told() -> None:
    with pytest.raises(ConfigError, match="50 songs without an official split cannot give min_validation_songs=30"):
        assign(library(50), previous={}, config=SplitConfig(min_validation_songs=30, min_test_songs=30))
    one_charter = [SplitSong(f"{n}", charter="kit") for n in range(100)]
    with pytest.raises(ConfigError, match=r"min_test_songs is 5.*the largest of 100 songs"):
        assign(one_charter, previous={}, config=SplitConfig(min_test_songs=5))
    with pytest.raises(ConfigError, match=r"add up to 1\.1, not 1"):
        parse_config(SplitConfig, {"test": 0.2}, location="splits")


def test_only_the_bridge_is_refused() -> None:
    old = {"a": "train", "b": "test"}
    songs = [
        SplitSong("a", charter="kit"),
        SplitSong("b", charter="lou"),
        SplitSong("c", charter="kit, max"),
        SplitSong("d", charter="max, nan"),
        SplitSong("e", charter="nan, lou"),
        SplitSong("f", charter="lou"),
    ]
    result = assign(songs, previous=old, config=CONFIG)
    assert result.assignments == {"a": "train", "b": "test", "c": "train", "d": "train", "f": "test"}
    assert result.conflicts["e"].detail == "charter 'lou' is in test, charter 'kit' is in train"


def test_an_official_song_does_not_follow_an_earlier_chart_into_another_split() -> None:
    songs = [
        SplitSong("chart", artist="Ann", title="One"),
        SplitSong("corpus 1", artist="ann", title="One (Remastered)", official_split="test"),
        SplitSong("corpus 2", artist="ann", title="Two", official_split="test"),
    ]
    result = assign(songs, previous={"chart": "train"}, config=CONFIG)
    assert result.assignments == {"chart": "train", "corpus 2": "test"}
    assert result.conflicts["corpus 1"].reason == "split_conflict"


def test_ten_thousand_songs_take_seconds() -> None:
    assert len(assign(library(10_000), previous={}, config=CONFIG).assignments) == 10_000


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The Beatles", "beatles"),
        ("Mötley Crüe", "motley crue"),
        ("Don't Stop (2x Bass Pedal) [RB3]", "dont stop"),
        ("Song feat. Somebody", "song"),
        ("(sic)", "sic"),
        ("The", "the"),
        ("東京事変", "東京事変"),
        ("Unknown Artist", ""),
        ("-", ""),
    ],
)
def test_names(text: str, name: str) -> None:
    assert normalise_name(text) == name


def test_unknown_words_make_no_key() -> None:
    assert work_key("Ann", "") == work_key("unknown", "One") == ""
    assert work_key("ANN", "One") == work_key("Ann", "one!")
    assert people("Ann, Bob & The Cy / unknown") == ("ann", "bob", "cy")


def divided(songs: list[SplitSong], **config: object) -> Counter[str]:
    """Songs by split. Raises ConfigError as a build does."""
    settings = parse_config(SplitConfig, dict(config), "test")
    result = assign(songs, previous={}, config=settings)
    refuse_empty_validation(songs, result, previous={}, config=settings)
    assert not result.conflicts
    return Counter(result.assignments.values())


@pytest.mark.parametrize("num_songs", [2, 3, 12, 40])
def test_the_library_of_one_charter_is_refused_or_divided_by_a_switch(num_songs: int) -> None:
    songs = [SplitSong(f"{n:02}", artist=f"band {n}", title="x", charter="Ann") for n in range(num_songs)]
    with pytest.raises(ConfigError, match=r"validation would have no song.*charter 'ann'.*splits\.share_charters=true"):
        divided(songs)
    assert divided(songs, train=0.9, validation=0.0) == {"train": num_songs}
    counts = divided(songs, share_charters=True)
    assert counts["train"] >= max(1, num_songs // 2)
    assert 1 <= counts["validation"] <= max(1, num_songs // 5)


def test_a_small_charter_goes_to_validation_and_a_half_of_the_library_does_not() -> None:
    ann = [SplitSong(f"a{n:02}", charter="Ann") for n in range(10)]
    bob = [SplitSong(f"b{n:02}", charter="Bob") for n in range(10)]
    assert divided([*ann, *bob[:4]]) == {"train": 10, "validation": 4}
    with pytest.raises(ConfigError, match="20 songs are 2 groups"):
        divided([*ann, *bob])
    assert divided([*ann, *bob], min_validation_songs=1) == {"train": 10, "validation": 10}
    assert divided([SplitSong("a"), SplitSong("b")]) == {"train": 2}, "so few that none is due"
    earlier = {song.song_id: "train" for song in [*ann, *bob]}
    result = assign([*ann, *bob], previous=earlier, config=CONFIG)
    refuse_empty_validation([*ann, *bob], result, previous=earlier, config=CONFIG)
