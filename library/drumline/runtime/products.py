"""Store of per-item results on shared storage, which makes a run resumable.

``<uri>/ab/<id>.parquet`` holds an item's product, ``<id>.rejected.json`` the reason of its rejection. An id is a
fingerprint of all inputs and settings, so an existing file is valid, and a changed input has another id. Files are
written atomically.
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
    """Products and rejections below one folder."""

    uri: str
    """Local folder or fsspec URI."""

    def find(self, id_: str) -> str | Rejected | None:
        """Look up an item: the URI of its product, its recorded rejection, or None if it is unfinished."""
        product, rejection = self._uris(id_)
        if exists(product):
            return product
        if exists(rejection):
            return Rejected(**parse_json(read_bytes(rejection)))
        return None

    def save(self, id_: str, outcome: bytes | Rejected) -> str | Rejected:
        """Store an outcome.

        Parameters
        ----------
        id_
            Fingerprint of the item.
        outcome
            Content of the product's file, or the rejection.

        Returns
        -------
        str or Rejected
            The same that `find` returns from now on.
        """
        product, rejection = self._uris(id_)
        if isinstance(outcome, Rejected):
            write_bytes(rejection, json.dumps(asdict(outcome)).encode())
            return outcome
        write_bytes(product, outcome)
        return product

    def finished(self) -> set[str]:
        """Ids of all items with a product or a rejection."""
        return {PurePosixPath(entry).name.partition(".")[0] for entry in self._listing()}

    def forget_rejected(self) -> int:
        """Delete every recorded rejection, so that those items are tried again; return their number."""
        fs, _ = filesystem(self.uri)
        found = [entry for entry in self._listing() if entry.endswith(_REJECTED)]
        for entry in found:
            fs.rm_file(entry)
        return len(found)

    def forget_all(self) -> None:
        """Delete every product and rejection, and no other file of the folder."""
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
