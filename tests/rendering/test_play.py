"""A label and the acoustic onset of its stroke are one sample; what a kit cannot play is silent, and told."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.core.hits import Hit
from drumline.core.taxonomy import CLASSES
from drumline.rendering.kit import PIECE_OF, PIECES, Stroke
from drumline.rendering.play import STEMS, playable, render_pieces

RATE_HZ = 8_000
RING_S = 0.5


@dataclass(frozen=True)
class Clicks:
    """A kit whose strokes are a lead-in of -0.001, a 1 at the onset and a ring of 0.5; it notes its takes."""

    lead: int = 40
    drums: frozenset[str] = frozenset(CLASSES)
    name: str = "clicks"
    rate_hz: int = RATE_HZ
    takes: list[tuple[str, int]] = field(default_factory=list)

    def stroke(
        self, drum: str, velocity: float, *, take: int, source_name: str = "", openness: float | None = None
    ) -> Stroke:
        self.takes.append((drum, take))
        ring = np.full(round(RING_S * RATE_HZ), 0.5 * velocity, dtype=np.float32)
        lead = np.full(self.lead, -0.001, dtype=np.float32)
        return Stroke(np.concatenate([lead, np.full(1, velocity, dtype=np.float32), ring]), onset=self.lead)


times_s = st.floats(0.0, 0.999)


@given(time_s=times_s, lead=st.integers(0, 500), drum=st.sampled_from(CLASSES))
def test_the_onset_is_on_the_label(time_s: float, lead: int, drum: str) -> None:
    pieces = render_pieces([Hit(time_s, drum, 1.0)], kit=Clicks(lead), duration_s=1.0)
    assert list(pieces) == list(PIECES)
    location, heard = round(time_s * RATE_HZ), pieces[PIECE_OF[drum]]
    assert heard.shape == (RATE_HZ,)
    assert heard.dtype == np.float32
    if location < RATE_HZ:
        assert np.argmax(heard) == location
        assert not heard[: max(0, location - lead)].any()
    assert not any(samples.any() for piece, samples in pieces.items() if piece != PIECE_OF[drum])


@given(hits=st.lists(st.builds(Hit, times_s, st.sampled_from(CLASSES), st.floats(0.1, 1.0)), max_size=20))
def test_a_performance_is_the_sum_of_its_strokes(hits: list[Hit]) -> None:
    """Hi-hats aside, which end one another."""
    hits = [hit for hit in hits if PIECE_OF[hit.label] != "hihat"]
    together = render_pieces(hits, kit=Clicks(), duration_s=1.0)
    alone = [render_pieces([hit], kit=Clicks(), duration_s=1.0) for hit in hits]
    for piece, samples in together.items():
        np.testing.assert_allclose(samples, sum(each[piece] for each in alone), atol=1e-5)


@pytest.mark.parametrize(
    ("first", "second", "rings_s"),
    [
        ("hihat_open", "hihat_pedal", 0.02),
        ("hihat_open", "hihat_closed", 0.02),
        ("hihat_closed", "hihat_closed", 0.02),
        ("hihat_open", "hihat_open", 0.15),
    ],
)
def test_a_hihat_ends_the_one_before(first: str, second: str, rings_s: float) -> None:
    hits = [Hit(0.1, first, 1.0), Hit(0.3, second, 0.01)]
    heard = render_pieces(hits, kit=Clicks(), duration_s=1.0)["hihat"]
    at = np.arange(RATE_HZ) / RATE_HZ
    np.testing.assert_allclose(heard[(at > 0.11) & (at < 0.294)], 0.5)
    fading = heard[(at > 0.301) & (at < 0.3 + rings_s)]
    assert np.all(np.diff(fading) < 0)
    assert np.all(heard[at > 0.301 + rings_s] <= 0.0051)


def test_other_cymbals_ring_out() -> None:
    heard = render_pieces([Hit(0.1, "crash", 1.0), Hit(0.3, "crash", 0.01)], kit=Clicks(), duration_s=1.0)["crash"]
    assert heard[round(0.59 * RATE_HZ)] > 0.5


def test_consecutive_strokes_are_consecutive_takes_and_a_seed_chooses_the_first() -> None:
    hits = [Hit(0.1 * n, ("kick", "snare_head")[n % 2], 1.0) for n in range(8)]

    def takes(seed: int) -> list[int]:
        kit = Clicks()
        render_pieces(hits, kit=kit, duration_s=1.0, seed=seed)
        return [take for drum, take in kit.takes if drum == "kick"]

    assert np.diff(takes(1)).tolist() == [1, 1, 1]
    assert takes(1) == takes(1) != takes(2)


def test_what_a_kit_cannot_play_is_silent_and_told() -> None:
    kit = Clicks(drums=frozenset({"snare_head"}))
    hits = [
        Hit(0.1, "kick", 1.0),
        Hit(0.2, "snare", 1.0),
        Hit(0.3, "snare_head", 0.0),
        Hit(0.4, "other", 1.0),
        Hit(0.5, "snare_head"),
    ]
    assert playable(hits, kit) == (hits[1], hits[4])
    heard = render_pieces(hits, kit=kit, duration_s=1.0)
    assert np.flatnonzero(np.diff(heard["snare"]) > 0.5).tolist() == [0.2 * RATE_HZ - 1, 0.5 * RATE_HZ - 1]
    assert not any(samples.any() for piece, samples in heard.items() if piece != "snare")


def test_stems_hold_every_piece_once() -> None:
    assert sorted(piece for own in STEMS.values() for piece in own) == sorted(PIECES)
    assert set(PIECE_OF) == set(CLASSES)
