"""Song folders for download: encoded once a recording, a few at a time, and only while somebody waits.

Encoding a long song as Ogg Vorbis takes up to a minute of a core. It runs in one thread of its own, so that everything
else stays quick; its result is kept with the job, and goes with it.
"""

import asyncio
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from drumline.transcription.formats.song_folder import PLAYED, encode_vorbis, write_song_folder
from drumline.transcription.result import Transcription
from serve.file_names import safe_name
from serve.jobs import JobStore
from serve.listening import TooCostly
from serve.problems import Problem, busy
from serve.records import Job
from serve.settings import Limits

_GONE: Final = "the recording is no longer kept; send it again, or ask for another format"


class _Left(Exception):
    """Nobody waits for it any more."""


class SongFolders:
    """The song folders that one front makes."""

    def __init__(self, store: JobStore, scratch: Path, limits: Limits) -> None:
        self._store, self._scratch, self._limits = store, scratch, limits
        self._waiting: list[str] = []  # a client for each download
        self._encodings: dict[str, tuple[asyncio.Future[None], threading.Event, list[object]]] = {}
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="song-folder")

    def close(self) -> None:
        """End what is being encoded."""
        for _, ended, _ in self._encodings.values():
            ended.set()
        self._encoder.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Room for one more download. Raises Problem ``busy`` where there is none."""
        most = self._limits.max_folders
        if len(self._waiting) >= most or self._waiting.count(client) >= max(1, most // 2):
            raise busy("too many song folders are waited for", retry_after_s=5.0)
        self._waiting.append(client)
        try:
            yield
        finally:
            self._waiting.remove(client)

    async def zipped(self, job: Job, transcription: Transcription) -> BinaryIO:
        """A folder that games play, zipped, in an unnamed temporary file.

        Parameters
        ----------
        job
            With the recording.
        transcription
            Of it.

        Raises
        ------
        Problem
            The recording is gone, or takes too long to encode.
        AudioError
            It cannot be encoded anew.
        """
        try:
            if job.ending not in PLAYED:
                await self._encoded(job)
            return await asyncio.to_thread(self._zip, job, transcription)
        except FileNotFoundError as error:
            raise Problem("not_found", _GONE) from error
        except TooCostly as error:
            raise Problem("audio_too_costly", str(error)) from error

    async def _encoded(self, job: Job) -> None:
        """Have the recording encoded, with others who wait for the same one; ended once all of them have left."""
        if job.id not in self._encodings:
            ended = threading.Event()
            running = asyncio.get_running_loop().run_in_executor(self._encoder, self._encode, job, ended)
            self._encodings[job.id] = (running, ended, [])
            running.add_done_callback(lambda done: self._forget(job.id, done))
        running, ended, waiting = self._encodings[job.id]
        mark = object()
        waiting.append(mark)
        try:
            await asyncio.shield(running)
        finally:
            waiting.remove(mark)
            if not waiting:
                ended.set()
                if self._encodings.get(job.id, (None,))[0] is running:
                    del self._encodings[job.id]  # who comes later begins anew

    def _forget(self, job_id: str, done: "asyncio.Future[None]") -> None:
        if self._encodings.get(job_id, (None,))[0] is done:
            del self._encodings[job_id]
        if not done.cancelled():
            done.exception()  # whoever waited has it; where nobody did, it is not worth a line

    def _encode(self, job: Job, ended: threading.Event) -> None:
        """Keep the recording as games play it with its job. Runs in the encoder's thread."""
        try:
            self._store.open_song(job.id).close()
            return  # another front has, or somebody earlier
        except FileNotFoundError:
            deadline_s = time.monotonic() + self._limits.work_timeout_s

        def look(num_frames: int) -> None:
            if ended.is_set():
                raise _Left
            if time.monotonic() > deadline_s:
                raise TooCostly(f"not encoded after {self._limits.work_timeout_s:g} s")

        look(0)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            audio, song = Path(folder) / f"audio{job.ending}", Path(folder) / "song.ogg"
            with self._store.open_audio(job.id) as source, audio.open("wb") as file:
                shutil.copyfileobj(source, file)
            encode_vorbis(audio, song, on_block=look)
            self._store.add_song(job.id, song)

    def _zip(self, job: Job, transcription: Transcription) -> BinaryIO:
        encoded = job.ending not in PLAYED
        title = safe_name(transcription.title, default="song")
        with ExitStack() as failed:
            packed = failed.enter_context(tempfile.TemporaryFile(dir=self._scratch))
            with tempfile.TemporaryDirectory(dir=self._scratch) as place:
                song = Path(place) / f"audio{'.ogg' if encoded else job.ending}"
                source = self._store.open_song(job.id) if encoded else self._store.open_audio(job.id)
                with source, song.open("wb") as file:
                    shutil.copyfileobj(source, file)
                written = write_song_folder(Path(place) / "folder", transcription, song)
                with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
                    for path in written:
                        archive.write(path, f"{title}/{path.name}")
            failed.pop_all()  # whoever reads it closes it
        return packed


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """A file's bytes, block by block; it is closed at the end, or when nobody reads on."""
    with file:
        while block := file.read(1 << 20):
            yield block


def length_of(file: BinaryIO) -> Mapping[str, str]:
    """The header that says how long an answer is."""
    end = file.seek(0, 2)
    file.seek(0)
    return {"Content-Length": str(end)}
