"""Connect to Ray: the cluster that a job was submitted to, or a private one on this machine."""

import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
import ray.data  # sets its loggers up, which quieten changes

import drumline
from drumline.core.config import Config
from drumline.runtime.quiet import WORKER_HOOK, quieten

log = logging.getLogger("drumline")


class RayConfig(Config):
    """Where and how wide to run."""

    address: str = ""
    """``auto`` or ``ray://...`` for a running cluster, ``local`` for a private one. Empty: RAY_ADDRESS, else local."""
    num_cpus: int | None = None
    """Logical CPUs of a private cluster; all of this machine if empty."""
    object_store_mb: int = 512
    """Object store of a private cluster [MiB]: rows are small, audio never passes through it."""


@contextmanager
def session(config: RayConfig) -> Iterator[dict[str, Any]]:
    """A connection to Ray, closed at the end; yields what it runs on, for the run's report."""
    address = config.address or os.environ.get("RAY_ADDRESS", "") or "local"
    already = ray.is_initialized()
    if not already:
        local: dict[str, Any] = {}
        if address == "local":
            local = {
                "num_cpus": config.num_cpus,
                "include_dashboard": False,
                "object_store_memory": config.object_store_mb * 2**20,
                # A private cluster's workers find this very checkout, whatever is installed.
                "runtime_env": {
                    "env_vars": {"PYTHONPATH": _python_path()},
                    "worker_process_setup_hook": WORKER_HOOK,
                },
            }
        quieten()
        # What workers log (the traceback behind an unexpected_error) and how they die is told at the driver too.
        ray.init(address=address, log_to_driver=True, logging_level=logging.WARNING, **local)
    about = {
        "address": address,
        "nodes": len([node for node in ray.nodes() if node["Alive"]]),
        "cpus": ray.cluster_resources().get("CPU", 0.0),
        "gpus": ray.cluster_resources().get("GPU", 0.0),
        "ray": ray.__version__,
        "code": code_version(),
    }
    log.info("drumline %(code)s on Ray %(ray)s at %(address)s: %(nodes)d node(s), %(cpus)g CPUs", about)
    try:
        yield about
    finally:
        if not already:
            ray.shutdown()


def code_version() -> str:
    """Version, commit and place of the running code: a stale wheel on a cluster shows here."""
    package = Path(drumline.__file__).parent
    commit = ""
    if git := shutil.which("git"):  # containers of cluster nodes often have none
        command = [git, "-C", str(package), "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return f"{drumline.__version__}{'+' + commit if commit else ''} from {package}"


def _python_path() -> str:
    package_root = str(Path(drumline.__file__).parents[1])
    rest = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != package_root]
    return os.pathsep.join([package_root, *rest])
