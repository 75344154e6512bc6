"""Song folders for download: each recording is encoded once, and only while a client waits for it.

Encoding a long song as Ogg Vorbis takes up to a minute of a CPU core. It runs in a thread of its own; its result is
kept with the job and removed with it.
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
from serve.errors import Problem, busy
from serve.file_names import safe_name
from serve.inference import TimeLimitExceeded
from serve.job_store import JobStore
from serve.records import Job
from serve.settings import Limits

_GONE: Final = "the recording is no longer kept; send it again, or choose another format"


class _Abandoned(Exception):
    """No client waits for the encoding any more."""


class SongFolders:
    """Song folders of one gateway replica.

    Parameters
    ----------
    store
        Files of the jobs.
    scratch
        Folder for temporary files.
    limits
        Number of concurrent downloads, and encoding time.
    """

    def __init__(self, store: JobStore, scratch: Path, limits: Limits) -> None:
        self._store, self._scratch, self._limits = store, scratch, limits
        self._waiting: list[str] = []  # the client of each download
        self._encodings: dict[str, tuple[asyncio.Future[None], threading.Event, list[object]]] = {}
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="song-folder")

    def close(self) -> None:
        """Stop all encodings."""
        for _, stop, _ in self._encodings.values():
            stop.set()
        self._encoder.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def reserve(self, client: str) -> Iterator[None]:
        """Hold a download slot for a client. Raises Problem ``busy`` if none is free."""
        limit = self._limits.max_folders
        if len(self._waiting) >= limit or self._waiting.count(client) >= max(1, limit // 2):
            raise busy("too many song folders are being prepared", retry_after_s=5.0)
        self._waiting.append(client)
        try:
            yield
        finally:
            self._waiting.remove(client)

    async def zip_folder(self, job: Job, transcription: Transcription) -> BinaryIO:
        """Write a Clone Hero song folder as a ZIP archive into an unnamed temporary file.

        Parameters
        ----------
        job
            Job of the recording.
        transcription
            Transcription of the recording.

        Returns
        -------
        file
            The archive, open for reading; the caller closes it.

        Raises
        ------
        Problem
            The recording is gone, or takes too long to encode.
        AudioError
            The recording cannot be encoded.
        """
        try:
            if job.ending not in PLAYED:
                await self._ensure_encoded(job)
            return await asyncio.to_thread(self._zip, job, transcription)
        except FileNotFoundError as error:
            raise Problem("not_found", _GONE) from error
        except TimeLimitExceeded as error:
            raise Problem("audio_too_costly", str(error)) from error

    async def _ensure_encoded(self, job: Job) -> None:
        """Encode the recording once for all clients that wait for it; stopped when the last of them leaves."""
        if job.id not in self._encodings:
            stop = threading.Event()
            running = asyncio.get_running_loop().run_in_executor(self._encoder, self._encode, job, stop)
            self._encodings[job.id] = (running, stop, [])
            running.add_done_callback(lambda done: self._forget(job.id, done))
        running, stop, waiting = self._encodings[job.id]
        ticket = object()
        waiting.append(ticket)
        try:
            await asyncio.shield(running)
        finally:
            waiting.remove(ticket)
            if not waiting:
                stop.set()
                if self._encodings.get(job.id, (None,))[0] is running:
                    del self._encodings[job.id]  # a later client starts a new encoding

    def _forget(self, job_id: str, done: "asyncio.Future[None]") -> None:
        if self._encodings.get(job_id, (None,))[0] is done:
            del self._encodings[job_id]
        if not done.cancelled():
            done.exception()  # clients that waited have received it; otherwise it is not worth a log line

    def _encode(self, job: Job, stop: threading.Event) -> None:
        """Encode the recording for games and store it with its job. Runs in the encoder's thread."""
        try:
            self._store.open_song(job.id).close()
            return  # already encoded, by an earlier request or another gateway
        except FileNotFoundError:
            deadline_s = time.monotonic() + self._limits.work_timeout_s

        def check(num_frames: int) -> None:
            if stop.is_set():
                raise _Abandoned
            if time.monotonic() > deadline_s:
                raise TimeLimitExceeded(f"not encoded after {self._limits.work_timeout_s:g} s")

        check(0)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            audio, song = Path(folder) / f"audio{job.ending}", Path(folder) / "song.ogg"
            with self._store.open_audio(job.id) as source, audio.open("wb") as file:
                shutil.copyfileobj(source, file)
            encode_vorbis(audio, song, on_block=check)
            self._store.add_song(job.id, song)

    def _zip(self, job: Job, transcription: Transcription) -> BinaryIO:
        encoded = job.ending not in PLAYED
        title = safe_name(transcription.title, default="song")
        with ExitStack() as failed:
            zip_file = failed.enter_context(tempfile.TemporaryFile(dir=self._scratch))
            with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
                song = Path(folder) / f"audio{'.ogg' if encoded else job.ending}"
                source = self._store.open_song(job.id) if encoded else self._store.open_audio(job.id)
                with source, song.open("wb") as file:
                    shutil.copyfileobj(source, file)
                written = write_song_folder(Path(folder) / "folder", transcription, song)
                with zipfile.ZipFile(zip_file, "w", zipfile.ZIP_STORED) as archive:
                    for path in written:
                        archive.write(path, f"{title}/{path.name}")
            failed.pop_all()  # the caller closes it
        return zip_file


def iterate_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Iterate over a file in blocks of 1 MiB and close it at the end."""
    with file:
        while block := file.read(1 << 20):
            yield block


def content_length(file: BinaryIO) -> Mapping[str, str]:
    """``Content-Length`` header of a file."""
    end = file.seek(0, 2)
    file.seek(0)
    return {"Content-Length": str(end)}
