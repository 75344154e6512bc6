"""Alignment against the truth: rendered songs whose mapping we chose, and real recordings moved by hand."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.alignment.align import Alignment, AlignmentConfig, align
from drumline.core.errors import Rejected
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.rendering.backing import backing, mix
from drumline.rendering.patterns import Groove, perform
from drumline.rendering.play import render
from drumline.rendering.synth_kit import synth_kit

Samples = np.ndarray
CONFIG = AlignmentConfig()
KIT = cache(synth_kit)
TEMPO_BPM = {"rock": 118.0, "jazz": 141.0, "metal": 163.0, "ballad": 83.0}


@cache
def groove(style: str, num_bars: int) -> Groove:
    return perform(style, num_bars=num_bars, tempos=((0, TEMPO_BPM[style]), (8, 1.06 * TEMPO_BPM[style])), seed=3)


def heard(song: Groove, to_audio: Callable[[np.ndarray], np.ndarray], *, mixed: bool = False) -> Samples:
    """The song with its hits moved to audio time, at the training rate."""
    times_s = to_audio(np.array([hit.time_s for hit in song.hits]))
    hits = [replace(hit, time_s=float(time_s)) for hit, time_s in zip(song.hits, times_s, strict=True)]
    drums = render(hits, kit=KIT(2), duration_s=float(times_s[-1]) + 1.5)
    audio = mix(drums, backing(song.tempo, duration_s=len(drums) / 44_100, seed=7)) if mixed else drums
    return soxr.resample(audio, 44_100, RATE_HZ).astype(np.float32)


def aligned(
    samples: Samples, hits: tuple[Hit, ...], config: AlignmentConfig = CONFIG, prior_s: float = 0.0
) -> Alignment:
    result = align(samples, hits, prior_offset_s=prior_s, config=config)
    assert isinstance(result, Alignment), result
    return result


def moved(samples: Samples, shift_s: float) -> Samples:
    """The audio starting later by ``shift_s`` (earlier where negative: its beginning is cut off)."""
    count = round(shift_s * RATE_HZ)
    return np.pad(samples, (count, 0)) if count >= 0 else samples[-count:]


@pytest.mark.parametrize("mixed", [False, True], ids=["stem", "mix"])
@pytest.mark.parametrize("style", TEMPO_BPM)
def test_offset_and_drift_of_rendered_songs(style: str, mixed: bool) -> None:
    song, errors_s = groove(style, 20), []
    for offset_s, drift in ((-1.3, 0.0), (0.021, 300e-6), (1.9, -600e-6)):
        result = aligned(heard(song, lambda at, o=offset_s, d=drift: at * (1 + d) + o, mixed=mixed), song.hits)
        at_s = np.array([hit.time_s for hit in song.hits])
        errors_s += list(np.abs(result.to_audio(at_s) - (at_s * (1 + drift) + offset_s)))
        assert result.verdict == "aligned"
        assert result.drift_ppm == pytest.approx(1e6 * drift, abs=120)
        assert result.residual_ms < 4.0
    assert np.median(errors_s) < 0.002
    assert np.max(errors_s) < 0.004


@settings(max_examples=8, deadline=None)
@given(shift_s=st.floats(-0.9, 2.0), prior_s=st.floats(-0.3, 0.3), gain_db=st.floats(-40.0, 0.0))
def test_moving_the_audio_moves_the_offset_and_gain_does_nothing(
    shift_s: float, prior_s: float, gain_db: float
) -> None:
    song = groove("rock", 12)
    samples = heard(song, lambda at: at, mixed=True)
    still = aligned(samples, song.hits)
    quieter = moved(samples, shift_s) * np.float32(10 ** (gain_db / 20))
    result = aligned(quieter, song.hits, prior_s=prior_s)
    assert result.offset_s - still.offset_s == pytest.approx(round(shift_s * RATE_HZ) / RATE_HZ, abs=0.001)


def test_a_wandering_tempo_is_warped_and_a_steady_one_is_not() -> None:
    song = groove("rock", 40)
    at_s = np.array([hit.time_s for hit in song.hits])

    def wander(at: np.ndarray) -> np.ndarray:
        return at + 0.5 + 0.025 * np.sin(2 * np.pi * at / 45)

    result = aligned(heard(song, wander), song.hits)
    assert result.verdict == "warped"
    assert result.residual_ms < 2.0 < 10.0 < result.straight_residual_ms
    errors_s = np.abs(result.to_audio(at_s) - wander(at_s))
    assert np.median(errors_s) < 0.002
    assert np.max(errors_s) < 0.006
    assert np.all(np.diff(result.to_audio(np.linspace(-5, at_s[-1] + 5, 999))) > 0)
    steady = aligned(heard(song, lambda at: at + 0.5), song.hits)
    assert (steady.verdict, steady.knots, steady.drift_ppm) == ("aligned", (), 0.0)


def test_a_tempo_map_that_leaves_the_recording_is_rejected_unless_forced() -> None:
    song = groove("rock", 40)
    samples = heard(song, lambda at: at + 0.07 * np.sin(2 * np.pi * at / 45))
    result = align(samples, song.hits, prior_offset_s=0.0, config=CONFIG)
    assert isinstance(result, Rejected)
    assert result.reason == "drift_too_large"
    assert "limit 30 ms" in result.detail
    forced = aligned(samples, song.hits, AlignmentConfig(force=True))
    assert forced.verdict == "forced"
    assert forced.residual_ms < 2.0 < 30.0 < forced.straight_residual_ms


def test_the_wrong_audio_is_rejected_unless_forced() -> None:
    songs = {style: groove(style, 20) for style in TEMPO_BPM}
    audio = {style: heard(song, lambda at: at, mixed=True) for style, song in songs.items()}
    for style, song in songs.items():
        for other, samples in audio.items():
            result = align(samples, song.hits, prior_offset_s=0.0, config=CONFIG)
            assert isinstance(result, Alignment) == (style == other), (style, other, result)
    forced = aligned(audio["jazz"], songs["metal"].hits, AlignmentConfig(force=True), prior_s=0.125)
    assert (forced.verdict, forced.offset_s, forced.drift_ppm, forced.knots) == ("forced", 0.125, 0.0, ())


def test_the_prior_chooses_between_equal_bars() -> None:
    bar = [("kick", 0.0), ("hihat_closed", 0.5), ("snare_head", 1.0), ("hihat_closed", 1.5)]
    hits = [Hit(1.0 + 2 * number + at_s, drum) for number in range(20) for drum, at_s in bar]
    samples = soxr.resample(render(hits, kit=KIT(2), duration_s=42.0), 44_100, RATE_HZ)
    loop = samples[4 * RATE_HZ : 36 * RATE_HZ]  # bars before and after cut away: any bar may be the first
    for prior_s in (-5.9, -4.1, -2.0):
        result = aligned(loop, tuple(hits[16:48]), prior_s=prior_s)
        assert result.offset_s == pytest.approx(2 * round(prior_s / 2), abs=0.002)


def test_two_bars_are_enough_and_five_hits_are_not() -> None:
    song = groove("rock", 2)
    samples = heard(song, lambda at: at + 0.4)
    assert aligned(samples, song.hits).offset_s == pytest.approx(0.4, abs=0.002)
    for samples_, hits in ((samples, song.hits[:5]), (samples, ()), (np.zeros(RATE_HZ, np.float32), song.hits)):
        result = align(samples_, hits, prior_offset_s=0.0, config=CONFIG)
        assert isinstance(result, Rejected)
        assert result.reason == "alignment_failed"
    few = aligned(samples, song.hits[:5], AlignmentConfig(force=True), prior_s=0.3)
    assert (few.verdict, few.offset_s) == ("forced", 0.3)


@cache
def sections(*styles: str) -> tuple[Hit, ...]:
    """Eight bars of each style on one metronome."""
    bars_s = 8 * 240 / 118
    return tuple(
        replace(hit, time_s=hit.time_s + number * bars_s)
        for number, style in enumerate(styles)
        for hit in perform(style, num_bars=8, tempos=((0, 118.0),), seed=number, lead_in_bars=0).hits
    )


@cache
def played(*styles: str) -> Samples:
    """The same starting 30 ms late, by a drummer 25 ms (deviation) around the grid."""
    hits = sections(*styles)
    times_s = 0.03 + np.random.default_rng(1).normal([hit.time_s for hit in hits], 0.025)
    moved_hits = [replace(hit, time_s=max(0.0, float(at_s))) for hit, at_s in zip(hits, times_s, strict=True)]
    return soxr.resample(render(moved_hits, kit=KIT(2), duration_s=hits[-1].time_s + 1.5), 44_100, RATE_HZ)


def test_a_grid_that_a_drummer_plays_around_is_believed_near_its_own_offset() -> None:
    styles = ("rock", "funk", "toms")
    for prior_s in (0.0, 0.06):
        result = aligned(played(*styles), sections(*styles), prior_s=prior_s)
        assert result.offset_s == pytest.approx(0.03, abs=0.005)
        assert 8 < result.residual_ms < 20
    beat_s = 60 / 118
    for prior_s in (-0.3, beat_s, -2 * beat_s):  # there it is no evidence
        assert isinstance(align(played(*styles), sections(*styles), prior_offset_s=prior_s, config=CONFIG), Rejected)
    unbelieving = AlignmentConfig(near_offset_s=0)
    assert isinstance(align(played(*styles), sections(*styles), prior_offset_s=0.03, config=unbelieving), Rejected)


def test_another_song_on_the_same_metronome_is_not_believed() -> None:
    for other in (("disco", "metal", "rock"), ("metal", "ballad", "funk")):
        result = align(played("rock", "funk", "toms"), sections(*other), prior_offset_s=0.0, config=CONFIG)
        assert isinstance(result, Rejected), other


MDB_LABELS = {
    "KD": "kick", "SD": "snare_head", "SDB": "snare_head", "SDD": "snare_head", "SDF": "snare_head",
    "SDG": "snare_head", "SDNS": "snare_head", "SST": "snare_rim", "HIT": "tom_high", "MHT": "tom_mid",
    "HFT": "tom_floor", "LFT": "tom_floor", "CHH": "hihat_closed", "OHH": "hihat_open", "PHH": "hihat_pedal",
    "RDC": "ride_body", "RDB": "ride_bell", "CRC": "crash", "CHC": "crash", "SPC": "crash", "TMB": "other",
}  # fmt: skip


def mdb_tracks(folder: Path) -> dict[str, tuple[tuple[Hit, ...], dict[str, Samples]]]:
    """Track -> its hits and its recordings at the training rate."""
    tracks = {}
    for path in sorted(folder.glob("*_subclass.txt")):
        name = path.name.removesuffix("_subclass.txt")
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        recordings = {}
        for file in sorted(folder.glob(f"{name}.*.flac")):
            samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
            recordings[file.name] = soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ)
        tracks[name] = (tuple(Hit(float(time_s), MDB_LABELS[label]) for time_s, label in rows), recordings)
    return tracks


def test_mdb_recordings_moved_by_hand_are_found_and_wrong_ones_rejected(corpus: Path) -> None:
    tracks = mdb_tracks(corpus / "mdb")
    assert len(tracks) == 7
    for name, (hits, recordings) in tracks.items():
        for file, samples in recordings.items():
            still = aligned(samples, hits)
            assert abs(still.offset_s) < 0.012, file  # the annotations' own lateness
            for shift_s in (-1.3, -0.2, 0.25, 2.0):
                shift = aligned(moved(samples, shift_s), hits).offset_s - still.offset_s
                assert shift == pytest.approx(round(shift_s * RATE_HZ) / RATE_HZ, abs=0.005), file
        for other, (_, others) in tracks.items():
            for file, samples in others.items():
                if other != name:
                    result = align(samples, hits, prior_offset_s=0.0, config=CONFIG)
                    assert isinstance(result, Rejected), (name, file, result)
                    assert result.reason in ("alignment_failed", "drift_too_large")
