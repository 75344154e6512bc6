"""Recording sessions of several microphones: their manifests, their sound, and the delays between them.

A manifest is JSON: ``session_id`` and ``mics`` with a ``name`` and a ``path`` each, relative to the manifest. A folder
of audio files is a session too, each file a microphone.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from drumline.alignment.microphones import Delays, find_onsets, rough_delay_s, stroke_delay
from drumline.charts.documents import read_json
from drumline.core.artifacts import STORAGE_ERRORS, filesystem, join, names, read_bytes, sha256
from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.features.onset_envelope import Envelope, onset_envelope

_AUDIO: Final = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")
_BLOCK: Final = 1 << 18
_BEFORE_S: Final = 0.005
_AFTER_S: Final = 0.035
"""The window around a stroke: its attack and the start of its body."""
_MEMORY: Final = 9
"""Delays whose median says where the next is looked for, so that a drift is followed."""


@dataclass(frozen=True)
class Session:
    """Which file each microphone wrote."""

    session_id: str
    place: str
    """The manifest, the folder, or where else it was told."""
    sha256: str
    """Of the manifest; empty where there is none."""
    mics: Mapping[str, str]
    """Microphone -> path or URI, in the order of the manifest."""


def read_session(uri: str) -> Session:
    """A manifest, or a folder of audio files. Raises DrumlineError where it is neither, or holds fewer than two."""
    files = sorted(name for name in names(uri) if name.lower().endswith(_AUDIO)) if not uri.endswith(".json") else []
    if files:
        session_id = uri.rstrip("/").rsplit("/", 1)[-1]
        session = Session(session_id, uri, "", {name.rsplit(".", 1)[0]: join(uri, name) for name in files})
    else:
        session = _read_manifest(uri)
    if len(session.mics) < 2:
        raise DrumlineError(f"{uri}: {len(session.mics)} microphones, at least two can be compared")
    return session


def _read_manifest(uri: str) -> Session:
    try:
        data = read_bytes(uri)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{uri}: no session manifest, nor a folder of audio files ({error})") from error
    tree = read_json(data, uri)
    folder = uri.rpartition("/")[0]
    mics: dict[str, str] = {}
    for mic in tree.trees("mics"):
        name, path = mic.text("name"), mic.text("path")
        if name in mics:
            raise mic.fault("name", f"{name!r} stands twice")
        absolute = path.startswith("/") or re.match(r"[a-z0-9]+://", path)
        mics[name] = path if absolute or not folder else f"{folder}/{path}"
    return Session(tree.text("session_id"), uri, sha256(data), mics)


class Microphone:
    """The open file of one microphone; a piece of it at a time is in memory."""

    def __init__(self, name: str, file: soundfile.SoundFile) -> None:
        self.name, self._file = name, file
        self.rate_hz: int = file.samplerate
        self.num_samples: int = file.frames

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """Samples from ``start`` on [count], the mean of the channels; silence beyond the ends."""
        samples = np.zeros(count, dtype=np.float32)
        first, last = max(start, 0), min(start + count, self.num_samples)
        if first < last:
            self._file.seek(first)
            found = self._file.read(last - first, dtype="float32", always_2d=True).mean(axis=1)
            samples[first - start : first - start + len(found)] = found
        return samples

    def envelope(self) -> Envelope:
        """Its onset envelope, whole."""
        self._file.seek(0)
        resampler = soxr.ResampleStream(self.rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
        parts = []
        for start in range(0, max(self.num_samples, 1), _BLOCK):
            block = self.read(start, min(_BLOCK, self.num_samples - start))
            parts.append(resampler.resample_chunk(block, last=start + _BLOCK >= self.num_samples))
        return onset_envelope(np.concatenate(parts))


@contextmanager
def open_microphone(name: str, uri: str) -> Iterator[Microphone]:
    """Open a microphone's file. Raises DrumlineError where it is missing or not audio."""
    fs, path = filesystem(uri)
    try:
        with fs.open(path, "rb") as source, soundfile.SoundFile(source) as file:
            yield Microphone(name, file)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"microphone {name}: {uri}: cannot be read ({error})") from error
    except soundfile.LibsndfileError as error:
        raise DrumlineError(f"microphone {name}: {uri}: no audio ({error})") from error


@dataclass(frozen=True)
class Listening:
    """How strokes are looked for."""

    max_offset_s: float
    max_delay_s: float
    min_likeness: float
    max_onsets: int


def measure(anchor: Microphone, target: Microphone, *, heard: Envelope, how: Listening) -> tuple[Delays, int]:
    """The delays of the strokes that the anchor hears (``heard`` is its envelope), and how many strokes were sought.

    Raises DrumlineError where the sampling rates differ.
    """
    rate_hz = anchor.rate_hz
    if target.rate_hz != rate_hz:
        raise DrumlineError(
            f"microphones {anchor.name} and {target.name}: {rate_hz} and {target.rate_hz} Hz: of one session all files "
            "must have one rate (drift is told in its samples)"
        )
    onsets_s = find_onsets(heard)
    if len(onsets_s) > how.max_onsets:
        onsets_s = onsets_s[np.linspace(0, len(onsets_s) - 1, how.max_onsets).round().astype(int)]
    reach = max(2, round(how.max_delay_s * rate_hz))
    length = round((_BEFORE_S + _AFTER_S) * rate_hz)
    expected = rough_delay_s(heard, target.envelope(), reach_s=how.max_offset_s) * rate_hz
    times_s, delays, recent = [], [], [expected]
    for onset_s in onsets_s:
        start = round((onset_s - _BEFORE_S) * rate_hz)
        from_target = start + round(float(np.median(recent[-_MEMORY:]))) - reach
        at, likeness = stroke_delay(anchor.read(start, length), target.read(from_target, length + 2 * reach))
        # A summit on the edge of the search is none.
        if likeness >= how.min_likeness and 1 <= at <= 2 * reach - 1:
            times_s.append(onset_s)
            delays.append(from_target + at - start)
            recent.append(delays[-1])
    return Delays(np.array(times_s), np.array(delays)), len(onsets_s)
