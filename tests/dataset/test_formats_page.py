"""What docs/formats.md tells readers of a dataset to write, run on the demo dataset."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from drumline.audio.loudness import TARGET_LUFS, integrated_lufs
from drumline.dataset.build import BuildResult
from drumline.quality.health.check import HealthConfig
from drumline.quality.health.check import run as check
from drumline.quality.health.parallel import HealthRunConfig
from drumline.runtime.config import RayConfig
from drumline.runtime.session import session

pytestmark = pytest.mark.ray
PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
SNIPPETS = dict(re.findall(r"<!-- tested: (\w+) -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


def run(name: str, dataset: BuildResult, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names a snippet leaves behind, run in a folder where the demo was made."""
    (folder / "out/demo").mkdir(parents=True)
    (folder / "out/demo/dataset").symlink_to(dataset.output)
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(SNIPPETS[name], f"docs/formats.md: {name}", "exec"), names)
    return names


def test_pyarrow(dataset: BuildResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("pyarrow", dataset, tmp_path, monkeypatch)
    assert integrated_lufs(names["samples"]) == pytest.approx(TARGET_LUFS, abs=0.1)
    assert len(names["row"]["snare_presence_128"]) == len(names["samples"]) // 128 + 1


def test_ray_data(dataset: BuildResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with session(RayConfig(address="local", num_cpus=2)):
        counted = run("ray", dataset, tmp_path, monkeypatch)["counted"]
        # Here, because a session of its own would take longer than the rest of the test.
        on_ray = check(HealthConfig(events=dataset.output, run=HealthRunConfig(most_local_hits=0))).report
    assert on_ray == check(HealthConfig(events=dataset.output)).report
    events = pq.read_table(f"{dataset.output}/events.parquet").to_pylist()
    kicks = Counter((hit["song_id"], hit["domain"]) for hit in events if hit["label"] == "kick")
    rows = pq.read_table(f"{dataset.output}/songs.parquet", columns=["song_id", "domain", "split"]).to_pylist()
    assert len(counted) == sum(row["split"] == "train" for row in rows)
    assert all(0 < row["kicks"] <= kicks[row["song_id"], row["domain"]] for row in counted)


def test_torch(dataset: BuildResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("torch", dataset, tmp_path, monkeypatch)
    assert len(names["audio"]) // 128 + 1 == len(names["presence"]) == len(names["variation"])
    assert float(names["loss"]) == pytest.approx(np.log(2))
