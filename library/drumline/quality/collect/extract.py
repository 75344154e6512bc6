"""`collect extract`: cut every hit of a beatmap out of its audio.

Hits within 10 ms of each other become one sample with several labels, because the cut contains them all.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from drumline.charts.beatsight import audio_filenames, read_beatsight
from drumline.core.artifacts import STORAGE_ERRORS, join, read_bytes, sha256
from drumline.core.errors import DrumlineError
from drumline.core.hits import Hit
from drumline.quality.collect.collection import OneShot, open_collection
from drumline.quality.collect.cutting import CutConfig, cut, read_recording
from drumline.quality.collect.outcome import AddSamplesConfig, finish
from drumline.quality.outcome import CheckResult
from drumline.quality.report import Input

_TOGETHER_S: Final = 0.01


class ExtractConfig(AddSamplesConfig):
    """A beatmap whose hits are cut out of its audio."""

    beatmap: str
    """Beatmap: a .bsm or .bs file."""
    audio: str = ""
    """Audio file; if empty, the one that the beatmap names, relative to it."""
    prefer_stem: bool = True
    """Cut from the drum stem if the beatmap names one."""
    session_id: str = ""
    """Session that the recording belongs to; the beatmap's artist and title if empty."""
    cut: CutConfig = CutConfig()


def run(config: ExtractConfig) -> CheckResult:
    """Extract all hits of a beatmap. Raises DrumlineError if beatmap or audio cannot be read."""
    collection = open_collection(config.collection, must_exist=False)
    try:
        data = read_bytes(config.beatmap)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"beatmap: {config.beatmap}: cannot be read ({error or type(error).__name__})") from error
    song = read_beatsight(data, config.beatmap)
    recording = read_recording(config.audio or _beside(config, data))
    words = (song.metadata.artist, song.metadata.title)
    for hits in _chords(song.hits):
        onset_s = hits[0].time_s
        clip = cut(recording, onset_s, config.cut)
        if clip is None:
            collection.rejected["nothing sounds there"] += 1
            continue
        collection.add(
            OneShot(
                data=clip,
                ending=".wav",
                onset_s=config.cut.pre_ms / 1000,
                components=tuple((hit.source_name, hit.velocity) for hit in hits),
                cut_from={"audio": recording.uri, "onset_time": round(onset_s, 6), "sha256": recording.sha256},
                session_id=config.session_id or " - ".join(word for word in words if word) or config.beatmap,
                source_set=config.source_set,
            ),
            dry_run=config.dry_run,
        )
    inputs = [
        Input(role="beatmap", path=config.beatmap, records=len(song.hits), sha256=sha256(data)),
        Input(role="audio", path=recording.uri, records=1, sha256=recording.sha256),
    ]
    return finish("collect-extract", collection, config, inputs=inputs, notes=song.repairs)


def _beside(config: ExtractConfig, data: bytes) -> str:
    mix, stem = audio_filenames(data, config.beatmap)
    name = stem if stem and config.prefer_stem else mix
    if not name:
        raise DrumlineError(f"audio: {config.beatmap} names no audio file: set audio")
    folder = config.beatmap.rpartition("/")[0]
    return join(folder, name) if folder else name


def _chords(hits: Sequence[Hit]) -> Iterator[list[Hit]]:
    chord: list[Hit] = []
    for hit in hits:
        if chord and hit.time_s - chord[0].time_s > _TOGETHER_S:
            yield chord
            chord = []
        chord.append(hit)
    if chord:
        yield chord
