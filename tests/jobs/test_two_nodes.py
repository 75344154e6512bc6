"""A build on a cluster of several nodes, one of which is killed while it works: the same bytes as without."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster
from tests.jobs.conftest import MANY, config_for, content, products

from drumline.core.artifacts import read_bytes
from drumline.dataset.build import build
from drumline.dataset.verify import verify
from drumline.rendering.demo_library import make_demo_library
from drumline.runtime.session import RayConfig, session

pytestmark = pytest.mark.ray
QUICK_TO_NOTICE = {"health_check_period_ms": 500, "health_check_timeout_ms": 2000, "health_check_failure_threshold": 3}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head that does no work, and two nodes of one CPU each."""
    head = {"num_cpus": 0, "object_store_memory": 2**27, "_system_config": QUICK_TO_NOTICE}
    made = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(2):
            made.add_node(num_cpus=1, object_store_memory=2**27)
        yield made
    finally:
        made.shutdown()


def test_a_node_killed_in_the_middle_costs_nothing_but_time(cluster: Cluster, tmp_path: Path) -> None:
    make_demo_library(tmp_path / "library", MANY)
    whole, broken = (config_for(tmp_path / "library", tmp_path / name, cluster.address) for name in ("whole", "broken"))
    with session(RayConfig(address=cluster.address)) as about:
        assert (about["nodes"], about["cpus"]) == (3, 2)
        undisturbed = build(whole)
        victim = next(iter(cluster.worker_nodes))
        killed_at: list[int] = []

        def kill_in_the_middle() -> None:
            deadline_s = time.monotonic() + 120
            while len(products(broken.output)) < 6 and time.monotonic() < deadline_s:
                time.sleep(0.02)
            killed_at.append(len(products(broken.output)))
            cluster.remove_node(victim, allow_graceful=False)  # SIGKILL

        killer = threading.Thread(target=kill_in_the_middle)
        killer.start()
        result = build(broken)
        killer.join()
        assert 6 <= killed_at[0] < len(MANY)
        assert sum(node["Alive"] for node in ray.nodes()) == 2
    assert verify(result.output)[1] == []
    assert content(result.output) == content(undisturbed.output)
    assert result.counts.songs >= 30
    report = json.loads(read_bytes(result.report))
    assert (report["songs"], report["outcome"]) == (len(MANY), "finished")
