"""ZIP archives in memory."""

import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # equal files give equal bytes


def zip_files(files: Mapping[str, bytes], *, comment: str = "") -> bytes:
    """Compress files into an archive; equal files give equal bytes.

    Parameters
    ----------
    files
        Contents by path within the archive.
    comment
        Comment of the archive.

    Examples
    --------
    >>> zip_files({"a.txt": b"a"}) == zip_files({"a.txt": b"a"})
    True
    """
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED, 9)
        archive.comment = comment.encode()
    return buffer.getvalue()
