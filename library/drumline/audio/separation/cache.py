"""Stems that were separated once are never separated again.

A stem is keyed by the bytes it came from and the separator's fingerprint, never by a name: ten thousand songs are
called ``song.ogg``. Below a folder or an object store it lies in ``KE/KEY/``: ``stem.json`` first, ``drums.flac`` last,
each written whole, so whoever finds the FLAC finds all of it, and a job that was killed carries on.

What is kept is what is trained on: mono at `core.grid.RATE_HZ`, 16 bit, an eighth of the stereo stem at 44.1 kHz.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from drumline.audio.decode import SEPARATION_RATE_HZ, StereoAudio
from drumline.audio.downmix import MEAN
from drumline.audio.loudness import PEAK_DB, amplify, decode_flac, encode_flac
from drumline.audio.separation.protocol import Separator, stem_to_mix_db
from drumline.audio.stream import VERSION as DECODER_VERSION
from drumline.core.artifacts import exists, join, read_bytes, sha256, write_bytes
from drumline.core.config import canonical_json
from drumline.core.grid import RATE_HZ


@dataclass(frozen=True, eq=False)
class Stem:
    """Separated drums."""

    samples: NDArray[np.float32]
    """[num_samples], mono at `RATE_HZ`, at the level it has in the mix."""
    ratio_db: float
    """Energy of the drums over the energy of the mix, measured in stereo."""
    separator: str
    """The separator's fingerprint."""
    truncated: str = ""
    """Where the mix breaks off, for people; empty where it is whole."""
    downmix: str = MEAN
    """``difference`` where the mix had its second channel inverted before (`audio.downmix`)."""


def stem_key(files: Sequence[bytes], separator_fingerprint: str) -> str:
    """The key of the drums of one mix: its files' contents in the order they are summed, decoder and separator."""
    parts = [*(sha256(data) for data in files), DECODER_VERSION, separator_fingerprint]
    return sha256("\0".join(parts).encode())


def has_stem(cache: str, key: str) -> bool:
    """Whether `load_stem` will find it: what a plan asks before any model is loaded."""
    return exists(join(cache, key[:2], key, "drums.flac"))


def load_stem(cache: str, key: str) -> Stem:
    """A kept stem. Raises FileNotFoundError where there is none."""
    folder = join(cache, key[:2], key)
    return _unpack(read_bytes(join(folder, "drums.flac")), read_bytes(join(folder, "stem.json")))


def separated(stereo: StereoAudio, separator: Separator) -> Stem:
    """The stem of a mix, as `separate_stem` gives it, kept nowhere."""
    return _unpack(*_made(stereo, separator))


def separate_stem(stereo: StereoAudio, separator: Separator, *, cache: str, key: str) -> Stem:
    """Separate a mix, keep the stem and give it as a later `load_stem` will: the first run and the second work on the
    same samples.
    """
    flac, facts = _made(stereo, separator)
    folder = join(cache, key[:2], key)
    write_bytes(join(folder, "stem.json"), facts)
    write_bytes(join(folder, "drums.flac"), flac)
    return _unpack(flac, facts)


def _made(stereo: StereoAudio, separator: Separator) -> tuple[bytes, bytes]:
    drums = separator.separate(stereo.samples)
    mono = soxr.resample(drums.mean(axis=0), SEPARATION_RATE_HZ, RATE_HZ, quality="HQ")
    ratio_db = stem_to_mix_db(drums, stereo.samples)
    return _pack(Stem(mono, ratio_db, separator.fingerprint, stereo.truncated, stereo.downmix))


def _pack(stem: Stem) -> tuple[bytes, bytes]:
    # A separator may overshoot full scale where the mix did not: take it down, and say by how much.
    peak = max(float(np.abs(stem.samples).max(initial=0)), 1e-9)
    gain_db = min(0.0, PEAK_DB - 20 * float(np.log10(peak)))
    facts = {
        "ratio_db": stem.ratio_db,
        "separator": stem.separator,
        "gain_db": gain_db,
        "rate_hz": RATE_HZ,
        "truncated": stem.truncated,
        "downmix": stem.downmix,
    }
    return encode_flac(amplify(stem.samples, gain_db)), canonical_json(facts).encode()


def _unpack(flac: bytes, facts: bytes) -> Stem:
    recorded = json.loads(facts)
    samples = amplify(decode_flac(flac), -recorded["gain_db"])
    return Stem(samples, recorded["ratio_db"], recorded["separator"], recorded["truncated"], recorded["downmix"])
