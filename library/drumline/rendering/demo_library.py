"""A small library of songs made on the spot: for `make demo`, for tests, and to look at every format.

Each song is rendered from its own chart by a synthesised kit, so what a build should find is known: the
formats, the audio layouts, the offsets, and why each broken song must be rejected.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from drumline.charts import beatsight, chart_labels, dot_chart, notes_mid, sng, song_ini
from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.core.artifacts import write_bytes
from drumline.core.hits import Hit
from drumline.rendering.backing import backing, mix
from drumline.rendering.patterns import Groove, perform
from drumline.rendering.play import render_stems
from drumline.rendering.synth_kit import SynthKit, synth_kit

Samples = NDArray[np.float32]

_RATE_HZ: Final = 44_100
_OPUS_RATE_HZ: Final = 48_000  # Opus knows no 44.1 kHz
_TAIL_S: Final = 1.0
_NUM_KITS: Final = 5
_CODECS: Final[Mapping[str, tuple[str, str]]] = {
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"),
    "wav": ("WAV", "PCM_16"),
}


@dataclass(frozen=True)
class DemoSong:
    """One song of the library and what a build should make of it."""

    name: str
    style: str
    tempos: tuple[tuple[int, float], ...]
    """(bar, beats per minute)."""
    format: str = "chart"
    """``chart``, ``mid``, ``sng`` or ``beatsight``."""
    layout: str = "stem"
    """``stem`` (drums.*), ``stems`` (drums_1..4.*) or ``mix`` (song.*)."""
    codec: str = "ogg"
    offset_s: float = 0.0
    """Where the audio really lies: ``audio_s = chart_s + offset_s``."""
    claimed_s: float | None = None
    """Offset that the chart states, if it differs."""
    drift: float = 0.0
    """The part by which the audio runs slower than the chart."""
    num_bars: int = 12
    charter: str = "Ann"
    artist: str = "The Render Farm"
    genre: str = "Rock"
    fault: str = ""
    """Deliberate fault of the song."""
    rejected: str = ""
    """The reason that a build should give; empty for a good song."""


SONGS: Final = (
    DemoSong("First Light", "rock", ((0, 120.0),)),
    DemoSong("Mirror Ball", "disco", ((0, 118.0),), "mid", "stems", offset_s=0.75, genre="Disco", charter="Bob"),
    DemoSong("Hammer and Anvil", "metal", ((0, 180.0),), "mid", codec="opus", num_bars=18, charter="Cy", artist="Iron"),
    DemoSong("Late Set", "jazz", ((0, 150.0),), "sng", charter="Dee", genre="Jazz", artist="Null Quartet"),
    DemoSong("Slow Tide", "ballad", ((0, 72.0), (4, 76.0)), layout="mix", codec="mp3", offset_s=-0.4, charter="Bob"),
    DemoSong("Thunder Road Crew", "toms", ((0, 110.0), (6, 128.0)), "mid", "mix", charter="Dee"),
    DemoSong("On the One", "funk", ((0, 96.0),), layout="stems", codec="flac", charter="Eve", genre="Funk"),
    DemoSong("Three for Two", "waltz", ((0, 140.0),), codec="wav", offset_s=1.5, claimed_s=0.0, num_bars=16),
    DemoSong("Blue Lamp", "funk", ((0, 104.0),), "beatsight", charter="Hal", artist="Second Wind", genre="Funk"),
    DemoSong("Tape Machine", "rock", ((0, 126.0),), drift=8e-4, num_bars=16, charter="Gus", artist="Slow Tape"),
    DemoSong("Ann's Copy", "rock", ((0, 120.0),), fault="copied", rejected="duplicate_exact"),
    DemoSong(
        "First Light",
        "rock",
        ((0, 120.0),),
        "mid",
        codec="mp3",
        num_bars=11,
        fault="re-encoded",
        rejected="duplicate_near",
    ),
    DemoSong("Cut Short", "disco", ((0, 124.0),), codec="wav", fault="truncated", rejected="audio_truncated"),
    DemoSong("Nothing There", "rock", ((0, 100.0),), fault="silent", rejected="audio_silent"),
    DemoSong("Not a Recording", "rock", ((0, 112.0),), fault="text", rejected="audio_undecodable"),
    DemoSong("Wrong Record", "funk", ((0, 93.0),), fault="wrong audio", rejected="alignment_failed"),
    DemoSong("Zero Tempo", "rock", ((0, 120.0),), fault="zero tempo", rejected="chart_unreadable"),
    DemoSong("Escape", "rock", ((0, 121.0),), "sng", fault="traversal", rejected="container_unreadable"),
    DemoSong("No Audio", "rock", ((0, 115.0),), fault="no audio", rejected="audio_missing"),
)


def make_demo_library(folder: Path, songs: tuple[DemoSong, ...] = SONGS) -> None:
    """Write the library below a folder, one folder a song. Files that are there already stay as they are."""
    first: dict[str, bytes] = {}
    for number, song in enumerate(songs):
        location = folder / f"{number + 1:02d} {song.name}"
        if location.is_dir():
            continue
        # A copy is a copy of the bytes: no two encodings of the same samples are alike (Ogg streams are numbered).
        files = files_of(song, number) if song.fault != "copied" else first or files_of(songs[0], 0)
        first = first or files
        for name, data in files.items():
            write_bytes(str(location / name), data)


def files_of(song: DemoSong, number: int) -> dict[str, bytes]:
    """The files of one song's folder; ``number`` is its seed."""
    seed = 0 if song.fault == "re-encoded" else number
    groove = perform(song.style, num_bars=song.num_bars, tempos=song.tempos, seed=seed)
    chart_files = _chart_files(song, groove)
    audio = _audio_files(song, groove, seed)
    if song.format == "sng":
        container = sng.write(chart_files | audio, song_ini.values(_ini(song)))
        # Our writer refuses such a name, so a harmless one of the same length is replaced.
        return {"song.sng": container.replace(b"drums.ogg", b"../ms.ogg") if song.fault == "traversal" else container}
    return chart_files | audio


def _chart_files(song: DemoSong, groove: Groove) -> dict[str, bytes]:
    metadata = Metadata(title=song.name, artist=song.artist, genre=song.genre, charter=song.charter)
    chart = chart_labels.compose(groove.hits, groove.tempo, metadata)
    if song.format == "beatsight":
        annotated = AnnotatedSong("beatsight", groove.hits, metadata, groove.tempo)
        drums = f"drums.{song.codec}"
        audio = beatsight.Audio(drums, "", groove.end_s + _TAIL_S, _RATE_HZ, drum_stem=drums)
        return {"song.bsm": beatsight.write_bsm(annotated, audio=audio, created_at="2026-11-20T00:00:00Z")}
    notes = dot_chart.write(chart) if song.format == "chart" else notes_mid.write(chart)
    if song.fault == "zero tempo":
        notes = notes.replace(b"B 120000", b"B 0")
    files = {"notes.chart" if song.format == "chart" else "notes.mid": notes}
    return files if song.format == "sng" else files | {"song.ini": song_ini.write(_ini(song))}


def _ini(song: DemoSong) -> song_ini.SongIni:
    delay_s = song.offset_s if song.claimed_s is None else song.claimed_s
    return song_ini.from_values(
        {
            "name": song.name,
            "artist": song.artist,
            "genre": song.genre,
            "charter": song.charter,
            "delay": str(round(delay_s * 1000)),
            "pro_drums": "True",
        }
    )


def _audio_files(song: DemoSong, groove: Groove, seed: int) -> dict[str, bytes]:
    suffix = song.codec
    if song.fault == "no audio":
        return {}
    if song.fault == "text":
        return {f"drums.{suffix}": json.dumps({"error": "404 Not Found"}).encode() * 40}
    played = perform("jazz", num_bars=16, tempos=((0, 171.0),), seed=99) if song.fault == "wrong audio" else groove
    pieces = _rendered(song, played, seed)
    whole: Samples = np.stack(list(pieces.values())).sum(axis=0)
    if song.fault == "silent":
        whole = whole * np.float32(1e-5)
    if song.layout == "stems":
        names = ("drums_1", "drums_2", "drums_3", "drums_4")
        files = {f"{n}.{suffix}": _encode(p, suffix) for n, p in zip(names, pieces.values(), strict=True)}
        others = backing(played.tempo, duration_s=len(whole) / _RATE_HZ, rate_hz=_RATE_HZ, seed=seed)
        return files | {f"song.{suffix}": _encode(others[: len(whole)], suffix)}
    if song.layout == "mix":
        others = backing(played.tempo, duration_s=len(whole) / _RATE_HZ, rate_hz=_RATE_HZ, seed=seed)
        return {f"song.{suffix}": _encode(mix(whole, others[: len(whole)]), suffix)}
    data = _encode(whole, suffix)
    return {f"drums.{suffix}": data[: len(data) * 2 // 3] if song.fault == "truncated" else data}


def _rendered(song: DemoSong, groove: Groove, seed: int) -> dict[str, Samples]:
    hits: list[Hit] = [replace(hit, time_s=hit.time_s * (1 + song.drift) + song.offset_s) for hit in groove.hits]
    duration_s = groove.end_s * (1 + song.drift) + max(0.0, song.offset_s) + _TAIL_S
    return render_stems(hits, kit=_kit(seed % _NUM_KITS), duration_s=duration_s, seed=seed)


@lru_cache(maxsize=_NUM_KITS)
def _kit(seed: int) -> SynthKit:
    return synth_kit(seed, rate_hz=_RATE_HZ)  # takes longer to make than a song to play


def _encode(samples: Samples, codec: str) -> bytes:
    container, subtype = _CODECS[codec]
    rate_hz = _OPUS_RATE_HZ if codec == "opus" else _RATE_HZ
    buffer = io.BytesIO()
    resampled = soxr.resample(samples, _RATE_HZ, rate_hz)
    with soundfile.SoundFile(buffer, "w", rate_hz, 1, format=container, subtype=subtype) as file:
        for start in range(0, len(resampled), rate_hz):  # libsndfile's Vorbis keeps what it is given on the stack
            file.write(resampled[start : start + rate_hz])
    return buffer.getvalue()
