"""An endpoint without Ray: the application of one gateway, its worker in the same process."""

import asyncio
import io
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import uvicorn
from serve.app import HttpGateway
from serve.inference import NetworkOutput, infer_windows
from serve.proxy import ProblemMiddleware, with_header_timeout
from serve.settings import Settings
from serve.worker import Window, Worker
from starlette.testclient import TestClient
from tests.export.tiny import noise
from uvicorn.protocols.http.auto import AutoHTTPProtocol


class LocalWorker(Worker):
    """A worker whose windows are not batched by `serve.batch`, which needs a replica."""

    class _Alone:
        """Accepts the settings of `serve.batch`."""

        def __init__(self, infer: Callable[[Window], Awaitable[NetworkOutput]]) -> None:
            self.infer = infer

        def __call__(self, window: Window) -> Awaitable[NetworkOutput]:
            return self.infer(window)

        def set_max_batch_size(self, size: int) -> None:
            """Windows are alone."""

        def set_batch_wait_timeout_s(self, seconds: float) -> None:
            """And do not wait."""

    @property
    def _infer(self) -> "_Alone":  # type: ignore[override]
        async def infer(window: np.ndarray) -> NetworkOutput:
            return (await asyncio.to_thread(infer_windows, self._engine.network, [window]))[0]

        return self._Alone(infer)


class _Handle:
    """As a deployment's handle: methods with ``.remote``."""

    def __init__(self, replica: object) -> None:
        self._replica = replica

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._replica, name)

        async def remote(*arguments: object) -> object:
            found = method(*arguments)
            return await found if asyncio.iscoroutine(found) else found

        return type("Method", (), {"remote": staticmethod(remote)})


def local_gateway(package: Path, store: Path, **settings: object) -> HttpGateway:
    """A gateway with a worker."""
    tree = {"model": str(package), "precision": "float32", "jobs": {"store": str(store)}}
    tree |= {name: {**value, "store": str(store)} if name == "jobs" else value for name, value in settings.items()}  # type: ignore[dict-item]
    parsed = Settings.model_validate(tree)
    return HttpGateway(parsed, _Handle(LocalWorker(parsed)))


@contextmanager
def local_client(gateway: HttpGateway) -> Iterator[TestClient]:
    """A client on this machine, which gives errors as answers."""
    app = gateway.__serve_build_asgi_app__()
    with TestClient(
        _at_loopback(app), "http://localhost", raise_server_exceptions=False, client=("127.0.0.1", 9)
    ) as client:
        yield client


def _at_loopback(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def served(scope: dict[str, Any], receive: object, send: object) -> None:
        await app({**scope, "server": ("127.0.0.1", 8000)} if scope["type"] == "http" else scope, receive, send)

    return served


@contextmanager
def served(gateway: HttpGateway, *, header_timeout_s: float = 10.0) -> Iterator[str]:
    """The same behind a real server, as Serve's proxies run it; gives its URL."""
    protocol = with_header_timeout(AutoHTTPProtocol, header_timeout_s)
    config = uvicorn.Config(
        ProblemMiddleware(gateway.__serve_build_asgi_app__()),
        port=0,
        http=protocol,
        log_level="critical",
        lifespan="on",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def recording(seconds: float = 3.0, *, seed: int = 1, kind: str = "FLAC") -> bytes:
    """A file with noise."""
    buffer = io.BytesIO()
    soundfile.write(buffer, noise(seconds, seed=seed), 22_050, format=kind)
    return buffer.getvalue()
