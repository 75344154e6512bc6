"""`collect extract`: every stroke of a beatmap, cut out of its audio.

Strokes within 10 ms of each other are one sample with several labels: what is cut out there holds them all.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from drumline.charts.beatsight import audio_filenames, read_beatsight
from drumline.core.artifacts import STORAGE_ERRORS, join, read_bytes, sha256
from drumline.core.errors import DrumlineError
from drumline.core.events import Hit
from drumline.quality.collect.collection import Clip, open_collection
from drumline.quality.collect.cutting import CutConfig, cut, read_recording
from drumline.quality.collect.outcome import AddingConfig, finish
from drumline.quality.outcome import Outcome
from drumline.quality.report import Input

_TOGETHER_S: Final = 0.01


class ExtractConfig(AddingConfig):
    """A beatmap."""

    beatmap: str
    """A .bsm or .bs file."""
    audio: str = ""
    """Its audio; the file that the beatmap names, beside it, if empty."""
    prefer_stem: bool = True
    """Cut from the drum stem where the beatmap names one."""
    session_id: str = ""
    """What the recording belongs to; the beatmap's artist and title if empty."""
    cut: CutConfig = CutConfig()


def check(config: ExtractConfig) -> Outcome:
    """Extract. Raises DrumlineError where beatmap or audio cannot be used."""
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
            Clip(
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
