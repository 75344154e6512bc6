"""A web server with one shelf of files, which breaks off or changes its mind when it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Shelf:
    """What is served, and what was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    breaks_after: int | None = None
    """Bytes of a body, after which the connection is closed."""
    knows_ranges: bool = True
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(path, Range header) of each request."""


@contextmanager
def serving(shelf: Shelf) -> Iterator[Shelf]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            shelf.requests.append((self.path, wanted))
            body = shelf.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            etag = f'"{hash(body):x}"'
            begin = 0
            if shelf.knows_ranges and wanted and self.headers.get("If-Range") == etag:
                begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(body) - begin))
            self.end_headers()
            end = len(body) if shelf.breaks_after is None else begin + shelf.breaks_after
            self.wfile.write(body[begin:end])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shelf.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shelf
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
