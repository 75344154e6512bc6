"""Generated passages: the density they promise, played as a drummer could, and the same for the same seed."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.general_midi import read_performance, write_performance
from drumline.charts.hits_json import read_hits_json, write_hits_json
from drumline.core.hits import Hit
from drumline.core.taxonomy import CLASSES
from drumline.rendering.patterns import drum_lines
from drumline.rendering.performances.bars import end_s
from drumline.rendering.performances.limbs import AT_ONCE_S, LIMBS, limb, playable
from drumline.rendering.performances.passages import RESOLUTION, etude, generate
from drumline.rendering.performances.repertoire import PASSAGES
from drumline.rendering.performances.torture import CASES, torture_sets


def most_at_once(hits: tuple[Hit, ...], kind: str) -> int:
    """The most strokes of hands or feet that begin within any window of `AT_ONCE_S`: the slow, obvious way."""
    times_s = [hit.time_s for hit in hits if limb(hit.label) == kind]
    return max((sum(start <= time_s < start + AT_ONCE_S for time_s in times_s) for start in times_s), default=0)


def times_of(song: AnnotatedSong, drum: str) -> np.ndarray:
    return np.array([hit.time_s for hit in song.hits if hit.label == drum])


@pytest.mark.parametrize("kind", PASSAGES)
def test_a_passage_is_what_it_says(kind: str) -> None:
    song = generate(kind, tempo_bpm=180, num_bars=4, seed=1)
    assert song == generate(kind, tempo_bpm=180, num_bars=4, seed=1)
    assert song != generate(kind, tempo_bpm=180, num_bars=4, seed=2)
    times_s = np.array([hit.time_s for hit in song.hits])
    assert np.all(np.diff(times_s) >= 0)
    assert 4 / 3 - 0.12 < times_s[0] < times_s[-1] < end_s(song) == pytest.approx(5 * 4 / 3, abs=1e-9)
    assert all(0 < hit.velocity <= 1 for hit in song.hits if hit.velocity is not None)
    assert song.tempo is not None
    late_s = np.abs(times_s - song.tempo.seconds([hit.tick for hit in song.hits]))
    assert late_s.max() < (0.03 if PASSAGES[kind].spread_s[1] else 0.009)
    assert {most_at_once(song.hits, "hand"), most_at_once(song.hits, "foot")} <= {0, 1, 2}
    assert read_hits_json(write_hits_json(song), "song") == song


def test_bars_are_written_for_two_hands_and_two_feet() -> None:
    for bar in [bar for passage in PASSAGES.values() for bar in passage.bars]:
        lines = drum_lines(bar)
        assert lines.keys() <= set(CLASSES)
        struck = Counter[tuple[str, int]]()
        for drum, line in lines.items():
            assert 4 * RESOLUTION % len(line) == 0, "a step is a whole number of ticks"
            assert set(line) <= set(".xXofdr")
            struck.update(
                (limb(drum), step * 4 * RESOLUTION // len(line)) for step, mark in enumerate(line) if mark != "."
            )
        assert max(struck.values()) <= LIMBS, bar


@pytest.mark.parametrize("tempo_bpm", [180, 240])
@pytest.mark.parametrize(
    ("kind", "drum", "notes_in_beat"),
    [
        ("single_stroke_roll_32", "snare_head", 8),
        ("single_stroke_roll_64", "snare_head", 16),
        ("double_stroke_roll_32", "snare_head", 8),
        ("paradiddle_32", "snare_head", 8),
        ("buzz_roll_64", "snare_head", 16),
        ("double_kick_16", "kick", 4),
        ("double_kick_32", "kick", 8),
        ("blast_bomb", "kick", 4),
        ("blast_hammer", "snare_head", 2),
        ("tom_fill_32", "tom_mid", 8),
    ],
)
def test_density_is_as_claimed(kind: str, drum: str, notes_in_beat: int, tempo_bpm: float) -> None:
    gaps_s = np.diff(times_of(generate(kind, tempo_bpm=tempo_bpm, num_bars=8, seed=3), drum))
    step_s = 60 / tempo_bpm / notes_in_beat
    assert np.median(gaps_s) == pytest.approx(step_s, rel=0.05)
    assert gaps_s.min() > 0.55 * step_s, "strokes keep their order"


def test_blast_beats_alternate_or_fall_together() -> None:
    for kind, apart in (("blast_traditional", 0.5), ("blast_hammer", 0.0)):
        song = generate(kind, tempo_bpm=240, num_bars=4, seed=0)
        kicks_s, snares_s = times_of(song, "kick"), times_of(song, "snare_head")
        gaps_s = snares_s - kicks_s
        assert np.median(gaps_s) == pytest.approx(apart * 0.125, abs=0.002)


def test_grace_notes_stand_ahead_of_their_stroke() -> None:
    song = generate("drags_and_ruffs", tempo_bpm=100, num_bars=16, seed=5)
    flagged = [hit for hit in song.hits if "flam" in hit.flags]
    gaps_s = np.diff([hit.time_s for hit in flagged])
    within = gaps_s < 0.04
    assert 0.015 <= gaps_s[within].min() < gaps_s[within].max() <= 0.035
    ends = [hit.velocity for hit, followed in zip(flagged, [*within, False], strict=True) if not followed]
    graces = [hit.velocity for hit, followed in zip(flagged, [*within, False], strict=True) if followed]
    assert min(ends) > max(graces)


def test_hands_alternate_and_accents_stand_out() -> None:
    hits = generate("single_stroke_roll_32", tempo_bpm=200, num_bars=8, seed=2).hits
    roll = [hit for hit in hits if hit.label == "snare_head" and not hit.flags]
    step_ticks = RESOLUTION // 8
    right, left = ([hit.velocity for hit in roll if hit.tick // step_ticks % 2 == hand] for hand in (0, 1))
    assert np.mean(right) > np.mean(left) + 0.02
    assert min(hit.velocity for hit in hits if "accent" in hit.flags) > np.mean(right)


def test_together_means_a_few_milliseconds_apart() -> None:
    song = generate("near_simultaneous", tempo_bpm=120, num_bars=8, seed=1)
    gaps_s = [b.time_s - a.time_s for a, b in combinations(song.hits, 2) if a.tick == b.tick]
    assert min(gaps_s) >= 0.002
    assert max(gaps_s) <= 0.036, "four strokes, three gaps"


def test_torture_sets_are_named_and_judged_apart() -> None:
    sets = torture_sets(num_takes=2, num_bars=2)
    assert sets.keys() == CASES.keys() >= {
        "ghost_note_grooves", "jazz_ride", "metal_double_kick", "blast_beats", "tom_fills", "near_simultaneous",
        "soft_dynamics",
    }  # fmt: skip
    songs = [song for each in sets.values() for song in each]
    assert len({song.group for song in songs}) == len({song.metadata.title for song in songs}) == len(songs)
    assert all(song.official_split == "test" for song in songs)
    assert all(song.metadata.genre == name for name, each in sets.items() for song in each)
    soft = [hit.velocity for song in sets["soft_dynamics"] for hit in song.hits]
    assert 0.05 <= min(soft) < max(soft) <= 0.3
    ghosts = [hit for song in sets["ghost_note_grooves"] for hit in song.hits if hit.label == "snare_head"]
    assert np.mean(["ghost" in hit.flags for hit in ghosts]) > 0.5


def test_an_etude_joins_many_kinds_at_many_tempos() -> None:
    song = etude(duration_s=120, seed=4)
    assert song == etude(duration_s=120, seed=4)
    assert song.tempo is not None
    assert 120 <= end_s(song) < 160
    assert len(song.tempo.tempos) > 10
    assert {hit.label for hit in song.hits} == set(CLASSES)
    late_s = np.array([hit.time_s for hit in song.hits]) - song.tempo.seconds([hit.tick for hit in song.hits])
    assert np.abs(late_s).max() < 0.036
    assert {most_at_once(song.hits, "hand"), most_at_once(song.hits, "foot")} == {2}


def test_a_passage_can_be_looked_at_as_midi() -> None:
    song = generate("tom_fill_sextuplets", tempo_bpm=140, num_bars=2, seed=0)
    back = read_performance(write_performance(song.hits, tempo=song.tempo), "song.mid")
    assert Counter(hit.label for hit in back.hits) == Counter(hit.label for hit in song.hits)
    np.testing.assert_allclose([h.time_s for h in back.hits], [h.time_s for h in song.hits], atol=3e-4)


def test_what_no_drummer_could_strike_is_left_out() -> None:
    three = [Hit(1.0, "snare_head", 0.5), Hit(1.004, "crash", 0.9), Hit(1.008, "ride_body", 0.4), Hit(1.0, "kick", 0.1)]
    assert [hit.label for hit in playable(three)] == ["kick", "snare_head", "crash"]
    assert len(playable([*three, Hit(1.0, "other")])) == 4, "another player's cowbell"
    twice = [Hit(1.0, "snare_head", 0.2), Hit(1.003, "snare_head", 0.6), Hit(1.015, "snare_head", 0.1)]
    assert [hit.velocity for hit in playable(twice)] == [0.6, 0.1]
