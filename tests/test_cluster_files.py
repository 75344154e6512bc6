"""The cluster files load and pass Ray's own validation."""

from pathlib import Path

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["ray_cluster.yaml", "configs/cluster/onprem.yaml"])
def test_ray_accepts_the_cluster_file(name: str) -> None:
    config = yaml.safe_load((ROOT / name).read_text())
    validate_config(prepare_config(config))


def test_the_cloud_cluster_scales_gpu_workers_from_zero() -> None:
    types = yaml.safe_load((ROOT / "ray_cluster.yaml").read_text())["available_node_types"]
    assert types["gpu_worker"]["min_workers"] == 0
    assert types["gpu_worker"]["resources"]["GPU"] == 1
    assert types["head"]["resources"]["CPU"] == 0


def test_the_runtime_environment_names_the_library() -> None:
    environment = yaml.safe_load((ROOT / "configs" / "runtime_env.yaml").read_text())
    assert environment["working_dir"] == "."
    assert (ROOT / environment["env_vars"]["PYTHONPATH"] / "drumline" / "__init__.py").exists()
