"""Recording sessions of several microphones: manifests, audio files and the delays between microphones.

A manifest is JSON: ``session_id`` and ``mics`` with a ``name`` and a ``path`` each, relative to the manifest. A folder
of audio files is a session too, each file a microphone.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from drumline.alignment.microphones import Delays, find_onsets, rough_delay_s, stroke_delay
from drumline.audio.block import Samples
from drumline.audio.decode import MAX_DURATION_S
from drumline.audio.layout import EXTENSIONS
from drumline.audio.read import read_audio
from drumline.charts.documents import read_json
from drumline.core.artifacts import STORAGE_ERRORS, filesystem, join, names, read_bytes, sha256
from drumline.core.errors import AudioError, DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.features.onset_envelope import Envelope, onset_envelope

_BEFORE_S: Final = 0.005
_AFTER_S: Final = 0.035
"""End of the compared window after the onset [s]: it holds the attack and the start of the decay."""
_MEMORY: Final = 9
"""Number of recent delays whose median predicts the next one, so that drift is followed."""


@dataclass(frozen=True)
class Session:
    """A recording session: the audio file of each microphone."""

    session_id: str
    source: str
    """Manifest or folder that the session was read from, or "configuration"."""
    sha256: str
    """SHA-256 of the manifest; empty if there is none."""
    mics: Mapping[str, str]
    """Microphone name -> path or URI, in the order of the manifest."""


def read_session(uri: str) -> Session:
    """Read a session manifest or a folder of audio files.

    Raises DrumlineError if it is neither, or has fewer than two microphones.
    """
    is_manifest = uri.endswith(".json")
    files = [] if is_manifest else sorted(name for name in names(uri) if name.lower().endswith(EXTENSIONS))
    if files:
        session_id = uri.rstrip("/").rsplit("/", 1)[-1]
        session = Session(session_id, uri, "", {name.rsplit(".", 1)[0]: join(uri, name) for name in files})
    else:
        session = _read_manifest(uri)
    if len(session.mics) < 2:
        raise DrumlineError(f"{uri}: {len(session.mics)} microphones; at least two are needed for a comparison")
    return session


def _read_manifest(uri: str) -> Session:
    try:
        data = read_bytes(uri)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{uri}: neither a session manifest nor a folder of audio files ({error})") from error
    tree = read_json(data, uri)
    folder = uri.rpartition("/")[0]
    mics: dict[str, str] = {}
    for mic in tree.trees("mics"):
        name, path = mic.text("name"), mic.text("path")
        if name in mics:
            raise mic.fault("name", f"{name!r} occurs twice")
        absolute = path.startswith("/") or re.match(r"[a-z0-9]+://", path)
        mics[name] = path if absolute or not folder else f"{folder}/{path}"
    return Session(tree.text("session_id"), uri, sha256(data), mics)


class Microphone:
    """Mono recording of one microphone at the sampling rate of its file."""

    def __init__(self, name: str, samples: NDArray[np.float32], rate_hz: int) -> None:
        self.name, self._samples, self.rate_hz, self.num_samples = name, samples, rate_hz, len(samples)

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """Samples from ``start`` on [count]; zeros beyond the ends of the file."""
        samples = np.zeros(count, dtype=np.float32)
        found = self._samples[max(start, 0) : max(start + count, 0)]
        samples[max(-start, 0) : max(-start, 0) + len(found)] = found
        return samples

    def envelope(self) -> Envelope:
        """Onset envelope of the whole recording."""
        return onset_envelope(soxr.resample(self._samples, self.rate_hz, RATE_HZ, quality="HQ"))


@contextmanager
def open_microphone(name: str, uri: str) -> Iterator[Microphone]:
    """Decode a microphone's file. Raises DrumlineError if it is missing, not audio, or breaks off."""
    fs, path = filesystem(uri)
    with TemporaryFile() as decoded:  # sessions are long, and have many microphones

        def write(pieces: Iterator[Samples]) -> None:
            decoded.truncate(decoded.seek(0))
            for piece in pieces:
                decoded.write(piece.data)
            decoded.flush()

        try:
            with fs.open(path, "rb") as source:
                _, facts = read_audio(source, write, name=uri, max_duration_s=MAX_DURATION_S, rate_hz=None)
        except STORAGE_ERRORS as error:
            raise DrumlineError(f"microphone {name}: {uri}: cannot be read ({error})") from error
        except AudioError as error:
            raise DrumlineError(f"microphone {name}: {error}") from error
        if facts.truncated:
            raise DrumlineError(f"microphone {name}: {uri}: {facts.truncated}")
        yield Microphone(name, np.memmap(decoded, dtype=np.float32, mode="r"), facts.rate_hz)


@dataclass(frozen=True)
class OnsetMatching:
    """Search ranges and limits when hits of two microphones are matched."""

    max_offset_s: float
    max_delay_s: float
    min_correlation: float
    max_onsets: int


def measure_delays(
    anchor: Microphone, target: Microphone, *, envelope: Envelope, matching: OnsetMatching
) -> tuple[Delays, int]:
    """Measure the delay of each isolated hit of the anchor in the target.

    Parameters
    ----------
    anchor, target
        Open recordings of one session, with equal sampling rates.
    envelope
        Onset envelope of the anchor.
    matching
        Search ranges and limits.

    Returns
    -------
    delays : Delays
        Delays [samples] of the matched hits over time [s].
    num_onsets : int
        Number of hits that were searched for.

    Raises
    ------
    DrumlineError
        The sampling rates differ.
    """
    rate_hz = anchor.rate_hz
    if target.rate_hz != rate_hz:
        raise DrumlineError(
            f"microphones {anchor.name} and {target.name}: {rate_hz} and {target.rate_hz} Hz: all files of one session "
            "must have one sampling rate (drift is measured in samples)"
        )
    onsets_s = find_onsets(envelope)
    if len(onsets_s) > matching.max_onsets:
        onsets_s = onsets_s[np.linspace(0, len(onsets_s) - 1, matching.max_onsets).round().astype(int)]
    reach = max(2, round(matching.max_delay_s * rate_hz))
    length = round((_BEFORE_S + _AFTER_S) * rate_hz)
    expected = rough_delay_s(envelope, target.envelope(), reach_s=matching.max_offset_s) * rate_hz
    times_s, delays, recent = [], [], [expected]
    for onset_s in onsets_s:
        start = round((onset_s - _BEFORE_S) * rate_hz)
        from_target = start + round(float(np.median(recent[-_MEMORY:]))) - reach
        peak, correlation = stroke_delay(anchor.read(start, length), target.read(from_target, length + 2 * reach))
        # A maximum at the edge of the search range is not a peak.
        if correlation >= matching.min_correlation and 1 <= peak <= 2 * reach - 1:
            times_s.append(onset_s)
            delays.append(from_target + peak - start)
            recent.append(delays[-1])
    return Delays(np.array(times_s), np.array(delays)), len(onsets_s)
