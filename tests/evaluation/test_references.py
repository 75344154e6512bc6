"""The truth: out of a dataset's tables it is the same as out of the charts."""

from pathlib import Path

import pytest
from tests.evaluation.conftest import write_songs

from drumline.core.errors import ConfigError
from drumline.core.hits import Hit
from drumline.core.vocabularies import LABEL_NAMES
from drumline.evaluation.references import ReferenceConfig, ReferenceSong, find_references


@pytest.mark.parametrize(("lanes_are_truth", "label"), [(False, "cymbal"), (True, "ride")])
def test_a_lane_is_a_guess_unless_it_is_said_to_be_the_truth(lanes_are_truth: bool, label: str, tmp_path: Path) -> None:
    hits = [Hit(0.5, "ride", evidence="gem"), Hit(1.0, "ride", evidence="annotation"), Hit(1.5, "kick", evidence="gem")]
    roots = [{"uri": str(write_songs(tmp_path / "songs", {"One": hits}))}]
    config = ReferenceConfig.model_validate({"roots": roots, "lanes_are_truth": lanes_are_truth}, strict=False)
    (song,) = find_references(config)
    assert ReferenceSong.from_json(song.to_json()) == song
    assert [LABEL_NAMES[number] for number in song.read().events.label] == [label, "ride", "kick"]


def test_a_truth_has_one_place() -> None:
    for tree in ({}, {"dataset": "a", "roots": [{"uri": "b"}]}):
        with pytest.raises(ValueError, match="set either `dataset` or `roots`"):
            ReferenceConfig.model_validate(tree, strict=False)
    with pytest.raises(ConfigError, match="no such folder"):
        find_references(ReferenceConfig.model_validate({"roots": [{"uri": "nowhere"}]}, strict=False))
