"""Which strokes are faint: by construction, and on the synthesised kit."""

import numpy as np
import pytest
from scipy import signal

from drumline.core.hits import Hit
from drumline.rendering.audibility import attack, covered, faint
from drumline.rendering.play import play, render_pieces
from drumline.rendering.synth_kit import synth_kit

RATE_HZ = 22_050


def burst(level: float, *, hz: float) -> np.ndarray:
    time_s = np.arange(RATE_HZ // 10) / RATE_HZ
    return (level * np.sin(2 * np.pi * hz * time_s) * np.exp(-time_s / 0.02)).astype(np.float32)


@pytest.mark.parametrize(
    ("level_db", "hz", "after_s", "is_faint"),
    [
        (-6, 5000, 0.5, False),
        (-28, 5000, 0.5, False),
        (-40, 5000, 0.5, True),  # below the floor
        (-28, 5000, 0.02, True),  # under the ring of what was there before
        (-10, 500, 0.02, False),  # another band, which nothing hides
    ],
)
def test_a_stroke_is_faint_under_the_floor_or_under_what_rings(
    level_db: float, hz: float, after_s: float, is_faint: bool
) -> None:
    loud = [(0.5, burst(1.0, hz=5000)), (3.0, burst(1.0, hz=5000)), (4.0, burst(1.0, hz=500))]
    strokes = [*loud, (0.5 + after_s, burst(10 ** (level_db / 20), hz=hz))]
    whole = np.zeros(5 * RATE_HZ, np.float32)
    for time_s, samples in strokes:
        whole[round(time_s * RATE_HZ) :][: len(samples)] += samples
    attacks = [attack(samples, 0, round(time_s * RATE_HZ), rate_hz=RATE_HZ) for time_s, samples in strokes]
    assert faint(attacks, whole, rate_hz=RATE_HZ).tolist() == [False, False, False, is_faint]


def test_what_is_rendered_is_flagged_and_sounds_the_same() -> None:
    kit = synth_kit(0, rate_hz=RATE_HZ)
    snares = [Hit(0.5 * n, "snare_head", 0.9) for n in range(1, 12)]
    hidden = [Hit(0.5 * n + 0.03, "snare_head", 0.008) for n in range(1, 12)]
    ghosts = [Hit(0.5 * n + 0.375, "snare_head", 0.35, ("ghost",)) for n in range(1, 12)]
    hits = sorted([*snares, *hidden, *ghosts, Hit(6.1, "other", 0.5)], key=lambda hit: hit.time_s)
    played = play(hits, kit=kit, duration_s=7.0)
    assert [hit.time_s for hit in played.hits] == [hit.time_s for hit in hits]
    assert all(("faint" in hit.flags) == (hit.velocity == 0.008) for hit in played.hits)
    assert {hit.flags for hit in played.hits if hit.velocity == 0.35} == {("ghost",)}
    plain = render_pieces(hits, kit=kit, duration_s=7.0)
    assert all(np.array_equal(plain[piece], played.pieces[piece]) for piece in plain)
    assert play([], kit=kit, duration_s=1.0).hits == ()


@pytest.mark.parametrize(
    ("brightest_hz", "drums_db", "is_covered"), [(11_000, 0, True), (11_000, 20, False), (500, 0, False)]
)
def test_a_backing_covers_what_is_softer_in_every_band(brightest_hz: float, drums_db: float, is_covered: bool) -> None:
    """Noise up to a frequency, one stroke above it and one below, in a mix that made the drums louder or not."""
    noise = np.random.default_rng(0).normal(size=2 * RATE_HZ)
    backing = signal.sosfilt(signal.butter(8, brightest_hz, fs=RATE_HZ, output="sos"), noise).astype(np.float32)
    strokes = [(0.5, burst(20.0, hz=5000)), (1.5, burst(0.5, hz=5000))]
    whole = np.zeros(2 * RATE_HZ, np.float32)
    for start_s, samples in strokes:
        whole[round(start_s * RATE_HZ) :][: len(samples)] += samples
    attacks = [attack(samples, 0, round(start_s * RATE_HZ), rate_hz=RATE_HZ) for start_s, samples in strokes]
    drums = whole * np.float32(10 ** (drums_db / 20))
    assert covered(attacks, whole, drums=drums, backing=backing, rate_hz=RATE_HZ).tolist() == [False, is_covered]
