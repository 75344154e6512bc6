"""A production is its configuration and its seed, and survives being written down."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.effects.room import MeasuredRoom
from drumline.rendering.production.config import NoiseConfig, ProductionConfig, RoomConfig
from drumline.rendering.production.draw import draw
from drumline.rendering.production.presets import OFF, PRESETS, TASTEFUL, WILD
from drumline.rendering.production.production import Mix, Production, from_json, to_json


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1 << 40), preset=st.sampled_from(sorted(PRESETS)))
def test_a_draw_repeats_and_survives_json(seed: int, preset: str) -> None:
    production = draw(PRESETS[preset], seed=seed)
    assert production == draw(PRESETS[preset], seed=seed)
    assert from_json(to_json(production)) == production


def test_other_seeds_draw_others() -> None:
    assert len({to_json(draw(TASTEFUL, seed=seed)) for seed in range(50)}) == 50


def test_off_draws_nothing() -> None:
    for seed in range(20):
        production = draw(OFF, seed=seed)
        assert all(piece.gain_db == 0 and piece.pan == 0 and not piece.bands for piece in production.pieces)
        plain = Production(seed, 1, production.pieces, peak_db=-1.0, mix=Mix(-1.0))
        assert production == plain


def test_a_changed_range_leaves_the_other_effects_as_they_were() -> None:
    louder = TASTEFUL.model_copy(update={"noise": NoiseConfig(probability=1.0, hiss_db=(-50.0, -40.0))})
    for seed in range(20):
        before, after = draw(TASTEFUL, seed=seed), draw(louder, seed=seed)
        assert after.noise is not None
        assert after.noise != before.noise
        assert (after.room, after.compressor, after.codec, after.mix) == (
            before.room,
            before.compressor,
            before.codec,
            before.mix,
        )


def test_probabilities_are_kept() -> None:
    drawn = [draw(WILD, seed=seed) for seed in range(400)]
    for share, expected in (
        (np.mean([each.room is not None for each in drawn]), WILD.room.probability),
        (np.mean([each.codec is not None for each in drawn]), WILD.codec.probability),
        (np.mean([each.mix.limit_db is not None for each in drawn]), WILD.mix.limiter_probability),
    ):
        assert share == pytest.approx(expected, abs=0.08)
    ratios = [each.mix.drums_to_backing_db for each in drawn]
    assert min(ratios) >= -12
    assert max(ratios) <= 12
    assert np.mean(ratios) == pytest.approx(0, abs=1.5)


def test_measured_rooms_come_from_the_folder(tmp_path: Path) -> None:
    config = ProductionConfig(room=RoomConfig(probability=1.0, folder=str(tmp_path), measured_share=1.0))
    with pytest.raises(ConfigError, match="no audio files"):
        draw(config, seed=0)
    for name in ("a.wav", "b.flac"):
        soundfile.write(tmp_path / name, np.ones(10), 8000)
    (tmp_path / "readme.txt").write_text("not a room")
    files = {room.file for seed in range(20) if isinstance(room := draw(config, seed=seed).room, MeasuredRoom)}
    assert files == {str(tmp_path / "a.wav"), str(tmp_path / "b.flac")}


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"room": {"rt60_s": [2.0, 1.0]}}, "above the upper"),
        ({"room": {"rt60_s": [0.0, 1.0]}}, "above 0"),
        ({"codec": {"probability": 1.5}}, "less than or equal to 1"),
        ({"codec": {"qualty": [0, 1]}}, "did you mean codec.quality"),
    ],
)
def test_configurations_that_cannot_be_drawn_are_told(tree: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(ProductionConfig, tree, location="test.yaml")


def test_text_that_is_no_production_is_told() -> None:
    with pytest.raises(ConfigError, match="not a production"):
        from_json('{"seed": 1}')
