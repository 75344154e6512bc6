"""Real charts and real recordings through `configs/build_dataset/real.yaml`; the performances are left out for time."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from drumline.core.config import load_config
from drumline.dataset.build import build
from drumline.dataset.config import BuildConfig
from drumline.dataset.verify import verify

pytestmark = pytest.mark.ray
ROOT = Path(__file__).parents[2]


def test_real_charts_and_recordings_become_a_dataset(corpus: Path, tmp_path: Path) -> None:
    roots = f"[{{uri: {corpus / 'charts'}, kind: songs}}, {{uri: {corpus / 'mdb'}}}]"
    overrides = [f"roots={roots}", f"output={tmp_path / 'set'}", "run.ray.num_cpus=2"]
    config = load_config(BuildConfig, ROOT / "configs" / "build_dataset" / "real.yaml", overrides)
    build(config)
    assert verify(config.output)[1] == []
    songs = pq.read_table(f"{config.output}/songs.parquet").to_pylist()

    recordings = [song for song in songs if song["format"] == "mdb"]
    assert len({song["song_id"] for song in recordings}) == 7
    assert sum(song["num_hits"] for song in recordings if song["domain"] == "stem") == 994
    assert {(song["split"], song["may_train"], song["alignment"]) for song in recordings} == {
        ("test", False, "trusted")
    }
    # The annotators heard each stroke some milliseconds late; told, and not moved.
    assert all(-0.015 < song["measured_offset_s"] < 0 for song in recordings)
    assert all(song["residual_ms"] < 8 and song["offset_s"] == 0 for song in recordings)

    charts = {song["key"]: song for song in songs if song["format"] in ("chart", "mid")}
    assert {song["domain"] for song in charts.values()} == {"rendered"}
    rejected = pq.read_table(f"{config.output}/rejected.parquet").to_pylist()
    # The same song in both formats: one of the two stays.
    assert len(charts) == 2
    assert [row["survivor"] in charts for row in rejected] == [True]
    assert "test." in rejected[0]["key"]
