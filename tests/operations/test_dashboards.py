"""What the dashboards draw is what we and Ray tell. That it is really told: `make operations`."""

import re
from pathlib import Path

import pytest
import ray
import yaml
from ray._common.utils import get_default_ray_temp_dir
from ray._private.ray_constants import PROMETHEUS_SERVICE_DISCOVERY_FILE
from tests.operations.dashboards import DASHBOARDS, ROOT, panels, queries, series

OURS = re.compile(r'"(drumline_\w+)",\s+(?:"|description=)')
SUFFIX = re.compile(r"_(?:total|bucket)$")


def of_ours() -> set[str]:
    """Names of metrics in this repository."""
    sources = [ROOT / "library" / "drumline" / "runtime" / "metrics.py", *(ROOT / "serve").glob("*.py")]
    return {f"ray_{name}" for path in sources for name in OURS.findall(path.read_text(encoding="utf-8"))}


def of_ray() -> set[str]:
    """Names that Ray's own dashboards draw."""
    folder = Path(ray.__file__).parent / "dashboard" / "modules" / "metrics" / "dashboards"
    return {name for path in folder.glob("*.py") for name in re.findall(r"\bray_\w+", path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_series_is_told_by_somebody(path: Path) -> None:
    ours = {name for name in series(path) if name.startswith("ray_drumline_")}
    assert {SUFFIX.sub("", name) for name in ours} <= of_ours()
    assert series(path) - ours <= of_ray()


def test_every_number_of_ours_is_drawn() -> None:
    drawn = {SUFFIX.sub("", name) for path in DASHBOARDS for name in series(path)}
    assert of_ours() <= drawn


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_grafana_can_lay_it_out(path: Path) -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels(path)]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in panels(path)})
    for query in queries(path):
        assert query.count("(") == query.count(")")
        assert query.count("{") == query.count("}")


def test_prometheus_looks_where_ray_says() -> None:
    config = yaml.safe_load((ROOT / "configs" / "cluster" / "prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    (files,) = (found["files"] for found in job["file_sd_configs"])
    assert files == [f"{get_default_ray_temp_dir()}/{PROMETHEUS_SERVICE_DISCOVERY_FILE}"]
