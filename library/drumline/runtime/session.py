"""Connect to Ray: a running cluster, or a private one on this machine."""

import logging
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import ray
import ray.data  # sets up loggers that reduce_ray_logging changes
from ray._private import ray_constants, services

import drumline
from drumline.core.errors import ConfigError, DrumlineError
from drumline.runtime.config import RayConfig
from drumline.runtime.ray_logging import WORKER_HOOK, reduce_ray_logging

log = logging.getLogger("drumline")

_CONNECT_TIMEOUT_S: Final = 5.0
"""Time limit for a TCP connection to a running cluster [s]. Ray itself would try for a minute."""
_CLIENT_PORT: Final = 10001
"""Default port of ``ray://`` addresses."""
_START_ATTEMPTS: Final = 4
"""Ray gives its own processes 30 s to start, which a busy machine can exceed."""
_CLUSTER_VARIABLE: Final = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Environment variable; 0 makes Ray treat this machine as a whole cluster and listen on loopback only: the default on
macOS and Windows."""


@contextmanager
def session(config: RayConfig) -> Iterator[dict[str, Any]]:
    """Connect to Ray for as long as the block runs.

    Parameters
    ----------
    config
        Address or size of the cluster.

    Yields
    ------
    dict
        Address, nodes, CPUs, GPUs and versions, for the run report.

    Raises
    ------
    ConfigError
        No cluster responds at the address.
    DrumlineError
        A private cluster does not start.
    """
    address = config.address or os.environ.get("RAY_ADDRESS", "") or "local"
    already = ray.is_initialized()
    if not already:
        local: dict[str, Any] = {}
        if address == "local":
            local = {
                "num_cpus": config.num_cpus,
                "include_dashboard": False,
                "object_store_memory": config.object_store_mb * 2**20,
                # Workers of a private cluster import this checkout, whatever is installed.
                "runtime_env": {
                    "env_vars": {"PYTHONPATH": _python_path()},
                    "worker_process_setup_hook": WORKER_HOOK,
                },
            }
        reduce_ray_logging()
        if address == "local":
            with _listening(config.listen):
                _start(local)
        else:
            _connect(address)
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


def _start(options: dict[str, Any]) -> None:
    """Start a private cluster. Raises DrumlineError if it does not start."""
    for attempt in range(1, _START_ATTEMPTS + 1):
        try:
            _init("local", **options)
        except Exception as error:  # Ray raises a plain Exception where its processes do not start in time
            ray.shutdown()
            if "timed out" not in str(error):
                raise DrumlineError(f"Ray does not start on this machine ({_first_line(error)})") from error
            if attempt == _START_ATTEMPTS:
                raise DrumlineError(
                    f"Ray did not start in {attempt} attempts of 30 s; is this machine busy, or out of memory?"
                ) from error
            log.warning("Ray did not start within 30 s, as on a busy machine: attempt %d follows", attempt + 1)
        else:
            return


def _connect(address: str) -> None:
    """Connect to a running cluster. Raises ConfigError if none responds."""
    hint = "is the cluster running? RAY_ADDRESS or run.ray.address names it; `local` starts a private one"
    try:
        socket.create_connection(_host_and_port(address), timeout=_CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        raise ConfigError(f"Ray address {address!r}: nothing answers ({_first_line(error)}); {hint}") from error
    try:
        _init(address)
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        ray.shutdown()
        raise ConfigError(f"Ray address {address!r}: no connection ({_first_line(error)}); {hint}") from error


def _host_and_port(address: str) -> tuple[str, int]:
    """Host and port of a running cluster. Raises ValueError or ConnectionError if the address has none."""
    if "://" in address:
        parts = urlsplit(address)
        return parts.hostname or "", parts.port or _CLIENT_PORT
    target = services.canonicalize_bootstrap_address(address)
    if target is None:
        raise ConnectionError("no running cluster was found on this machine")
    host, port = services.extract_ip_port(target)
    return str(host), int(port)


def _init(address: str, **options: Any) -> None:
    # Logs of workers (the traceback of an unexpected_error) and their crashes are forwarded to the driver.
    ray.init(address=address, log_to_driver=True, logging_level=logging.WARNING, **options)


@contextmanager
def _listening(interfaces: str) -> Iterator[None]:
    """Set the environment in which a private cluster's processes start."""
    variable, constant = os.environ.get(_CLUSTER_VARIABLE), ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = interfaces == "all"  # of this process, which has read the variable already
    os.environ[_CLUSTER_VARIABLE] = str(int(interfaces == "all"))
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = constant
        os.environ.pop(_CLUSTER_VARIABLE)
        if variable is not None:
            os.environ[_CLUSTER_VARIABLE] = variable


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300] or type(error).__name__


def code_version() -> str:
    """Version, commit and folder of the running code, which reveals a stale installation on a cluster."""
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
