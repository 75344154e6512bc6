"""Finished work on single items, on storage that all workers share: what makes a run resumable.

``<uri>/ab/<id>.parquet`` holds an item's product, ``<id>.rejected.json`` the reason why it has none. An id is a
fingerprint of all that decides the work, so a file that exists is right, and a changed file or setting looks elsewhere.
Files are whole or absent.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Final

from drumline.core.artifacts import exists, filesystem, join, read_bytes, write_bytes
from drumline.core.documents import parse_json
from drumline.core.errors import Rejected

_PRODUCT: Final = ".parquet"
_REJECTED: Final = ".rejected.json"
_ID: Final = re.compile(r"[0-9a-f]{16}\.")


@dataclass(frozen=True)
class Products:
    """The products below one folder."""

    uri: str

    def find(self, id_: str) -> str | Rejected | None:
        """The URI of a finished product, the recorded rejection, or None where the work is still to be done."""
        product, rejection = self._uris(id_)
        if exists(product):
            return product
        if exists(rejection):
            return Rejected(**parse_json(read_bytes(rejection)))
        return None

    def save(self, id_: str, outcome: bytes | Rejected) -> str | Rejected:
        """Publish an outcome, a product as the bytes of its file; gives what `find` will say from now on."""
        product, rejection = self._uris(id_)
        if isinstance(outcome, Rejected):
            write_bytes(rejection, json.dumps(asdict(outcome)).encode())
            return outcome
        write_bytes(product, outcome)
        return product

    def finished(self) -> set[str]:
        """The ids of all that has a product or a rejection, by one listing."""
        return {PurePosixPath(entry).name.partition(".")[0] for entry in self._listing()}

    def forget_rejected(self) -> int:
        """Delete every recorded rejection, whatever its configuration, so that those items are tried again."""
        fs, _ = filesystem(self.uri)
        found = [entry for entry in self._listing() if entry.endswith(_REJECTED)]
        for entry in found:
            fs.rm_file(entry)
        return len(found)

    def forget_all(self) -> None:
        """Delete every product and rejection, and nothing else that is in the folder."""
        fs, _ = filesystem(self.uri)
        for entry in self._listing():
            if _ID.match(PurePosixPath(entry).name):
                fs.rm_file(entry)

    def _listing(self) -> list[str]:
        fs, path = filesystem(self.uri)
        fs.invalidate_cache()
        entries = fs.find(path) if fs.exists(path) else []
        return [entry for entry in entries if entry.endswith((_PRODUCT, _REJECTED))]

    def _uris(self, id_: str) -> tuple[str, str]:
        return join(self.uri, id_[:2], id_ + _PRODUCT), join(self.uri, id_[:2], id_ + _REJECTED)
