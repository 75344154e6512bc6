"""A build that separates: the real package with a tiny random model, in real actors, once and never again."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.audio.tiny_demucs import save_bag, save_safetensors, tiny_model
from tests.dataset.conftest import ConfigMaker

from drumline.core.errors import DrumlineError
from drumline.dataset.build import build
from drumline.dataset.config import BuildConfig

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")]


@pytest.fixture
def mixes(library: Path, tmp_path: Path) -> Path:
    """Two songs of the demo library that come as a mix, one with a stem."""
    folder = tmp_path / "library"
    for prefix in ("01", "05", "06"):
        song = next(library.glob(f"{prefix} *"))
        shutil.copytree(song, folder / song.name)
    return folder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    save_safetensors(tiny_model(seed=0), folder, "tiny")
    save_bag(folder, "htdemucs", ["tiny"])
    return folder


def separating(config_for: ConfigMaker, mixes: Path, weights: Path, output: Path, **separation: object) -> BuildConfig:
    settings = {"backend": "demucs", "weights": str(weights), "gate_db": -100.0, "num_cpus": 0.5, **separation}
    # Random drums fit no chart: force, because what is tested here is the way and not the model.
    return config_for(output, roots=[{"uri": str(mixes)}], separation=settings, alignment={"force": True})


def rows(config: BuildConfig) -> list[tuple[str, str, bool]]:
    table = pq.read_table(f"{config.output}/songs.parquet").to_pylist()
    return sorted((row["title"], row["domain"], row["stem_to_mix_db"] is None) for row in table)


def test_mixes_are_separated_once_and_the_gate_falls_back_to_the_mix(
    config_for: ConfigMaker, mixes: Path, weights: Path, tmp_path: Path
) -> None:
    config = separating(config_for, mixes, weights, tmp_path / "set")
    build(config)
    assert rows(config) == [
        ("First Light", "stem", True),
        ("Slow Tide", "mix", False),
        ("Slow Tide", "separated", False),
        ("Thunder Road Crew", "mix", False),
        ("Thunder Road Crew", "separated", False),
    ]
    stems = sorted((tmp_path / "set" / "_work" / "stems").rglob("drums.flac"))
    made = [stem.stat().st_mtime_ns for stem in stems]
    assert len(stems) == 2

    gated = separating(config_for, mixes, weights, tmp_path / "gated", gate_db=100.0)
    gated = gated.model_copy(
        update={"separation": gated.separation.model_copy(update={"cache": str(stems[0].parents[2])})}
    )
    report = json.loads(Path(build(gated).report).read_text())
    assert [row for row in rows(gated) if row[1] == "separated"] == []
    assert all(row[2] is (row[1] == "stem") for row in rows(gated))  # the ratio is kept, the mix is taken
    assert [stem.stat().st_mtime_ns for stem in stems] == made  # nothing was separated again
    assert report["songs_separated"] == 0


def test_missing_weights_are_one_error_before_any_work(config_for: ConfigMaker, mixes: Path, tmp_path: Path) -> None:
    config = separating(config_for, mixes, tmp_path / "nowhere", tmp_path / "set")
    with pytest.raises(DrumlineError, match="research and personal use"):
        build(config)
    assert not (tmp_path / "set" / "_work").exists()
