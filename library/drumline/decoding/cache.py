"""Activation cache: decoding again needs no inference.

An entry is one file, ``KE/KEY.act``, below a local folder or an object store: the activations and how long the
recording is (`decoding.cache_entry`). Its name says all that decides it: the audio's bytes, the model with its
graph and precision, and the features. Why activations and no embeddings: docs/decisions/0018-what-is-cached.md.
An entry that cannot be read is a miss.

Any number of processes, on any number of machines, may share a cache. An entry is written whole or not at all, and two
that write the same one write the same bytes. What was used longest ago goes first; what is used again within
`_FRESH_S` on an object store, where a file's time changes only by writing it anew, counts as used once.
"""

import datetime
import logging
import re
import time
from dataclasses import dataclass
from typing import Any, Final

from fsspec.implementations.local import LocalFileSystem
from pydantic import Field

from drumline.audio.downmix import MEAN
from drumline.audio.recording import Recording
from drumline.core.artifacts import filesystem, join, write_bytes
from drumline.core.config import Config, fingerprint
from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.decoding.activations import Activations
from drumline.decoding.cache_entry import ENDING, pack, unpack
from drumline.features.logmel import LogMelConfig

log = logging.getLogger("drumline")

VERSION: Final = "3"
"""Version of the path from audio to activations. Raised with any change that moves a number: old entries are
then never found, and go as others are used."""

_OURS: Final = re.compile(r"[0-9a-f]{64}\.(act|npz)(\.[0-9a-f]+\.part)?")
"""Names of entries, of those of earlier versions, and of what a killed process left of one. Nothing else is ever
removed."""
_UNREADABLE: Final = (PermissionError, IsADirectoryError, NotADirectoryError)
"""Exceptions of local storage that concern one entry alone."""
_FACTS: Final = ("num_samples", "source_rate_hz", "truncated", "downmix")
_FRESH_S: Final = 3600.0
_TIMES: Final = ("mtime", "LastModified", "last_modified", "created")
"""Names of a file's modification time in file systems: the local one; S3; others."""
_SHARE_BETWEEN_LOOKS: Final = 0.02
_SHARE_KEPT: Final = 0.9
"""Up to five processes that each write 2 % before they look stay within the bound when 90 % are kept."""


class CacheConfig(Config):
    """Where what a model said is kept, so that other thresholds, presets and questions never listen again."""

    uri: str = "out/cache"
    """A local folder or ``s3://bucket/prefix``, which commands, jobs and the endpoint may share."""
    max_gb: float = Field(default=20.0, ge=0)
    """The most that it holds [GB]: a song of four minutes takes about 1 MB. 0 keeps nothing."""


@dataclass(frozen=True)
class RecordingActivations:
    """Activations of one recording, with the facts that results report about it."""

    activations: Activations
    """Activations rounded to float16 (`Activations.rounded`), computed or cached."""
    num_samples: int
    """At `RATE_HZ`."""
    source_rate_hz: int
    """Sampling rate of the file [Hz]; 0 if unknown."""
    truncated: str = ""
    """Where the recording breaks off, for people; empty where it is whole."""
    downmix: str = MEAN
    """Name of the mix of the channels that was transcribed (`audio.downmix`)."""

    @staticmethod
    def of(activations: Activations, recording: Recording) -> "RecordingActivations":
        """Activations with the facts of their recording."""
        return RecordingActivations(
            activations,
            recording.num_samples,
            recording.source_rate_hz,
            truncated=recording.truncated,
            downmix=recording.downmix,
        )

    @property
    def duration_s(self) -> float:
        return self.num_samples / RATE_HZ

    def to_bytes(self) -> bytes:
        """An entry. Equal recordings give equal bytes."""
        facts = {name: getattr(self, name) for name in _FACTS}
        return pack(self.activations, facts)

    @staticmethod
    def from_bytes(data: bytes, location: str) -> "RecordingActivations":
        """The inverse of `to_bytes`. Raises DrumlineError where it is no entry."""
        activations, facts = unpack(data, location)
        try:
            return RecordingActivations(
                activations,
                int(facts["num_samples"]),
                int(facts["source_rate_hz"]),
                truncated=str(facts["truncated"]),
                downmix=str(facts["downmix"]),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise DrumlineError(f"{location}: not an entry of a cache ({error})") from error


def key(audio_sha256: str, *, model: str, features: LogMelConfig) -> str:
    """The key of one recording as one model hears it; ``model`` tells name, version, graph and precision apart."""
    return f"{audio_sha256[:48]}{fingerprint(VERSION, model, features)}"


class ActivationsCache:
    """Entries below a URI, at most ``max_bytes`` together."""

    @staticmethod
    def of(config: CacheConfig) -> "ActivationsCache":
        """The cache of a configuration."""
        return ActivationsCache(config.uri, round(config.max_gb * 1e9))

    def __init__(self, uri: str, max_bytes: int) -> None:
        """Bounded by 0 it keeps nothing."""
        self.uri, self.max_bytes = uri, max_bytes
        self._unlooked_bytes = max_bytes  # what this process has written since it last looked: at first, who knows

    def get(self, key: str) -> RecordingActivations | None:
        """The entry of a key, or None. An entry that cannot be read is a miss; a damaged one is removed.

        Raises OSError where the store as a whole cannot be reached.
        """
        if not self.max_bytes:
            return None
        uri = self._uri(key)
        fs, path = filesystem(uri)
        try:
            data = bytes(fs.cat_file(path))
        except FileNotFoundError:
            return None
        except _UNREADABLE as error:
            log.warning("%s: cannot be read (%s); the recording is processed again", uri, error)
            return None
        try:
            found = RecordingActivations.from_bytes(data, uri)
        except DrumlineError as error:
            log.warning("%s: removed", error)
            self._remove(fs, path)
            return None
        self._mark_used(fs, path, data)
        return found

    def put(self, key: str, inferred: RecordingActivations) -> None:
        """Keep it; others go where there are too many. Raises OSError as storage does."""
        data = inferred.to_bytes()
        if len(data) > self.max_bytes:
            return
        write_bytes(self._uri(key), data)
        self._unlooked_bytes += len(data)
        if self._unlooked_bytes > self.max_bytes * _SHARE_BETWEEN_LOOKS:
            self._make_room()

    def _uri(self, key: str) -> str:
        return join(self.uri, key[:2], f"{key}{ENDING}")

    def _mark_used(self, fs: Any, path: str, data: bytes) -> None:
        try:
            if isinstance(fs, LocalFileSystem):
                fs.touch(path, truncate=False)
            elif time.time() - _time_s(fs.info(path)) > _FRESH_S:
                fs.pipe_file(path, data)
        except FileNotFoundError:
            return  # another process made room meanwhile

    def _make_room(self) -> None:
        fs, path = filesystem(self.uri)
        fs.invalidate_cache()
        now_s = time.time()
        found = [
            (time_s, name, int(info["size"]))
            for name, info in fs.find(path, detail=True).items()
            if (match := _OURS.fullmatch(name.rpartition("/")[2]))
            and (now_s - (time_s := _time_s(info)) > _FRESH_S or not match[2])  # a fresh part is being written
        ]
        total = sum(size for _, _, size in found)
        if total > self.max_bytes:
            for _, name, size in sorted(found):
                if total <= self.max_bytes * _SHARE_KEPT:
                    break
                self._remove(fs, name)
                total -= size
        self._unlooked_bytes = 0

    @staticmethod
    def _remove(fs: Any, path: str) -> None:
        try:
            fs.rm_file(path)
        except FileNotFoundError:
            return  # another process was first


def _time_s(info: dict[str, Any]) -> float:
    """When a file was last written or touched [s since 1970]; 0 where its file system does not tell."""
    modified = next((info[name] for name in _TIMES if info.get(name) is not None), 0.0)
    return modified.timestamp() if isinstance(modified, datetime.datetime) else float(modified)
