"""Strokes out of pieces, kinds and instruments that exclude each other, and the presets."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decoding.slow import slow_decode

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.core.grid import HIGH
from drumline.core.vocabularies import LABEL_NAMES
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration, LabelCalibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import decode
from drumline.decoding.presets import PRESETS, load_preset
from drumline.evaluation.predict import PredictConfig

CLASSES = ("kick", "snare_head", "snare_rim", "tom_high", "tom_mid", "hihat_closed", "ride_body", "crash")


def noise(seed: int, frames: int = 300) -> Activations:
    """Few levels, so that equal neighbours and plateaus are common."""
    random = np.random.default_rng(seed)
    probability, velocity = (random.integers(0, 6, (2, frames, len(CLASSES))) / 5).astype(np.float32)
    onset, offset = random.random((2, frames), dtype=np.float32)
    return Activations(HIGH, CLASSES, probability, onset, offset * 2 - 1, velocity)


def struck(*strokes_: tuple[int, str, float], onset: float = 1.0) -> Activations:
    probability = np.zeros((120, len(CLASSES)), dtype=np.float32)
    for frame, name, value in strokes_:
        probability[frame, CLASSES.index(name)] = value
    flat = np.zeros(120, dtype=np.float32)
    return Activations(HIGH, CLASSES, probability, flat + onset, flat, probability)


def names(activations: Activations, config: DecodeConfig, calibration: Calibration | None = None) -> list[str]:
    return [LABEL_NAMES[number] for number in decode([activations], config, calibration).events.label]


CALIBRATION = Calibration(
    labels={
        "kick": LabelCalibration(temperature=1.5, threshold=0.7, offset_s=0.004),
        "snare": LabelCalibration(threshold=0.3, kinds={"snare_head": 0.0, "snare_rim": -0.8}),
    }
)


CONFIGS = [
    DecodeConfig(),
    DecodeConfig(threshold=0.3, reach_frames=1, spacings_ms={"kick": 0.0}),
    DecodeConfig(threshold=0.3, reach_frames=3, one_kind=True, onset_threshold=0.4),
    DecodeConfig(threshold=0.3, ride_crash_margin=0.2),
    *(load_preset(name) for name in PRESETS),
]


@settings(deadline=None)
@given(st.integers(0, 99), st.sampled_from([None, CALIBRATION]), st.sampled_from(CONFIGS))
def test_strokes_equal_their_definition(seed: int, calibration: Calibration | None, config: DecodeConfig) -> None:
    song = noise(seed)
    found = decode([song], config, calibration).events
    expected = slow_decode(song, config, calibration)
    assert sorted((LABEL_NAMES[n], round(float(c), 6)) for n, c in zip(found.label, found.confidence, strict=True)) == (
        sorted((name, round(confidence, 6)) for _, name, confidence in expected)
    )
    shift_s = {name: calibration.labels[name].offset_s for name in calibration.labels} if calibration else {}
    times_s = [(n + song.offset[n]) * HIGH.frame_s + shift_s.get(name, 0.0) for n, name, _ in expected]
    np.testing.assert_allclose(found.time_s, np.maximum(np.sort(times_s), 0.0), atol=1e-6)


def test_a_hit_has_its_sub_frame_time_class_velocity_and_confidence() -> None:
    song = struck((20, "kick", 0.8), (40, "crash", 0.6), (42, "crash", 0.9))
    moved = Activations(HIGH, CLASSES, song.probability, song.onset, song.offset + 0.3, song.probability / 2)
    hits = decode([moved], DecodeConfig()).events
    np.testing.assert_allclose(hits.time_s, np.array([20.3, 42.3]) * HIGH.frame_s)
    assert [LABEL_NAMES[number] for number in hits.label] == ["kick", "crash"]
    np.testing.assert_allclose(hits.confidence, [0.8, 0.9])
    np.testing.assert_allclose(hits.velocity, [0.4, 0.45])
    assert len(decode([struck()], DecodeConfig()).events) == 0


@settings(deadline=None)
@given(st.integers(0, 99), st.lists(st.integers(0, 300), max_size=12), st.sampled_from(PRESETS))
def test_pieces_of_any_length_give_the_same_strokes(seed: int, cuts: list[int], preset: str) -> None:
    song, config = noise(seed), load_preset(preset)
    edges = [0, *sorted(cuts), 300]
    pieces = [song.cut(first, last) for first, last in pairwise(edges)]
    whole, cut = decode([song], config, CALIBRATION), decode(pieces, config, CALIBRATION)
    for one, other in zip(vars(whole.events).values(), vars(cut.events).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    for name in whole.branches:
        np.testing.assert_array_equal(whole.branches[name], cut.branches[name])


def test_a_stroke_is_found_as_its_drums_and_is_then_of_one_kind() -> None:
    song = struck((20, "tom_high", 0.35), (20, "tom_mid", 0.3), (40, "snare_rim", 0.9), (40, "snare_head", 0.45))
    config = DecodeConfig(threshold=0.4, one_kind=True)
    assert names(song, config) == ["tom_high", "snare_rim"]
    assert names(song, DecodeConfig(threshold=0.4)) == ["snare_head", "snare_rim"]
    found = decode([song], config)
    np.testing.assert_allclose(found.branches["tom"], [0.65, 0.0])
    np.testing.assert_allclose(found.events.confidence, [0.65, 1.0])
    by_drum = Calibration(labels={"tom": LabelCalibration(threshold=0.7, offset_s=0.01)})
    assert names(song, config, by_drum) == ["snare_rim"]
    seldom = Calibration(labels={"snare": LabelCalibration(kinds={"snare_rim": -1.0})})  # 0.9 / e is less than 0.45
    assert names(song, config, seldom) == ["tom_high", "snare_head"]


def test_a_configuration_that_names_the_removed_tom_cymbal_margin_is_still_read() -> None:
    named = parse_config(DecodeConfig, {"threshold": 0.4, "tom_cymbal_margin": 0.3}, location="preset.yaml")
    assert named == DecodeConfig(threshold=0.4)


@pytest.mark.parametrize(("crash", "kept"), [(0.5, ["ride_body"]), (0.8, ["crash"])])
def test_of_a_simultaneous_ride_and_crash_the_more_confident_stays(crash: float, kept: list[str]) -> None:
    song = struck((20, "ride_body", 0.7), (21, "crash", crash), (20, "hihat_closed", 0.6))
    assert sorted(names(song, load_preset("default"))) == sorted([*kept, "hihat_closed"])


def test_a_silent_onset_head_takes_a_peak_away() -> None:
    config = DecodeConfig(onset_threshold=0.3)
    assert names(struck((20, "kick", 0.9), onset=0.2), config) == []
    assert names(struck((20, "kick", 0.9), onset=0.3), config) == ["kick"]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 20))
def test_presets_keep_their_order(seed: int) -> None:
    counts = [
        len(decode([noise(seed)], load_preset(name)).events) for name in ("conservative", "default", "aggressive")
    ]
    assert counts == sorted(counts)


def test_a_preset_may_be_a_file_of_the_users_own(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("threshold: 0.9\n")
    assert load_preset(str(own)).threshold == 0.9
    with pytest.raises(ConfigError, match="preset 'loud' is not one of default, conservative, aggressive, micro"):
        load_preset("loud")


def test_a_configuration_names_a_preset_or_has_keys_of_its_own() -> None:
    tree = {"checkpoint": "a", "output": "b", "dataset": "c"}
    for told, expected in (
        ("aggressive", load_preset("aggressive")),
        ({"threshold": 0.3}, DecodeConfig(threshold=0.3)),
    ):
        config = parse_config(PredictConfig, {**tree, "decoding": told}, "test")
        assert config.decoding == expected
        assert PredictConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ConfigError, match="preset 'loud' is not one of"):
        parse_config(PredictConfig, {**tree, "decoding": "loud"}, "test")


def test_kicks_and_snares_may_follow_in_25_to_35_ms() -> None:
    for name in PRESETS:
        spacings_ms = load_preset(name).spacings_ms
        assert all(25 <= spacings_ms[drum] <= 35 for drum in ("kick", "snare_head", "snare_rim"))


def test_what_is_off_is_not_told_so_that_fingerprints_stay() -> None:
    assert DecodeConfig(threshold=0.3).model_dump().keys() == {
        "threshold", "thresholds", "spacing_ms", "spacings_ms", "reach_frames"
    }  # fmt: skip
