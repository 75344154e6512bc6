"""Calibration: what was put wrong on purpose is found, and putting it right helps on other songs."""

from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.conftest import config_for, write_predictions, write_songs

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError, DrumlineError
from drumline.core.grid import HIGH
from drumline.core.hits import Hit
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import read_calibration
from drumline.evaluation.calibrate import CalibrationConfig, calibrate
from drumline.evaluation.evaluate import evaluate

LATE_S, TEMPERATURE = {"kick": 0.012, "crash": -0.008}, 2.5


def a_song(seed: int) -> tuple[list[Hit], list[dict[str, object]]]:
    """Strokes, and a system that is late or early, too sure, and adds doubtful hits that are honest about it."""
    rng = np.random.default_rng(seed)
    strokes, hits = [], []
    for label, late_s in LATE_S.items():
        for time_s in np.arange(1.0, 200.0, 0.5):
            honest = rng.uniform(0.02, 0.98)
            odds = (honest / (1 - honest)) ** TEMPERATURE
            if right := rng.uniform() < honest:
                strokes.append(Hit(float(time_s), label))
            at_s = time_s + late_s + rng.normal(0, 0.002) + (0.0 if right else 0.25)
            hits.append({"time_s": float(at_s), "label": label, "confidence": float(odds / (1 + odds))})
    return strokes, hits


def config(tmp_path: Path, **more: object) -> CalibrationConfig:
    tree = {
        "truth": {"roots": [{"uri": str(tmp_path / "songs")}]},
        "system": {"name": "model", "predictions": str(tmp_path / "system")},
        "output": str(tmp_path / "class_thresholds.json"),
    }
    return parse_config(CalibrationConfig, tree | more, "test")


@pytest.fixture
def dev_set(tmp_path: Path) -> Path:
    songs = {name: a_song(seed) for seed, name in enumerate(("One", "Two", "Three"))}
    write_songs(tmp_path / "songs", {name: strokes for name, (strokes, _) in songs.items()})
    write_predictions(tmp_path / "system", {name: hits for name, (_, hits) in songs.items()})
    return tmp_path


def test_what_was_put_wrong_is_found_and_helps_elsewhere(dev_set: Path) -> None:
    fitted = calibrate(config(dev_set))
    assert read_calibration(str(dev_set / "class_thresholds.json")) == fitted.calibration
    for label, late_s in LATE_S.items():
        found = fitted.calibration.labels[label]
        assert found.offset_s == pytest.approx(-late_s, abs=0.0005)
        assert found.temperature == pytest.approx(TEMPERATURE, rel=0.2)
        assert 0.2 < found.threshold < 0.5  # half of the best F: Lipton, Elkan, Naryanaswamy 2014
        before, after = fitted.f[label]
        assert after > before

    strokes, hits = a_song(9)
    songs = write_songs(dev_set / "other", {"Nine": strokes})
    predictions = write_predictions(dev_set / "nine", {"Nine": hits})
    plain = {"name": "plain", "predictions": str(predictions)}
    put_right = {**plain, "name": "put right", "calibration": str(dev_set / "class_thresholds.json")}
    report = evaluate(config_for(songs, [plain, put_right], dev_set / "out")).report
    one, two = report.truths[0].systems
    assert two.at("5", 50.0).micro.f.value > one.at("5", 50.0).micro.f.value
    assert two.reliability.expected_error < one.reliability.expected_error / 2
    assert abs(two.timing["kick"].median_ms) < 1 < one.timing["kick"].median_ms


def test_equal_inputs_give_an_equal_file_and_others_another_fingerprint(dev_set: Path) -> None:
    first = calibrate(config(dev_set)).calibration
    assert calibrate(config(dev_set)).calibration == first
    assert calibrate(config(dev_set, window_s=0.04)).calibration.fingerprint != first.fingerprint


def test_rare_labels_and_what_is_not_asked_for_stay_as_they_are(dev_set: Path) -> None:
    rare = calibrate(config(dev_set, min_strokes=10_000)).calibration.labels["kick"]
    plain = calibrate(config(dev_set, temperatures=False, thresholds=False, offsets=False)).calibration.labels["kick"]
    for label in (rare, plain):
        assert (label.temperature, label.threshold, label.offset_s) == (1.0, 0.0, 0.0)


def test_activations_give_candidates_below_the_present_threshold(tmp_path: Path) -> None:
    strokes = [Hit(0.5 * n, "kick") for n in range(1, 60)]
    write_songs(tmp_path / "songs", {"One": strokes})
    kick = np.zeros((HIGH.num_frames(22_050 * 31), 1), dtype=np.float32)
    kick[HIGH.frame([hit.time_s for hit in strokes])] = 0.25
    kick[HIGH.frame([hit.time_s + 0.2 for hit in strokes])] = 0.125
    flat = np.zeros(len(kick), dtype=np.float32)
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "One.npz").write_bytes(Activations(HIGH, ("kick",), kick, flat, flat, kick).to_bytes())
    system = {"name": "model", "activations": str(tmp_path / "frames")}
    fitted = calibrate(config(tmp_path, system=system, temperatures=False))
    assert fitted.f["kick"] == (0.0, 1.0)
    assert fitted.calibration.labels["kick"].threshold == pytest.approx(0.1875)

    systems = [system, {**system, "name": "put right", "calibration": str(tmp_path / "class_thresholds.json")}]
    report = evaluate(config_for(tmp_path / "songs", systems, tmp_path / "out")).report
    assert [each.at("5", 50.0).micro.f.value for each in report.truths[0].systems] == [0.0, 1.0]


CLASSES = ("kick", "snare_head", "snare_rim", "tom_high", "hihat_closed", "hihat_open", "ride_body", "crash")
TAKEN_FOR = {"tom_high": "hihat_closed", "crash": "ride_body", "kick": "hihat_closed"}


def a_band(seed: int) -> tuple[list[Hit], Activations]:
    """Strokes, and activations that are late and take whatever is easily mixed up for one another."""
    rng = np.random.default_rng(seed)
    strokes: list[Hit] = []
    heard = rng.uniform(0, 0.01, (HIGH.num_frames(22_050 * 41), len(CLASSES)))
    for time_s in np.arange(0.5, 40, 0.25):
        frame = int(HIGH.frame(time_s)) - 1
        drums = [("kick",), ("snare_head", "snare_rim"), ("tom_high",), ("hihat_closed", "hihat_open"), CLASSES[6:]]
        for drum in [drums[index] for index in rng.permutation(5)[: rng.integers(1, 4)]]:
            played = str(rng.choice(drum))
            strokes.append(Hit(float(time_s), played))
            heard[frame, CLASSES.index(played)] += rng.beta(5, 2) * 0.7
            for kind in drum:
                heard[frame, CLASSES.index(kind)] += rng.beta(1, 3) * 0.25
            if played in TAKEN_FOR and rng.uniform() < 0.5:
                heard[frame, CLASSES.index(TAKEN_FOR[played])] += rng.beta(2, 3)
        if rng.uniform() < 0.3:
            heard[int(HIGH.frame(time_s + 0.125)), rng.integers(len(CLASSES))] += rng.beta(2, 4)
    heard = np.minimum(heard, 0.99).astype(np.float32)
    late = rng.uniform(-0.2, 0.2, len(heard)).astype(np.float32)
    return strokes, Activations(HIGH, CLASSES, heard, heard.max(axis=1), late, np.zeros_like(heard))


@pytest.mark.parametrize(
    "decoding",
    [
        "default",
        "aggressive",
        {"threshold": 0.4, "spacing_ms": 40.0, "ride_crash_margin": 0.0},
        {"threshold": 0.9, "one_kind": True, "ride_crash_margin": 0.2, "onset_threshold": 0.3},
    ],
)
def test_what_calibration_reports_is_what_evaluation_finds(tmp_path: Path, decoding: object) -> None:
    songs = {name: a_band(seed) for seed, name in enumerate(("One", "Two"))}
    write_songs(tmp_path / "songs", {name: strokes for name, (strokes, _) in songs.items()})
    (tmp_path / "frames").mkdir()
    for name, (_, activations) in songs.items():
        (tmp_path / "frames" / f"{name}.npz").write_bytes(activations.to_bytes())
    system = {"name": "plain", "activations": str(tmp_path / "frames"), "decoding": decoding}
    fitted = calibrate(config(tmp_path, system=system))
    calibrated = {**system, "name": "calibrated", "calibration": str(tmp_path / "class_thresholds.json")}
    report = evaluate(config_for(tmp_path / "songs", [system, calibrated], tmp_path / "out")).report
    systems = report.truths[0].systems
    evaluated = {
        name: tuple(each.at(vocabulary, 50.0).classes[name].f.value for each in systems)
        for vocabulary in ("5", "8", "12")
        for name in systems[0].at(vocabulary, 50.0).classes
    }
    assert set(CLASSES) <= fitted.f.keys() <= evaluated.keys()
    assert fitted.f == {name: pytest.approx(evaluated[name], abs=1e-6) for name in fitted.f}
    assert all(label.threshold > 0 for label in fitted.calibration.labels.values())
    # It helps, unless the preset moves away from the best on purpose.
    if decoding != "aggressive":
        assert sum(now - before for before, now in (fitted.f[name] for name in fitted.calibration.labels)) > 0


def test_a_kind_that_is_told_too_often_is_told_less(tmp_path: Path) -> None:
    strokes = [Hit(0.5 * n, "hihat_open" if n % 10 == 0 else "hihat_closed") for n in range(1, 100)]
    write_songs(tmp_path / "songs", {"One": strokes})
    classes = ("hihat_closed", "hihat_open")
    heard = np.zeros((HIGH.num_frames(22_050 * 51), 2), dtype=np.float32)
    for hit in strokes:
        heard[HIGH.frame(hit.time_s)] = (0.1, 0.7) if hit.label == "hihat_open" else (0.35, 0.45)
    flat = np.zeros(len(heard), dtype=np.float32)
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "One.npz").write_bytes(Activations(HIGH, classes, heard, flat, flat, heard).to_bytes())
    system = {"name": "model", "activations": str(tmp_path / "frames"), "decoding": "default"}
    kinds = calibrate(config(tmp_path, system=system)).calibration.labels["hihat"].kinds
    assert kinds["hihat_closed"] == 0.0
    assert -2.0 <= kinds["hihat_open"] < -np.log(0.45 / 0.35)
    assert calibrate(config(tmp_path, system=system, kinds=False)).calibration.labels["hihat"].kinds == {}


def test_what_cannot_be_fitted_is_told(dev_set: Path) -> None:
    with pytest.raises(ConfigError, match="fitting on the test split would invalidate it"):
        config(dev_set, truth={"dataset": "somewhere"})
    write_predictions(
        dev_set / "system", {name: [{"time_s": 1.0, "label": "kick"}] for name in ("One", "Two", "Three")}
    )
    with pytest.raises(DrumlineError, match="no hit has a confidence"):
        calibrate(config(dev_set))
