"""Stems that were separated once are never separated again.

A stem is keyed by the bytes it came from and the separator's fingerprint, never by a name: ten thousand songs are
called ``song.ogg``. Below a folder or an object store it lies in ``KE/KEY/``: ``stem.json`` first, ``drums.flac`` last
(``bass.json`` and ``bass.flac`` for another source), each written whole, so whoever finds the FLAC finds all of it, and
a job that was killed carries on.

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
from drumline.audio.separation.protocol import Separator, Source, stem_to_mix_db
from drumline.audio.stream import VERSION as DECODER_VERSION
from drumline.core.artifacts import exists, join, read_bytes, sha256, write_bytes
from drumline.core.config import canonical_json
from drumline.core.grid import RATE_HZ


@dataclass(frozen=True, eq=False)
class Stem:
    """One separated source, drums say."""

    samples: NDArray[np.float32]
    """[num_samples], mono at `RATE_HZ`, at the level it has in the mix."""
    ratio_db: float
    """Energy of the source over the energy of the mix, measured in stereo."""
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


def has_stem(cache: str, key: str, source: Source = "drums") -> bool:
    """Whether `load_stem` will find it: what a plan asks before any model is loaded."""
    return exists(join(cache, key[:2], key, f"{source}.flac"))


def load_stem(cache: str, key: str, source: Source = "drums") -> Stem:
    """A kept stem. Raises FileNotFoundError where there is none."""
    folder = join(cache, key[:2], key)
    return _unpack(read_bytes(join(folder, f"{source}.flac")), read_bytes(join(folder, _facts_name(source))))


def separated(stereo: StereoAudio, separator: Separator, sources: Sequence[Source] = ("drums",)) -> tuple[Stem, ...]:
    """Stems of a mix, as `separate_stems` gives them, kept nowhere."""
    return tuple(_unpack(flac, facts) for flac, facts in _made(stereo, separator, sources))


def separate_stems(
    stereo: StereoAudio, separator: Separator, sources: Sequence[Source] = ("drums",), *, cache: str, key: str
) -> tuple[Stem, ...]:
    """Separate a mix, keep the stems and give them as a later `load_stem` will: the first run and the second work on
    the same samples.
    """
    folder, made = join(cache, key[:2], key), _made(stereo, separator, sources)
    for source, (flac, facts) in zip(sources, made, strict=True):
        write_bytes(join(folder, _facts_name(source)), facts)
        write_bytes(join(folder, f"{source}.flac"), flac)
    return tuple(_unpack(flac, facts) for flac, facts in made)


def _facts_name(source: Source) -> str:
    return "stem.json" if source == "drums" else f"{source}.json"


def _made(stereo: StereoAudio, separator: Separator, sources: Sequence[Source]) -> list[tuple[bytes, bytes]]:
    made = []
    for stem in separator.separate(stereo.samples, sources):
        mono = soxr.resample(stem.mean(axis=0), SEPARATION_RATE_HZ, RATE_HZ, quality="HQ")
        ratio_db = stem_to_mix_db(stem, stereo.samples)
        made.append(_pack(Stem(mono, ratio_db, separator.fingerprint, stereo.truncated, stereo.downmix)))
    return made


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
