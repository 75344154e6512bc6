"""Decoder sweeps: each point scores what a whole decoding and its counts say, and the winner is a preset."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from tests.evaluation.conftest import write_songs

from drumline.cli import main
from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.core.grid import HIGH
from drumline.core.hits import Hit
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import decode
from drumline.decoding.presets import load_preset
from drumline.metrics.tally import columns_of, tally
from drumline.tuning.config import DecodingsConfig, SweepConfig
from drumline.tuning.decode_scorer import DecodeScorer, development_songs
from drumline.tuning.decodings import Points, check_decodings
from drumline.tuning.space import Space

CLASSES = ("kick", "snare_head", "snare_rim", "tom_floor", "hihat_closed", "crash")
SECONDS = 12.0


def a_song(seed: int) -> tuple[list[Hit], Activations]:
    """Strokes close together, and a model that is nearly sure of most and half sure of much else."""
    random = np.random.default_rng(seed)
    frames = round(SECONDS * HIGH.frame_rate_hz)
    probability = random.uniform(0, 0.3, (frames, len(CLASSES))) ** 2
    hits = []
    for time_s in np.cumsum(random.choice([0.02, 0.06, 0.2], 120)):
        column = int(random.integers(len(CLASSES)))
        if time_s < SECONDS - 0.2:
            hits.append(Hit(float(time_s), CLASSES[column]))
            probability[round(HIGH.frame(time_s)), column] = random.uniform(0.2, 0.9)
    for frame in random.integers(0, frames, 150):
        probability[frame, random.integers(len(CLASSES))] = random.uniform(0.1, 0.7)
    probability[0, 0] = 0.95  # whose offset would place it before its song
    offset, velocity = random.uniform(-1.5, 1.5, frames), random.uniform(0, 1, probability.shape)
    onset = probability.max(axis=1)
    parts = (each.astype(np.float32) for each in (probability, onset, offset, velocity))
    return hits, Activations(HIGH, CLASSES, *parts).rounded()


@pytest.fixture(scope="module")
def dev_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dev")
    songs = {f"Song {seed}": a_song(seed) for seed in range(4)}
    write_songs(folder / "songs", {name: hits for name, (hits, _) in songs.items()})
    (folder / "activations").mkdir()
    for name, (_, heard) in songs.items():
        (folder / "activations" / f"{name}.npz").write_bytes(heard.to_bytes())
    return folder


def tree(dev_set: Path, **system: Any) -> dict[str, Any]:
    return {
        "truth": {"roots": [{"uri": str(dev_set / "songs")}]},
        "system": {"name": "model", "activations": str(dev_set / "activations"), "decoding": "default", **system},
    }


def config_of(dev_set: Path, **system: Any) -> DecodingsConfig:
    return parse_config(DecodingsConfig, tree(dev_set, **system), "test")


def random_decoding(random: np.random.Generator) -> DecodeConfig:
    return DecodeConfig(
        threshold=float(random.uniform(0.02, 0.8)),
        thresholds={"kick": float(random.uniform(0.02, 0.8)), "snare": float(random.uniform(0.02, 0.8))},
        spacing_ms=float(random.uniform(0, 120)),
        spacings_ms={"tom_floor": float(random.uniform(0, 120))},
        reach_frames=int(random.integers(1, 4)),
        threshold_log_odds=float(random.uniform(-1, 1)),
        onset_threshold=float(random.choice([0.0, 0.3])),
        ride_crash_margin=float(random.uniform(0, 1)),
        one_kind=bool(random.integers(2)),
    )


def test_a_judge_counts_what_one_song_after_the_other_gives(dev_set: Path) -> None:
    config = config_of(dev_set)
    cases = development_songs(config)
    judge = DecodeScorer(cases, config)
    for seed in range(25):
        decoding = random_decoding(np.random.default_rng(seed))
        slow = 0
        for case in cases:
            heard = Activations.from_bytes(Path(case.activations).read_bytes(), case.activations)
            found = decode([heard], decoding).events
            slow = slow + tally(case.reference.read().events, found, windows_s=[0.05])[0, columns_of("5")]
        assert judge.counts(decoding).tolist() == np.asarray(slow).tolist(), decoding


def test_what_no_sweep_over_activations_can_do_is_told(dev_set: Path, tmp_path: Path) -> None:
    space = Space.of(_sweep(dev_set, tmp_path).space)
    assert check_decodings(_sweep(dev_set, tmp_path), space).one_kind
    with pytest.raises(ConfigError, match="`micro` reads audio again"):
        check_decodings(_sweep(dev_set, tmp_path, decoding="micro"), space)
    labels = {"kick": {"threshold": 0.3}}
    (tmp_path / "class_thresholds.json").write_text(
        parse_config(Calibration, {"labels": labels}, "t").model_dump_json()
    )
    with pytest.raises(ConfigError, match=r"space\.threshold: the calibration's thresholds stand above"):
        check_decodings(_sweep(dev_set, tmp_path, calibration=str(tmp_path / "class_thresholds.json")), space)
    with pytest.raises(ConfigError, match="chosen on the test split cannot be judged on it"):
        parse_config(DecodingsConfig, tree(dev_set) | {"truth": {"dataset": "d", "splits": ["test"]}}, "test")


def _sweep(dev_set: Path, output: Path, **system: Any) -> SweepConfig:
    sweep = {
        "name": "decoder",
        "output": str(output / "out"),
        "decode": tree(dev_set, **system),
        "space": {
            "threshold": {"uniform": [0.05, 0.8]},
            "spacing_ms": {"choice": [20.0, 40.0]},
        },
        "budget": {"trials": 250},
        "ray": {"address": "local", "num_cpus": 2},
    }
    return parse_config(SweepConfig, sweep, "test")


@pytest.mark.ray
@pytest.mark.timeout(600)
def test_a_sweep_finds_a_better_preset_and_goes_on(dev_set: Path, tmp_path: Path) -> None:
    config = _sweep(dev_set, tmp_path)
    file = tmp_path / "sweep.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    ran = CliRunner().invoke(main, ["tune", str(file)])
    assert ran.exit_code == 0, ran.output
    points = Points(config.output)
    assert points.batches == 2
    assert len(points.done) == 250
    ran = CliRunner().invoke(main, ["tune", str(file), "--resume", "budget.trials=300"])
    assert ran.exit_code == 0, ran.output
    more = Points(config.output)
    assert more.batches == 3
    assert len(more.done) == 300
    assert {id_: more.done[id_] for id_ in points.done} == points.done

    best = load_preset(f"{config.output}/winner.yaml")
    assert best.one_kind
    assert config.decode is not None
    judge = DecodeScorer(development_songs(config.decode), config.decode)

    def f(decoding: DecodeConfig) -> float:
        tp, fp, fn = judge.counts(decoding).sum(axis=0)
        return float(2 * tp / (2 * tp + fp + fn))

    assert f(best) == pytest.approx(max(trial.score or 0.0 for trial in more.done.values()))
    assert f(best) > f(config.decode.system.decoding)
    assert (Path(config.output) / "report.html").exists()
