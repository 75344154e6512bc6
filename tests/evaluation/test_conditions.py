"""A model judged over conditions whose answers are known."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.evaluation.conftest import BEAT, told, write_predictions, write_songs

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.evaluation.conditions import ConditionsConfig, is_conditions, judge_conditions

LATE = {"One": 0.0, "Two": 0.1}
"""How late the model is, by recording [s]: right on the first, wrong on the second."""


def transcribe(files: Sequence[Path]) -> tuple[Events, float]:
    shift_s = LATE.get(files[0].stem.partition(".")[0], 0.0)
    halves = [0.5] * len(BEAT)
    times_s = [hit.time_s + shift_s for hit in BEAT]
    return Events.of(times_s, [hit.label for hit in BEAT], velocity=halves, confidence=halves), 30.0


def half_tempo(events: Events, duration_s: float) -> TempoMap:
    return TempoMap(480, ((0, 60.0),))


@pytest.fixture
def tree(tmp_path: Path) -> dict[str, object]:
    conditions = []
    for name, song in (("easy", "One"), ("hard", "Two")):
        truth = write_songs(tmp_path / name, {song: BEAT})
        (tmp_path / f"{song}.drums.flac").touch()
        rival = write_predictions(tmp_path / "rival" / name, {song: told(BEAT[: len(BEAT) // 2])})
        conditions.append(
            {
                "name": name,
                "recordings": [str(tmp_path / f"{song}.*.flac")],
                "truth": {"roots": [{"uri": str(truth)}]},
                "systems": [{"name": "rival", "predictions": str(rival)}],
            }
        )
    (tmp_path / "guitar.ogg").touch()
    return {
        "name": "test",
        "conditions": conditions,
        "drumless": [str(tmp_path / "guitar.ogg")],
        "rival": "rival",
        "output": str(tmp_path / "out"),
        "bootstrap": {"num_draws": 100},
    }


def test_the_headline_is_the_mean_over_conditions(tree: dict[str, object], tmp_path: Path) -> None:
    result = judge_conditions(
        parse_config(ConditionsConfig, tree, "test"), transcribe, system="ours", find_tempo=half_tempo
    )
    assert result.headline["f"] == pytest.approx(0.5)
    rival = result.headline["rival_f"]
    assert 0.6 < rival < 0.75  # half of the hits, none wrong
    assert result.headline["delta"] == pytest.approx(0.5 - rival)
    assert sum(result.false_hits.values()) == len(BEAT)
    assert result.drumless_minutes == 0.5
    assert f"{2 * len(BEAT):.1f} false hits per minute" in (tmp_path / "out" / "report.md").read_text()
    picture = (tmp_path / "out" / "report.svg").read_text()
    assert all(name in picture for name in ("easy", "hard", "ours", "rival"))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [report["conditions"][name]["system"]["f"] for name in ("easy", "hard")] == [1.0, 0.0]
    assert (tmp_path / "out" / "predictions" / "easy" / "One.json").is_file()
    grid = report["conditions"]["easy"]["grid"]
    assert grid == {"recordings": 1, "f": 0.66667, "cmlt": 0.0, "amlt": 1.0, "downbeat_f": 0.66667}
    assert "| easy | 66.7 | 0.0 | 100.0 | 66.7 |" in (tmp_path / "out" / "report.md").read_text()


def test_a_condition_may_stay_out_of_the_mean(tree: dict[str, object]) -> None:
    config = parse_config(ConditionsConfig, tree, "test")
    easy, hard = config.conditions
    config = config.model_copy(update={"conditions": (easy, hard.model_copy(update={"counts": False}))})
    assert judge_conditions(config, transcribe, system="ours", find_tempo=half_tempo).headline["f"] == 1.0


def test_a_pattern_without_recordings_is_an_error(tree: dict[str, object]) -> None:
    config = parse_config(ConditionsConfig, tree | {"drumless": ["nowhere/*.ogg"]}, "test")
    with pytest.raises(ConfigError, match=r"nowhere/\*\.ogg: no such recording"):
        judge_conditions(config, transcribe, system="ours", find_tempo=half_tempo)


def test_a_configuration_tells_by_its_keys_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("conditions: []\n")
    (tmp_path / "other.yaml").write_text("truths: []\n")
    assert [is_conditions(tmp_path / name) for name in ("one.yaml", "other.yaml", "none.yaml")] == [True, False, False]
