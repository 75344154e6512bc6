"""Varied performances: every change keeps the labels on the strokes, and is told."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.hits_json import read_hits_json, write_hits_json
from drumline.core.hits import Hit, sorted_hits
from drumline.core.tempo import TempoMap
from drumline.rendering.patterns import STYLES, perform
from drumline.rendering.performances.bars import bar_lines, bar_numbers, end_s, excerpt, join, lines_of
from drumline.rendering.performances.limbs import AT_ONCE_S, LIMBS, limb
from drumline.rendering.performances.medleys import medleys, read_medley
from drumline.rendering.performances.sources import PerformanceRoot, find_performances
from drumline.rendering.performances.timing import retimed, reweighted, stretched
from drumline.rendering.performances.vary import VaryConfig, vary
from drumline.rendering.performances.voicing import VOICINGS

STILL = VaryConfig(
    stretch=(1.0, 1.0), drift=(0.0, 0.0), lead_in_bars=0, jitter_s=(0.0, 0.0), lag_s=0.0, gain=(1.0, 1.0),
    power=(1.0, 1.0), velocity_jitter=0.0, soft=0.0, revoiced=0.0, left_out=0.0, rests=0.0,
)  # fmt: skip


def song_of(style: str = "rock", num_bars: int = 8, seed: int = 0, tempo_bpm: float = 120.0) -> AnnotatedSong:
    groove = perform(
        style,
        num_bars=num_bars,
        tempos=((0, tempo_bpm), (3, tempo_bpm * 1.1)),
        seed=seed,
        lead_in_bars=0,
        jitter_s=0.005,
    )
    hits = [replace(hit, time_s=max(hit.time_s, 0.0)) for hit in groove.hits]
    return AnnotatedSong(format="demo", hits=sorted_hits(hits), tempo=groove.tempo, group=f"{style} {seed}")


songs = st.builds(
    song_of,
    st.sampled_from(sorted(STYLES)),
    st.integers(1, 12),
    st.integers(0, 50),
    st.sampled_from([70.0, 120.0, 210.0]),
)


def times_of(song: AnnotatedSong) -> np.ndarray:
    return np.array([hit.time_s for hit in song.hits])


@settings(max_examples=30, deadline=None)
@given(songs, st.integers(0, 1000))
def test_a_varied_song_is_a_song(song: AnnotatedSong, seed: int) -> None:
    config = VaryConfig(duration_s=(5.0, 20.0))
    varied = vary(song, config, seed=seed)
    assert varied == vary(song, config, seed=seed)
    out = varied.song
    times_s = times_of(out)
    assert np.all(np.diff(times_s) >= 0)
    assert 0 <= times_s.min() <= times_s.max() <= end_s(out) + 0.05
    assert all(hit.velocity is not None and 0.02 <= hit.velocity <= 1 for hit in out.hits)
    assert out.tempo is not None
    # The source's own deviation, stretched; the jitter, at most 10 ms; the lag, at most 6 ms.
    assert np.abs(times_s - out.tempo.seconds([hit.tick for hit in out.hits])).max() < 0.005 * 1.5 + 0.016
    for kind in ("hand", "foot"):
        struck_s = np.array([hit.time_s for hit in out.hits if limb(hit.label) == kind])
        assert np.all(np.searchsorted(struck_s, struck_s + AT_ONCE_S) - np.arange(len(struck_s)) <= LIMBS)
    assert (out.group, out.official_split) == (song.group, song.official_split)
    assert {"excerpt", "tempo", "timing", "velocities"} <= {change.name for change in varied.changes}
    assert read_hits_json(write_hits_json(out), "song") == out


@given(songs, st.floats(0.5, 2.0))
def test_a_stretch_scales_every_interval(song: AnnotatedSong, factor: float) -> None:
    slow = stretched(song, [factor])
    np.testing.assert_allclose(times_of(slow), times_of(song) * factor, atol=1e-9)
    assert [(hit.label, hit.tick, hit.velocity) for hit in slow.hits] == [
        (h.label, h.tick, h.velocity) for h in song.hits
    ]
    assert song.tempo is not None
    assert slow.tempo is not None
    np.testing.assert_allclose([bpm * factor for _, bpm in slow.tempo.tempos], [bpm for _, bpm in song.tempo.tempos])


def test_drift_moves_hits_and_tempo_map_alike() -> None:
    song = song_of(num_bars=4)
    assert song.tempo is not None
    drifted = stretched(song, [1.0, 1.2, 0.9, 1.1])
    assert drifted.tempo is not None
    before = song.tempo.ticks(times_of(song))
    np.testing.assert_allclose(drifted.tempo.ticks(times_of(drifted)), before, atol=1e-6)
    lengths_s = np.diff(drifted.tempo.seconds(lines_of(song))) / np.diff(song.tempo.seconds(lines_of(song)))
    np.testing.assert_allclose(lengths_s, [1.0, 1.2, 0.9, 1.1])
    with pytest.raises(ValueError, match="must be positive"):
        stretched(song, [1.0, 0.0])


@given(songs, st.data())
def test_cut_apart_and_joined_again_it_is_the_same(song: AnnotatedSong, data: st.DataObject) -> None:
    num_bars = len(lines_of(song)) - 1
    cut = data.draw(st.integers(1, num_bars))
    parts = [excerpt(song, 0, cut), excerpt(song, cut, num_bars - cut)]
    if not all(part.hits for part in parts):
        return
    whole = join(parts)
    assert whole.tempo is not None
    np.testing.assert_allclose(
        times_of(whole), times_of(song), atol=0.006
    )  # a first note played early moves to its line
    assert Counter(hit.label for hit in whole.hits) == Counter(hit.label for hit in song.hits)
    assert end_s(whole) == pytest.approx(end_s(song))


def test_a_join_keeps_tempos_metres_and_says_where_it_comes_from() -> None:
    slow, waltz = song_of("rock", 4, tempo_bpm=80.0), song_of("waltz", 4, tempo_bpm=200.0)
    other = replace(waltz, tempo=TempoMap(96, ((0, 200.0), (3 * 3 * 96, 220.0)), ((0, 3, 4),)))
    other = replace(other, hits=tuple(replace(hit, tick=(hit.tick or 0) // 5) for hit in other.hits))
    joined = join([slow, other])
    assert joined.tempo is not None
    np.testing.assert_allclose(joined.tempo.tempos, [(0, 80), (5760, 88), (7680, 200), (7680 + 4320, 220)])
    assert joined.tempo.time_signatures == ((0, 4, 4), (7680, 3, 4))
    seam_s = end_s(slow)
    later = [hit.time_s - seam_s for hit in joined.hits[len(slow.hits) :]]
    np.testing.assert_allclose(later, times_of(waltz), atol=1e-9)
    assert joined.group == join([other, slow]).group != slow.group
    assert lines_of(joined)[:6] == [0, 1920, 3840, 5760, 7680, 9120]


def test_a_fill_ends_on_the_next_songs_first_beat() -> None:
    fill = AnnotatedSong("demo", (Hit(1.0, "snare_head", 0.8), Hit(2.0, "crash", 0.9)), tempo=TempoMap(480))
    beat = AnnotatedSong("demo", (Hit(0.0, "kick", 0.8), Hit(1.0, "snare_head", 0.8)), tempo=TempoMap(480))
    assert [hit.time_s for hit in join([fill, beat]).hits] == [1.0, 2.0, 2.0, 3.0]


def test_bars_follow_the_metre() -> None:
    tempo = TempoMap(480, ((0, 120.0),), ((0, 4, 4), (3840, 6, 8), (5280, 5, 8)))
    assert bar_lines(tempo, 6481) == [0, 1920, 3840, 5280, 6480, 7680]
    early = AnnotatedSong("demo", (Hit(0.0, "kick", 1.0), Hit(1.98, "crash", 1.0)), tempo=TempoMap(480))
    assert bar_numbers(early).tolist() == [0, 1]


def test_length_is_as_drawn_within_a_bar() -> None:
    for song, duration_s in ((song_of(num_bars=2), 21.0), (song_of(num_bars=40), 10.0)):
        varied = vary(song, STILL.model_copy(update={"duration_s": (duration_s, duration_s)}), seed=1)
        assert duration_s - 2.5 <= end_s(varied.song) <= duration_s + 1e-6


def test_without_changes_nothing_changes() -> None:
    song = song_of("funk", 4)
    exactly = STILL.model_copy(update={"duration_s": (end_s(song), end_s(song))})
    np.testing.assert_allclose(times_of(vary(song, exactly, seed=3).song), times_of(song), atol=1e-9)
    assert [h.label for h in vary(song, exactly, seed=3).song.hits] == [h.label for h in song.hits]
    with pytest.raises(ValueError, match="no hits"):
        vary(replace(song, hits=()), exactly, seed=0)


def test_a_rest_is_silent_and_told() -> None:
    song = song_of("funk", 16)
    whole_s = end_s(song)
    config = STILL.model_copy(update={"duration_s": (whole_s, whole_s), "rests": 1.0})
    varied = vary(song, config, seed=2)
    (rest,) = [change for change in varied.changes if change.name == "rest"]
    bars = set(bar_numbers(varied.song).tolist())
    assert bars == set(range(16)) - set(range(rest.first_bar, rest.first_bar + rest.num_bars))


def test_no_roll_loses_its_order() -> None:
    roll = [Hit(1 + 0.016 * i, "snare_head", 0.5) for i in range(200)]
    hits, furthest_s = retimed(roll, jitter_s=0.01, lags_s={"snare_head": 0.002}, random=np.random.default_rng(0))
    gaps_s = np.diff([hit.time_s for hit in hits])
    assert gaps_s.min() > 0.007
    assert 0.004 < furthest_s <= 0.006 + 1e-9


def test_soft_is_soft_and_keeps_its_accents() -> None:
    hits = song_of("funk").hits
    soft = reweighted(hits, gain=1.0, power=1.0, jitter=0.0, limits=(0.05, 0.35), random=np.random.default_rng(0))
    before, after = (np.array([hit.velocity for hit in each], dtype=float) for each in (hits, soft))
    np.testing.assert_allclose(after, 0.05 + 0.3 * before)


@settings(max_examples=30, deadline=None)
@given(songs, st.sampled_from(sorted(VOICINGS)), st.integers(0, 20))
def test_a_voicing_keeps_times_and_velocities(song: AnnotatedSong, name: str, seed: int) -> None:
    voiced = VOICINGS[name](song.hits, np.random.default_rng(seed))
    strokes = Counter((hit.time_s, hit.velocity, hit.tick) for hit in song.hits)
    assert Counter((hit.time_s, hit.velocity, hit.tick) for hit in voiced) <= strokes
    if name not in ("crash", "side_stick"):
        assert len(voiced) == len(song.hits)
    for hit in voiced:
        assert hit in song.hits or hit.source_name


def test_each_voicing_raises_its_class() -> None:
    song = song_of("funk", 16)
    raised = {
        "ride": "ride_body", "hihat": "hihat_open", "bell": "ride_bell", "crash": "crash", "side_stick": "snare_rim",
        "rimshots": "snare_rim", "toms": "tom_mid", "tom_groove": "tom_floor", "open_hihat": "hihat_open",
    }  # fmt: skip
    assert raised.keys() == VOICINGS.keys()
    for name, label in raised.items():
        # What comes from the ride needs one.
        hits = VOICINGS["ride"](song.hits, np.random.default_rng(0)) if name == "hihat" else song.hits
        counts = [
            Counter(hit.label for hit in VOICINGS[name](hits, np.random.default_rng(seed)))[label] for seed in range(6)
        ]
        assert max(counts) > Counter(hit.label for hit in hits)[label], name


def test_rare_classes_of_groove_are_raised(corpus: Path) -> None:
    sources = find_performances([PerformanceRoot(uri=str(corpus / "groove_trainval.zip"))])
    before, after = Counter[str](), Counter[str]()
    for seed, medley in enumerate(medleys(sources, duration_s=120, seed=0)[::8]):
        song = read_medley(medley)
        assert isinstance(song, AnnotatedSong)
        varied = vary(song, VaryConfig(), seed=seed).song
        assert 20 < end_s(varied) < 135
        before.update(hit.label for hit in song.hits)
        after.update(hit.label for hit in varied.hits)
    for label in ("ride_bell", "crash", "tom_mid"):
        assert after[label] / after.total() > 1.3 * before[label] / before.total()
