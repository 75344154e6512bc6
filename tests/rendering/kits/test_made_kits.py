"""Kits that nobody recorded: their labels are as exact as any kit's, and no two sound alike."""

import numpy as np
import pytest

from drumline.core.taxonomy import CLASSES
from drumline.rendering.kit import PIECE_OF, PIECES, Kit
from drumline.rendering.kits.altered import Alteration, AlteredKit, altered_kit
from drumline.rendering.kits.modal import modal_kit
from drumline.rendering.kits.onset import level_db, onset_of
from drumline.rendering.synth_kit import SynthKit, synth_kit

RATE_HZ = 22_050
SEEDS = range(3)
NOTHING = Alteration(damping=None, attack_db=0.0, attack_s=0.01, under=None, under_db=0.0)


@pytest.fixture(scope="module")
def modal() -> list[SynthKit]:
    return [modal_kit(seed, rate_hz=RATE_HZ) for seed in SEEDS]


@pytest.fixture(scope="module")
def synth() -> SynthKit:
    return synth_kit(0, rate_hz=RATE_HZ)


def ring_s(kit: Kit, drum: str) -> float:
    """How long a stroke is within 20 dB of its peak."""
    samples = kit.stroke(drum, 1.0, take=0).samples
    return float(np.flatnonzero(np.abs(samples) > 0.1 * np.abs(samples).max())[-1] / RATE_HZ)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drawn_stroke_is_heard_from_its_first_sample_on(modal: list[SynthKit], seed: int) -> None:
    kit = modal[seed]
    assert kit.drums == frozenset(CLASSES)
    for drum in CLASSES:
        for velocity in (0.2, 0.6, 1.0):
            stroke = kit.stroke(drum, velocity, take=0)
            assert stroke.onset == 0
            assert onset_of(stroke.samples, RATE_HZ) < 0.002 * RATE_HZ, (drum, velocity)
            other = kit.stroke(drum, velocity, take=1)
            assert not np.array_equal(stroke.samples, other.samples)
        levels_db = [level_db(kit.stroke(drum, velocity, take=0).samples, 0, RATE_HZ) for velocity in (0.2, 0.6, 1.0)]
        assert levels_db == sorted(levels_db)


def test_a_seed_is_a_kit(modal: list[SynthKit]) -> None:
    again = modal_kit(0, rate_hz=RATE_HZ)
    for drum in CLASSES:
        own, same, other = (kit.stroke(drum, 0.9, take=0).samples for kit in (modal[0], again, modal[1]))
        np.testing.assert_array_equal(own, same)
        assert len(own) != len(other) or not np.allclose(own, other, atol=0.01)


def test_an_open_hihat_rings_longer_than_a_closed_one_however_it_is_damped(modal: list[SynthKit]) -> None:
    for seed in SEEDS:
        for damping in (None, 0.0, 0.5, 1.0):
            made = Alteration(damping, attack_db=0.0, attack_s=0.01, under=None, under_db=0.0)
            kit = AlteredKit(modal[seed], dict.fromkeys(PIECES, made))
            assert ring_s(kit, "hihat_open") > 1.5 * ring_s(kit, "hihat_closed"), (seed, damping)


def test_an_alteration_moves_no_onset(modal: list[SynthKit], synth: SynthKit) -> None:
    for seed in range(20):
        kit = altered_kit(synth, under=modal[0], seed=seed)
        assert kit.drums == synth.drums
        for drum in CLASSES:
            stroke = kit.stroke(drum, 0.8, take=seed)
            assert abs(onset_of(stroke.samples, RATE_HZ) - stroke.onset) <= 0.002 * RATE_HZ, (seed, drum)
            assert np.isfinite(stroke.samples).all()


def test_each_alteration_does_what_it_says(modal: list[SynthKit], synth: SynthKit) -> None:
    def kit(**changes: object) -> AlteredKit:
        made = Alteration(**{**NOTHING.__dict__, **changes})  # type: ignore[arg-type]
        return AlteredKit(synth, dict.fromkeys(PIECES, made))

    for drum in CLASSES:
        as_it_is = synth.stroke(drum, 0.8, take=0).samples
        np.testing.assert_array_equal(kit().stroke(drum, 0.8, take=0).samples, as_it_is)
        edge = kit(attack_db=6.0, attack_s=0.01).stroke(drum, 0.8, take=0).samples
        np.testing.assert_allclose(edge[:5], as_it_is[:5] * 10 ** (6 / 20), rtol=0.02, atol=1e-6)
        assert ring_s(kit(damping=0.0), drum) <= ring_s(synth, drum)
        both = kit(under=modal[0], under_db=-6.0).stroke(drum, 0.8, take=0).samples.copy()
        both[: len(as_it_is)] -= as_it_is
        assert np.abs(both).max() == pytest.approx(np.abs(as_it_is).max() * 10 ** (-6 / 20), rel=0.01), drum
    assert ring_s(kit(damping=0.0), "crash") < 0.7 * ring_s(synth, "crash")


def test_pieces_are_altered_by_themselves_and_a_seed_says_how(modal: list[SynthKit], synth: SynthKit) -> None:
    first, same, other = (altered_kit(synth, under=modal[0], seed=seed) for seed in (1, 1, 2))
    assert first.alterations == same.alterations != other.alterations
    assert len({repr(each) for each in first.alterations.values()}) == len(PIECES)
    assert set(first.alterations) == set(PIECE_OF.values())
