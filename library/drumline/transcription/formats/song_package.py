"""A song folder in one file: ``.sng``, which Clone Hero and YARG play, and ``.zip``, which people share.

Both carry the provenance mark in the open: a key of the container's metadata, and the comment of the archive.
"""

import tempfile
from pathlib import Path
from typing import Final

from drumline.charts import sng, song_ini
from drumline.charts.provenance import BLANK, KEY, finish
from drumline.core.zip_file import zip_files
from drumline.transcription.formats.song_folder import write_song_folder
from drumline.transcription.result import Transcription

ENDINGS: Final = (".sng", ".zip")
_INI: Final = "song.ini"


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
    if ending == ".sng":
        data = _sng(files)
    else:  # compressed, the marks of the chart and of song.ini are not taken for the archive's own
        data = zip_files({f"{name}/{file}": content for file, content in files.items()}, comment=BLANK)
    return finish(data, is_edited=transcription.is_edited)


def _sng(files: dict[str, bytes]) -> bytes:
    values = song_ini.values(song_ini.read(files[_INI]))
    return sng.write({name: data for name, data in files.items() if name != _INI}, {**values, KEY: BLANK})
