"""Run a Ray Serve application of this checkout on a private Ray cluster, until a signal ends it.

The application is given by its import path, ``package.module:builder``, as in a file for ``serve deploy``.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from threading import Event
from types import FrameType, ModuleType
from typing import Any

import ray
from ray import serve
from ray._common.tls_utils import add_port_to_grpc_server
from ray.serve._private import replica
from ray.serve.config import HTTPOptions, ProxyLocation
from ray.serve.schema import LoggingConfig

import drumline
from drumline.core.errors import ConfigError
from drumline.runtime.config import RayConfig
from drumline.runtime.session import session

_PATH = "PYTHONPATH"
_NAME = "drumline"
_RAY = {
    # Ray's workers run at niceness 15 by default; here clients wait for responses.
    "RAY_worker_niceness": "0",
    # On a busy machine a proxy takes longer to import than the 5 s that Serve waits for it, three times, and longer to
    # respond than the 10 s after which Serve kills it with all its connections.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "120",
    # The same for Ray's own processes: by default a node is given up after 50 s without a response.
    "RAY_health_check_timeout_ms": "60000",
    "RAY_worker_register_timeout_seconds": "300",
    # Tracebacks of Serve's own parts go to Ray's log files alone.
    "RAY_SERVE_LOG_TO_STDERR": "0",
}
_PROXY_CALLBACK = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"


def module_of_checkout(name: str) -> ModuleType:
    """Import a module beside the library in its checkout, for this process and its workers.

    Parameters
    ----------
    name
        Import path, such as ``serve.settings``.

    Raises
    ------
    ConfigError
        drumline runs without its checkout.
    """
    root = Path(drumline.__file__).parents[2]
    if not (root / name.split(".")[0]).is_dir():
        raise ConfigError(f"{name}: not beside this drumline ({root}); run it from a checkout of the repository")
    if str(root) not in sys.path:
        sys.path.append(str(root))
    paths = [path for path in os.environ.get(_PATH, "").split(os.pathsep) if path]
    if str(root) not in paths:
        os.environ[_PATH] = os.pathsep.join([*paths, str(root)])
    return import_module(name)


def bind_replica_to_loopback() -> None:
    """Bind this replica's gRPC port to loopback if its node is on loopback; Serve binds it to all interfaces.

    Call it in the constructor of a deployment: the port is opened afterwards.
    """
    if not ray.is_initialized() or not ip_address(ray.util.get_node_ip_address()).is_loopback:
        return

    def add_port(server: Any, address: str) -> int:
        return int(add_port_to_grpc_server(server, address.replace("[::]", "127.0.0.1")))

    replica.add_port_to_grpc_server = add_port


@contextmanager
def running(
    import_path: str,
    args: dict[str, Any],
    *,
    host: str,
    port: int,
    num_cpus: int,
    proxy_callback: str = "",
    ray_is_up: Callable[[], None] = lambda: None,
) -> Iterator[str]:
    """Run an application for as long as the block runs.

    Parameters
    ----------
    import_path
        Import path of the builder, ``package.module:builder``.
    args
        Arguments of the builder.
    host, port
        Address of Serve's HTTP proxy; all other ports are bound to loopback.
    num_cpus
        Logical CPUs of the private Ray cluster.
    proxy_callback
        Import path of a function that returns the middlewares of Serve's HTTP proxy, if any.
    ray_is_up
        Called once Ray has started.

    Yields
    ------
    str
        URL of the application, once it is ready.

    Raises
    ------
    ConfigError
        The builder refuses its arguments.
    DrumlineError
        Ray does not start.
    """
    module, _, builder = import_path.partition(":")
    application = getattr(module_of_checkout(module), builder)(args)
    for name in ("ray.serve", "ray"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, value in _RAY.items():
        os.environ.setdefault(name, value)
    if proxy_callback:
        os.environ[_PROXY_CALLBACK] = proxy_callback
    with session(RayConfig(address="local", num_cpus=num_cpus, object_store_mb=128)):
        ray_is_up()
        serve.start(
            proxy_location=ProxyLocation.HeadOnly,
            http_options=HTTPOptions(host=host, port=port, keep_alive_timeout_s=30),
            logging_config=LoggingConfig(log_level="WARNING"),
        )
        try:
            serve.run(application, name=_NAME, route_prefix="/")
            yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
        finally:
            # Replicas finish their requests; Serve itself ends with its Ray. `serve.shutdown` would wait for a response
            # of an actor that ends itself instead, and Ray prints that failure to the console.
            serve.delete(_NAME)


def run(
    import_path: str,
    args: dict[str, Any],
    *,
    host: str,
    port: int,
    num_cpus: int,
    proxy_callback: str = "",
    on_ready: Callable[[str], None],
) -> None:
    """Run an application until SIGINT or SIGTERM.

    Parameters
    ----------
    import_path, args, host, port, num_cpus, proxy_callback
        See `running`.
    on_ready
        Called with the URL once the application is ready.
    """
    ended = Event()

    def end(_: int, __: FrameType | None) -> None:
        ended.set()

    def install_handlers() -> None:  # Ray's own handlers abort while the application starts
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)

    with running(
        import_path,
        args,
        host=host,
        port=port,
        num_cpus=num_cpus,
        proxy_callback=proxy_callback,
        ray_is_up=install_handlers,
    ) as url:
        on_ready(url)
        while not ended.wait(timeout=1.0):  # without a timeout no signal would be handled
            pass
