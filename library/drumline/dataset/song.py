"""Process one song: read its chart, choose and decode audio, align, normalise. No Ray and no output files.

`build_song` returns a *product*, a small table with one row per recording, or the reason for rejection.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from drumline.alignment.align import Alignment, align
from drumline.audio import decode, fingerprint, loudness
from drumline.audio.downmix import MEAN
from drumline.audio.separation.cache import Stem
from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.corpora import CORPORA
from drumline.core.artifacts import sha256
from drumline.core.config import canonical_json
from drumline.core.errors import ChartError, Rejected, SongError
from drumline.core.grid import HIGH, MICRO, RATE_HZ
from drumline.core.hits import Hit, flags_heard
from drumline.dataset.config import BuildConfig
from drumline.dataset.duplicates import ANNOTATED, ANONYMOUS, CHARTED, TRANSCRIBED
from drumline.dataset.reading import ReadSong, read_song
from drumline.dataset.sketches import note_sketch
from drumline.dataset.sources import SongSource
from drumline.dataset.tables import PRODUCT
from drumline.rendering.play import render
from drumline.rendering.synth_kit import synth_kit

_BINARY = ("note_signature", "audio_sketch", "note_sketch", "fingerprint")  # all follow from the hits and the audio
_NUM_KITS = 8
_ON_THE_RECORDING = ("events_jsonl", "hits_json")  # formats whose times are those of the audio beside them
_TAIL_S = 3.0  # after the last hit of a rendered performance: a crash rings on


StemLookup = Callable[[Sequence[bytes]], Stem | None]
"""Looks up the separated drums of a mix by its files' bytes; None if there are none."""


@lru_cache(maxsize=1)
def _thread_pools() -> ThreadpoolController:
    """Thread pools of native libraries, detected once because detection takes milliseconds."""
    return ThreadpoolController()


@dataclass(frozen=True)
class _Recording:
    domain: str
    files: tuple[str, ...]
    audio: decode.Audio
    audio_sha256: str
    stem_to_mix_db: float | None = None


def build_song(source: SongSource, config: BuildConfig, stems: StemLookup) -> pa.Table | Rejected:
    """Process a song into its product (`tables.PRODUCT`, one row per recording) or a rejection.

    Equal inputs give equal values on any number of threads or workers.
    """
    with _thread_pools().limit(limits=1):
        try:
            return _build(source, config, stems)
        except ChartError as error:
            reason = "container_unreadable" if source.format == "sng" else "chart_unreadable"
            return Rejected(reason, str(error))
        except SongError as error:
            return Rejected(error.reason, error.detail)


def _build(source: SongSource, config: BuildConfig, stems: StemLookup) -> pa.Table | Rejected:
    read = read_song(source, difficulty=config.difficulty, transcriptions=config.transcriptions)
    song = read.song
    if not song.hits:
        return Rejected("chart_without_drums", f"{source.annotation}: no drum hit in {config.difficulty}")
    if song.unsuitable:
        return Rejected("chart_unsuitable", f"{source.annotation}: {song.unsuitable}")
    recordings = _recordings(source, read, config, stems)
    if isinstance(recordings, Rejected):
        return recordings
    # Of the purest recording alone, so that keeping more domains of a song leaves it the same song.
    song_id = sha256((read.chart_sha256 + recordings[0].audio_sha256).encode())[:24]
    rows = []
    purest: _Placement | None = None
    for recording in recordings:
        decode.examine(recording.audio, name=_name(recording, source), config=config.audio)
        # A mix summed from files that hold its drums, or that they were separated from, is on their clock.
        if purest and set(recordings[0].files) <= set(recording.files):
            placed: _Placement | Rejected = purest
        else:
            placed = _place(read.song, source, recording, config)
        if isinstance(placed, Rejected):
            return placed
        purest = purest or placed
        rows.append(_row(song_id, source, read, recording, placed, config))
    return pa.Table.from_pylist(rows, schema=PRODUCT)


def _recordings(
    source: SongSource, read: ReadSong, config: BuildConfig, stems: StemLookup
) -> list[_Recording] | Rejected:
    choices = read.audio if config.domains == "all" else read.audio[:1]
    if not choices:
        if config.render_missing:
            return [_rendered(read.song)]
        where = f", nor where its path leads ({path})" if (path := source.extra.get("path")) else ""
        missing = f"{source.key}: no file named like a drum stem or a mix beside the chart{where}"
        return Rejected("audio_missing", missing)
    found = []
    for choice in choices:
        files = [read.load(name) for name in choice.files]
        named = zip(files, choice.files, strict=True)
        audio = decode.mix([decode.decode(data, name=name, config=config.audio) for data, name in named])
        audio_sha256 = sha256("".join(sha256(data) for data in files).encode()) if files[1:] else sha256(files[0])
        recording = _Recording(choice.domain, choice.files, audio, audio_sha256)
        if choice.domain == "mix" and len(read.audio) == 1 and (stem := stems(files)) is not None:
            recording = replace(recording, stem_to_mix_db=stem.ratio_db)
            # A stem with almost none of the mix's energy is worse than the mix: the separator missed the drums.
            if stem.ratio_db >= config.separation.gate_db:
                separated = replace(audio, samples=stem.samples)
                found.append(replace(recording, domain="separated", audio=separated))
                if config.domains == "best":
                    continue
        found.append(recording)
    return found


def _rendered(song: AnnotatedSong) -> _Recording:
    seed = int(sha256(song.note_signature or repr(song.hits).encode())[:8], 16)
    duration_s = song.hits[-1].time_s + _TAIL_S
    kit = synth_kit(seed % _NUM_KITS, rate_hz=RATE_HZ)
    samples = render(song.hits, kit=kit, duration_s=duration_s, seed=seed)
    audio = decode.Audio(samples, RATE_HZ, 1, len(samples), float(np.abs(samples).max()), 0.0)
    return _Recording("rendered", (), audio, sha256(samples.tobytes()))


def _name(recording: _Recording, source: SongSource) -> str:
    return ", ".join(recording.files) or source.annotation


def _repairs(recording: _Recording, source: SongSource) -> list[str]:
    downmix = recording.audio.downmix
    name = _name(recording, source)
    return [] if downmix == MEAN else [f"{name}: the channels cancel in their mean ({downmix} is used)"]


def _row(
    song_id: str, source: SongSource, read: ReadSong, recording: _Recording, placed: "_Placement", config: BuildConfig
) -> dict[str, Any]:
    song, audio = read.song, recording.audio
    audio_s = placed.to_audio(np.array([hit.time_s for hit in song.hits]))
    decode.check_end(audio, name=_name(recording, source), last_hit_s=float(audio_s[-1]), config=config.audio)
    level = loudness.measure(audio.samples)
    inside = (audio_s >= 0) & (audio_s < audio.duration_s)
    beats = _beats(song)
    backed = recording.domain == "mix"
    hits = [
        _hit(h, t, b, with_backing=backed)
        for h, t, b, keep in zip(song.hits, audio_s.tolist(), beats, inside, strict=True)
        if keep
    ]
    corpus = CORPORA.get(source.format)
    prints = fingerprint.fingerprint(audio.samples)
    flac = loudness.encode_flac(loudness.amplify(audio.samples, level.stored_gain_db))
    row: dict[str, Any] = {
        "song_id": song_id,
        "domain": recording.domain,
        "key": source.key,
        "format": read.format,
        "title": song.metadata.title,
        "artist": song.metadata.artist,
        "album": song.metadata.album,
        "genre": song.metadata.genre,
        "year": song.metadata.year,
        "charter": song.metadata.charter,
        "licence": corpus.licence if corpus else song.licence,
        "may_train": corpus.may_train if corpus else True,
        "official_split": song.official_split,
        "group": song.group,
        "drum_type": song.drum_type,
        "unannotated": list(song.unannotated),
        "repairs": [*song.repairs, *_repairs(recording, source)],
        "audio_files": list(recording.files),
        "source_rate_hz": audio.source_rate_hz,
        "source_channels": audio.num_channels,
        "stem_to_mix_db": recording.stem_to_mix_db,
        "duration_s": audio.duration_s,
        "num_samples": len(audio.samples),
        "loudness_lufs": level.lufs,
        "gain_db": level.gain_db,
        "headroom_db": level.headroom_db,
        "tempo_bpm": _tempo_bpm(song),
        "num_hits": len(hits),
        "label_counts": sorted(Counter(hit["label"] for hit in hits).items()),
        "prior_offset_s": song.offset_s,
        **placed.columns(),
        "chart_sha256": read.chart_sha256,
        "audio_sha256": recording.audio_sha256,
        "source_rank": _source_rank(source, read),
        "note_signature": song.note_signature,
        "audio_sketch": fingerprint.sketch(prints).astype("<u8").tobytes(),
        "note_sketch": note_sketch(song.hits).astype("<u8").tobytes(),
        "fingerprint": prints.astype("<u4").tobytes(),
        "hits": hits,
        "payload_bytes": len(flac),
    }
    facts = {name: value for name, value in row.items() if name not in _BINARY}
    return {**row, "content_sha256": sha256((canonical_json(facts) + sha256(flac)).encode()), "audio_flac": flac}


def _source_rank(source: SongSource, read: ReadSong) -> int:
    if read.transcribed:
        return TRANSCRIBED
    if source.format in CORPORA or source.format in _ON_THE_RECORDING:
        return ANNOTATED
    is_export = source.format == "midi_json"  # of a chart that says more: double kicks, disco flips, toms
    return CHARTED if read.song.metadata.charter and not is_export else ANONYMOUS


@dataclass(frozen=True)
class _Placement:
    """Mapping from chart time to audio time of a recording, and its alignment verdict."""

    verdict: str
    """Verdict of the aligner (``aligned``, ``warped``, ``forced``), or ``trusted``, ``unconfirmed``, ``exact``."""
    measured: Alignment | None
    """Measured alignment, whether or not it was applied."""
    applied: Alignment | None
    """Applied alignment; None if chart time is audio time."""

    def to_audio(self, chart_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return chart_s if self.applied is None else self.applied.to_audio(chart_s)

    def columns(self) -> dict[str, Any]:
        measured, applied = self.measured, self.applied
        exact = 0.0 if self.verdict == "exact" else float("nan")
        return {
            "alignment": self.verdict,
            "measured_offset_s": measured.offset_s if measured else exact,
            "residual_ms": measured.residual_ms if measured else exact,
            "fit": measured.fit if measured else float("nan"),
            "offset_s": applied.offset_s if applied else 0.0,
            "drift_ppm": applied.drift_ppm if applied else 0.0,
            "warp": [list(knot) for knot in applied.knots] if applied else [],
        }


def _place(
    song: AnnotatedSong, source: SongSource, recording: _Recording, config: BuildConfig
) -> _Placement | Rejected:
    """Align a recording unless its source makes that unnecessary.

    Rendered performances are exact. Annotations made on the recording itself are trusted: alignment is measured and
    recorded (``unconfirmed`` if nothing was found) but not applied.
    """
    if recording.domain == "rendered":
        return _Placement("exact", None, None)
    result = align(recording.audio.samples, song.hits, prior_offset_s=song.offset_s, config=config.alignment)
    if source.format in CORPORA or source.format in _ON_THE_RECORDING:
        found = None if isinstance(result, Rejected) else result
        return _Placement("trusted" if found else "unconfirmed", found, None)
    return result if isinstance(result, Rejected) else _Placement(result.verdict, result, result)


def _beats(song: AnnotatedSong) -> list[float | None]:
    """Position of each hit in quarter notes."""
    if song.tempo is None:
        return [None] * len(song.hits)
    return list((song.tempo.ticks([hit.time_s for hit in song.hits]) / song.tempo.resolution).tolist())


def _hit(hit: Hit, time_s: float, beat: float | None, *, with_backing: bool) -> dict[str, Any]:
    return {
        "time_s": time_s,
        "chart_s": hit.time_s,
        "frame_128": int(HIGH.frame(time_s)),
        "frame_64": int(MICRO.frame(time_s)),
        "tick": hit.tick,
        "beat": beat,
        "label": hit.label,
        "evidence": hit.evidence,
        "velocity": hit.velocity,
        "openness": hit.openness,
        "flags": list(flags_heard(hit.flags, with_backing=with_backing)),
        "source_name": hit.source_name,
    }


def _tempo_bpm(song: AnnotatedSong) -> float | None:
    if song.tempo is None:
        return None
    last_tick = float(song.tempo.ticks(song.hits[-1].time_s))
    return song.tempo.mean_tempo_bpm(last_tick)
