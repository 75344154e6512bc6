"""Middleware for Serve's HTTP proxies: a time limit for headers, and problem responses for lost replicas.

Serve loads it by the name in `CALLBACK`. A proxy is a process of Serve in front of the replicas. It responds itself if
a replica has died, and its server, uvicorn, waits for ever for the headers of a request.
"""

import asyncio
import os
from typing import Any, Final

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http import auto

from serve.error_handlers import problem_response
from serve.errors import MEDIA_TYPE, Problem

CALLBACK: Final = "serve.proxy.middlewares"
"""Value of RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH in the environment in which Ray starts."""
VARIABLE: Final = "DRUMLINE_HEADER_TIMEOUT_S"
"""Environment variable with the time limit for the headers of a request [s]."""
HEADER_TIMEOUT_S: Final = 10.0

_LATE: Final = b'{"type": "/docs#upload_too_slow", "kind": "upload_too_slow", "status": 408, "detail": "no headers"}'


def middlewares() -> list[Middleware]:
    """Limit the time for headers in this process, and return the middleware for responses."""
    timeout_s = float(os.environ.get(VARIABLE, HEADER_TIMEOUT_S))
    auto.AutoHTTPProtocol = with_header_timeout(auto.AutoHTTPProtocol, timeout_s)
    return [Middleware(ProblemMiddleware)]


def with_header_timeout(protocol: Any, timeout_s: float) -> Any:
    """Extend a uvicorn protocol class: close connections whose request headers do not arrive in time.

    Between requests, until the first byte, uvicorn's own limit for idle connections applies.

    Parameters
    ----------
    protocol
        A uvicorn HTTP protocol class.
    timeout_s
        Time limit for the headers of a request [s].
    """

    class HeaderTimeout(protocol):  # type: ignore[misc]
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._waits_for_headers():
                self._stop()
            elif self._timer is None:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def _waits_for_headers(self) -> bool:
            return self.cycle is None or bool(self.cycle.response_complete)

        def _wait(self) -> None:
            self._timer = self.loop.call_later(timeout_s, self._close)

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _close(self) -> None:
            self._timer = None
            if self.transport.is_closing() or not self._waits_for_headers():
                return
            head = f"HTTP/1.1 408 Request Timeout\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(_LATE)}"
            self.transport.write(head.encode() + b"\r\nConnection: close\r\n\r\n" + _LATE)
            self.transport.close()

    return HeaderTimeout


class ProblemMiddleware:
    """ASGI middleware that replaces plain errors and missing responses of lost replicas by problem responses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = replaced = False

        async def checked(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started = True
                replaced = message["status"] >= 500 and not _is_problem(message)
                if replaced:
                    await _replica_lost()(scope, receive, send)
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, checked)
        finally:
            if not started:
                await _replica_lost()(scope, receive, send)


def _replica_lost() -> ASGIApp:
    detail = "the server process ended during the request, or none has started yet; send it again"
    return problem_response(Problem("replica_lost", detail, {"Retry-After": "2"}))


def _is_problem(message: Message) -> bool:
    headers = {name.lower(): value for name, value in message.get("headers", ())}
    return bool(headers.get(b"content-type", b"").startswith(MEDIA_TYPE.encode()))
