"""A real cluster on this machine: a head that does no work, and two nodes that do."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psutil
from ray._private import services
from ray.cluster_utils import Cluster
from tests.jobs.conftest import ROOT

_QUICK_TO_NOTICE = {"health_check_period_ms": 500, "health_check_timeout_ms": 2000, "health_check_failure_threshold": 3}
_STORE = 2**27
_PATIENCE_S = 300.0
FOR_ALL = {
    "PYTHONPATH": f"{ROOT / 'library'}:{ROOT}",
    # Ray's workers are nice to others (15): beside other work, faults would hit a cluster that does nothing.
    "RAY_worker_niceness": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}

Node = Any
"""Ray's ``ray._private.node.Node``."""


@contextmanager
def three_nodes(*, cpus: int = 1, of_the_last: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """The cluster, with ``cpus`` on each working node; ``of_the_last`` are variables of one of them alone."""
    with patch.dict(os.environ, FOR_ALL), patch.object(services, "get_node", _patiently):
        head = {"num_cpus": 0, "object_store_memory": _STORE, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args={**head, "_system_config": _QUICK_TO_NOTICE})
        try:
            cluster.add_node(num_cpus=cpus, object_store_memory=_STORE)
            with patch.dict(os.environ, of_the_last or {}):
                cluster.add_node(num_cpus=cpus, object_store_memory=_STORE)
            yield cluster
        finally:
            cluster.shutdown()


def _patiently(address: str, node_id: str, get: Callable[[str, str], Any] = services.get_node) -> Any:
    """What Ray knows of a node that is starting: it would wait for 30 s, which a busy machine needs alone."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return get(address, node_id)
        except RuntimeError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.5)


def processes(node: Node) -> list[psutil.Process]:
    """A node's daemon and all that it started."""
    (daemon,) = node.all_processes["raylet"]
    try:
        process = psutil.Process(daemon.process.pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def at_work(cluster: Cluster, worker: str) -> tuple[Node, psutil.Process] | None:
    """A process of a working node whose command line says what it does, and that node; None where there is none."""
    for node in cluster.worker_nodes:
        for process in processes(node):
            if worker in command_line(process):
                return node, process
    return None
