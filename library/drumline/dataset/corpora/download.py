"""Download a file over HTTP with resumption and checksum verification.

pooch verifies the checksum and publishes the file in one step; `_Resuming` adds resumption of interrupted downloads,
which are kept in ``NAME.part``.
"""

from pathlib import Path
from typing import Any, Final

import pooch
import requests
from tqdm import tqdm

from drumline.core.errors import DrumlineError

_TIMEOUT_S: Final = 60.0
_BLOCK_BYTES: Final = 1 << 16  # what is lost at most where the line breaks
_PARTIAL: Final = 206
_RANGE_NOT_SATISFIABLE: Final = 416


def download(url: str, target: Path, *, checksum: str, show_progress: bool) -> Path:
    """Download a file unless it exists with this checksum (``sha256:...``, ``md5:...``, or empty for any).

    Raises DrumlineError if the server cannot be reached, the connection breaks (run again to resume), or the contents
    do not match the checksum (the file is deleted).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("ERROR")
    try:
        fetched = pooch.retrieve(
            url,
            known_hash=checksum or None,
            fname=target.name,
            path=target.parent,
            downloader=_Resuming(part_of(target), show_progress=show_progress),
        )
    except requests.RequestException as error:
        part = part_of(target)
        kept = f"; {part.stat().st_size:,} bytes are kept, run it again to go on" if part.exists() else ""
        raise DrumlineError(f"{url}: download failed ({error}){kept}") from error
    except ValueError as error:  # pooch's word for a wrong checksum
        raise DrumlineError(f"{url}: not what was published, and deleted: expected {checksum}. {error}") from error
    return Path(fetched)


def part_of(target: Path) -> Path:
    """Path of an unfinished download."""
    return target.with_name(target.name + ".part")


class _Resuming:
    """Downloader for pooch that resumes an interrupted download if the server still has the same file."""

    def __init__(self, part: Path, *, show_progress: bool) -> None:
        self._part, self._show_progress = part, show_progress
        self._validator = part.with_name(part.name + ".etag")

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        with self._request(url) as response:
            response.raise_for_status()
            begun = self._part.stat().st_size if response.status_code == _PARTIAL else 0
            validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
            self._validator.write_text(validator, encoding="utf-8")
            total = begun + int(response.headers.get("Content-Length", 0))
            with (
                self._part.open("ab" if begun else "wb") as file,
                tqdm(total=total or None, initial=begun, unit="B", unit_scale=True, desc=self._part.stem,
                     disable=not self._show_progress) as bar,
            ):  # fmt: skip
                for block in response.iter_content(_BLOCK_BYTES):
                    file.write(block)
                    bar.update(len(block))
        if (received := self._part.stat().st_size) < total:
            raise requests.ConnectionError(f"the connection ended after {received:,} of {total:,} bytes")
        self._part.replace(output_file)
        self._validator.unlink()

    def _request(self, url: str) -> requests.Response:
        """Request the remaining bytes, or the whole file if the server does not support ranges."""
        validator = self._validator.read_text(encoding="utf-8") if self._validator.exists() else ""
        # A weak ETag (W/...) promises the same meaning, not the same bytes.
        if self._part.exists() and validator and not validator.startswith("W/"):
            begun = self._part.stat().st_size
            headers = {"Range": f"bytes={begun}-", "If-Range": validator, "Accept-Encoding": "identity"}
            response = requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S)
            promised = response.headers.get("Content-Range", "")
            if response.status_code != _RANGE_NOT_SATISFIABLE and (
                response.status_code != _PARTIAL or promised.startswith(f"bytes {begun}-")
            ):
                return response
            response.close()
        return requests.get(url, headers={"Accept-Encoding": "identity"}, stream=True, timeout=_TIMEOUT_S)
