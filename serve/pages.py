"""What people see: the page at ``/`` and the description of the API at ``/docs``. Nothing comes from elsewhere."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response

from serve.reference import as_html

_FOLDER: Final = Path(__file__).parent / "page"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; media-src blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_pages(app: FastAPI) -> None:
    """Serve each file of `page/` by its name, and ``index.html`` at ``/``."""
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _TYPES:
            place = "/" if path.name == "index.html" else f"/page/{path.name}"
            app.add_api_route(place, _sender(path), include_in_schema=False)

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return Response(as_html(app.openapi(), str(request.base_url)), media_type=_TYPES[".html"], headers=_HEADERS)


def _sender(path: Path) -> Callable[[], Awaitable[Response]]:
    data, kind = path.read_bytes(), _TYPES[path.suffix]

    async def send() -> Response:
        return Response(data, media_type=kind, headers=_HEADERS)

    return send
