"""The cluster files load and pass Ray's own validation."""

import re
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
    spot = {name for name, each in types.items() if "InstanceMarketOptions" in each["node_config"]}
    assert spot == {"cpu_spot", "gpu_spot"}
    assert types["cpu_worker"]["min_workers"] > 0  # something is left whatever the market does


@pytest.mark.parametrize("name", ["ray_cluster.yaml", "configs/cluster/onprem.yaml"])
def test_every_node_has_the_token_and_no_file_a_secret(name: str) -> None:
    text = (ROOT / name).read_text()
    config = yaml.safe_load(text)
    assert "~/.ray/auth_token" in config["file_mounts"].values()
    for commands in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert "RAY_AUTH_MODE=token" in config[commands][-1]
        assert "--metrics-export-port=8080" in config[commands][-1]  # where configs/cluster/prometheus.yaml looks
    assert not re.search(r"AKIA|aws_secret|password", text, re.IGNORECASE)


def test_the_runtime_environment_names_the_library() -> None:
    environment = yaml.safe_load((ROOT / "configs" / "runtime_env.yaml").read_text())
    assert environment["working_dir"] == "."
    assert (ROOT / environment["env_vars"]["PYTHONPATH"] / "drumline" / "__init__.py").exists()
