"""The job: a checkpoint and a dataset in, a package out, or none where a graph says something else."""

from pathlib import Path

import pytest
from tests.dataset.small_dataset import write_dataset
from tests.export.tiny import SIZE, tiny_network

from drumline.core.config import canonical_json
from drumline.core.errors import ConfigError, DrumlineError
from drumline.dataset.manifest import FileEntry, read_manifest
from drumline.decoding.calibration import Calibration, LabelCalibration, write_calibration
from drumline.decoding.model_package import read_package
from drumline.export.config import ExportConfig
from drumline.export.export import export
from drumline.training.checkpoints import Checkpoint
from drumline.training.config import TrainConfig
from drumline.training.progress import Progress, StageConfig
from drumline.transcription.engine import open_engine


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ExportConfig:
    folder = tmp_path_factory.mktemp("export")
    dataset = write_dataset(folder / "dataset", num_songs=2)
    shards = [
        FileEntry(path=f"shards/{path.name}", bytes=0, sha256="") for path in (folder / "dataset/shards").iterdir()
    ]
    manifest = read_manifest(dataset).model_copy(update={"files": tuple(shards)})
    (folder / "dataset/manifest.json").write_text(canonical_json(manifest))
    training = TrainConfig.model_validate(
        {"name": "try", "dataset": dataset, "output": "", "stages": [StageConfig(name="one", epochs=1)],
         "model": {"preset": "small", **SIZE}},
        strict=False,
    )  # fmt: skip
    checkpoint = Checkpoint(
        config=training.model_dump_json(),
        dataset="d" * 16,
        run="r" * 16,
        progress=Progress().to_tree(),
        metrics={"f5_50": 0.5},
        model=tiny_network().state_dict(),
    )
    (folder / "best.pt").write_bytes(checkpoint.to_bytes())
    write_calibration(Calibration(labels={"kick": LabelCalibration(threshold=0.6)}), str(folder / "thresholds.json"))
    return ExportConfig(
        checkpoint=str(folder / "best.pt"),
        output=str(folder / "tiny-1.0"),
        name="tiny",
        version="1.0",
        thresholds=str(folder / "thresholds.json"),
        dataset=dataset,
        calibration_recordings=2,
        parity_split="train",
        parity_recordings=1,
        parity_seconds=5.0,
    )


def test_a_package_is_whole_and_says_what_it_is(config: ExportConfig) -> None:
    made = export(config)
    package = read_package(made.folder)
    assert package == made.package
    assert package.precisions == ("float32", "int8", "float16")
    assert package.parity["float32"].max_difference < 1e-4 < package.parity["int8"].max_difference
    assert "class_thresholds.json" in package.files
    card = (made.folder / "card.md").read_text()
    assert "# tiny 1.0" in card
    assert "| f5_50 | 0.500 |" in card
    engine = open_engine(str(made.folder))
    assert (engine.precision, engine.preset) == ("int8", "default")
    assert engine.calibration is not None


def test_beyond_the_limits_there_is_no_package(config: ExportConfig) -> None:
    export(config)
    strict = config.model_copy(update={"limits": {"int8": config.limits["float32"]}})
    with pytest.raises(DrumlineError, match="beyond the limits: int8: mean difference"):
        export(strict)
    with pytest.raises(ConfigError, match="no model package"):
        read_package(Path(config.output))


def test_a_split_that_is_not_there_is_told_before_any_work(config: ExportConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no recordings in its split 'test'"):
        export(config.model_copy(update={"parity_split": "test", "output": str(tmp_path / "none")}))
    assert not (tmp_path / "none").exists()
