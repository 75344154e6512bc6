"""HTML pages: the web app at ``/`` and the API reference at ``/docs``, without external resources."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response

from serve.reference import render_reference

_FOLDER: Final = Path(__file__).parent / "page"
_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ogg": "audio/ogg",
}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; media-src blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_pages(app: FastAPI) -> None:
    """Add routes for each file of `page/`, for ``index.html`` at ``/``, and for the API reference."""
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _MEDIA_TYPES:
            url_path = "/" if path.name == "index.html" else f"/page/{path.name}"
            app.add_api_route(url_path, _file_endpoint(path), include_in_schema=False)
    app.add_api_route("/docs", _docs, include_in_schema=False)


async def _docs(request: Request) -> Response:
    html = render_reference(request.app.openapi(), str(request.base_url))
    return Response(html, media_type=_MEDIA_TYPES[".html"], headers=_HEADERS)


def _file_endpoint(path: Path) -> Callable[[], Awaitable[Response]]:
    data, media_type = path.read_bytes(), _MEDIA_TYPES[path.suffix]

    async def send() -> Response:
        return Response(data, media_type=media_type, headers=_HEADERS)

    return send
