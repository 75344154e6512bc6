"""class_thresholds.json: what it does to hits, and that it is read as it was written."""

import json
from pathlib import Path

import numpy as np
import pytest

from drumline.core.errors import ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import LABEL_NAMES
from drumline.decoding.calibration import (
    Calibration,
    LabelCalibration,
    read_calibration,
    write_calibration,
)

FITTED = Calibration(
    fingerprint="0123456789abcdef",
    labels={"kick": LabelCalibration(temperature=2.0, threshold=0.6, offset_s=0.01, num_references=3, num_matched=2)},
)


def test_a_hit_is_moved_and_kept_by_its_own_label() -> None:
    hits = Events.of([1.0, 1.005, 2.0, 3.0], ["kick", "snare", "kick", "kick"], confidence=[0.9, 0.1, 0.5, np.nan])
    found = FITTED.apply(hits)
    assert [LABEL_NAMES[label] for label in found.label] == ["snare", "kick", "kick"]  # the first kick now comes second
    assert found.time_s == pytest.approx([1.005, 1.01, 3.01])
    assert found.confidence == pytest.approx([0.1, 0.75, np.nan], nan_ok=True)  # logit(0.9) / 2 = logit(0.75)


def test_a_column_of_activations_has_its_own_temperature() -> None:
    columns = FITTED.temper([[0.9, 0.9], [0.2, 1.0]], ("kick", "snare"))
    assert columns == pytest.approx(np.array([[0.75, 0.9], [1 / 3, 1.0]]))


def test_read_is_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "class_thresholds.json"
    write_calibration(FITTED, str(file))
    assert read_calibration(str(file)) == FITTED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2, this drumline reads up to 1"),
        ({"labels": {"kik": {}}}, "'kik' is not one of kick"),
        ({"labels": {"kick": {"treshold": 0.5}}}, "unknown key; did you mean"),
        ({"labels": {"hihat": {"kinds": {"ride_bell": 1.0}}}}, "'ride_bell' is no kind of hihat"),
        ({"labels": {"kick": {"temperature": 0}}}, "greater than 0"),
    ],
)
def test_a_fault_is_named(change: dict[str, object], message: str, tmp_path: Path) -> None:
    file = tmp_path / "class_thresholds.json"
    file.write_text(json.dumps(FITTED.model_dump(mode="json") | change))
    with pytest.raises(ConfigError, match=message):
        read_calibration(str(file))
