"""A song folder in one file: ``.sng``, which Clone Hero and YARG play, and ``.zip``, which people share.

Both carry the provenance mark in the open: a key of the container's metadata, and the comment of the archive.
"""

import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Final

from drumline.charts import sng, song_ini
from drumline.charts.provenance import BLANK, KEY, seal
from drumline.transcription.formats.song_folder import write_song_folder
from drumline.transcription.result import Transcription

ENDINGS: Final = (".sng", ".zip")
_INI: Final = "song.ini"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # equal songs give equal bytes


def pack(transcription: Transcription, audio: Path, *, ending: str, name: str) -> bytes:
    """The song's chart, song.ini, audio and picture as one file.

    Parameters
    ----------
    transcription
        The transcription.
    audio
        The transcribed file.
    ending
        One of `ENDINGS`.
    name
        Name of the folder in a ``.zip``.

    Raises
    ------
    AudioError
        The audio must be encoded anew and cannot be decoded.
    OSError
        The file cannot be read, or nothing can be written to the temporary folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = {path.name: path.read_bytes() for path in write_song_folder(Path(folder, name), transcription, audio)}
    return seal(_sng(files) if ending == ".sng" else _zip(files, name))


def _sng(files: dict[str, bytes]) -> bytes:
    values = song_ini.values(song_ini.read(files[_INI]))
    return sng.write({name: data for name, data in files.items() if name != _INI}, {**values, KEY: BLANK})


def _zip(files: dict[str, bytes], name: str) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file, data in files.items():
            # Compressed, the marks of the chart and of song.ini are not taken for the archive's own.
            archive.writestr(zipfile.ZipInfo(f"{name}/{file}", _EPOCH), data, zipfile.ZIP_DEFLATED, 9)
        archive.comment = BLANK.encode()
    return buffer.getvalue()
