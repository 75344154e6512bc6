"""The released model is as accurate as it was: a drop of more than 0.01 in F fails."""

import json
from pathlib import Path

import pytest
from tests.golden.accuracy import measure

from drumline.transcription.engine import Engine, open_engine

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "accuracy" / "golden.json").read_text())
MOST_LOST = 0.01


@pytest.fixture(scope="module")
def engine() -> Engine:
    return open_engine()


def test_rendered_songs_are_heard_as_well_as_before(engine: Engine) -> None:
    assert measure.f5(engine, measure.rendered()) > GOLDEN["rendered"] - MOST_LOST


@pytest.mark.usefixtures("corpus")
def test_the_development_set_is_heard_as_well_as_before(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert measure.development(engine, tmp_path) > GOLDEN["development"] - MOST_LOST
