"""Read a found song: its chart, with the reader of its format, and access to its audio."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import PurePosixPath
from typing import Final, Literal

from drumline.audio import layout
from drumline.charts import chart_labels, dot_chart, notes_mid, sng, song_ini
from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.beatsight import audio_filenames, read_beatsight
from drumline.charts.chart import Chart
from drumline.charts.corpora import CORPORA
from drumline.charts.events_jsonl import read_events_jsonl
from drumline.charts.hits_json import read_hits_json
from drumline.charts.midi_json import ClassOrder, read_midi_json
from drumline.charts.provenance import is_transcription
from drumline.charts.song_ini import SongIni
from drumline.core.artifacts import join, read_bytes, sha256
from drumline.core.errors import ArchiveError, ChartError, SongError
from drumline.dataset.folder import NOTES, format_of
from drumline.dataset.sources import SongSource

Transcriptions = Literal["skip", "include"]
_TRANSCRIBED_FORMATS: Final = ("chart", "mid", "beatsight")
MAX_FILE_BYTES = 512 * 2**20
"""Largest accepted chart, container or audio file [bytes]."""


@dataclass(frozen=True)
class ReadSong:
    """A song's chart, and its audio to be loaded."""

    song: AnnotatedSong
    chart_sha256: str
    audio: tuple[layout.Choice, ...]
    """Audio choices, least other sound first."""
    load: Callable[[str], bytes]
    """Loads the bytes of a file named in ``audio``."""
    format: str
    """Format of the chart, as in `SongSource.format`."""
    transcribed: bool = False
    """Whether drumline transcribed the chart; the evidence of its hits is ``transcription`` then."""


def read_song(source: SongSource, *, difficulty: str, transcriptions: Transcriptions = "skip") -> ReadSong:
    """Read the song of a source; a chart made by a person is preferred to a transcription in the same folder.

    Raises
    ------
    ChartError
        The chart or container breaks its format.
    SongError
        A file is gone, forbidden or too large; the folder's song is another one (``chart_superseded``); or the chart is
        a transcription and these are to be skipped (``chart_transcribed``).
    """
    if source.fault:
        raise SongError("container_unreadable", f"{source.annotation}: {source.fault}")
    if source.superseded_by:
        raise SongError("chart_superseded", f"{source.annotation}: the song of its folder is {source.superseded_by}")

    def load(path: str, uri: Callable[[str], str] = source.uri) -> bytes:
        try:
            return read_bytes(uri(path), MAX_FILE_BYTES)
        except (FileNotFoundError, PermissionError, ValueError) as error:
            raise SongError("source_unreadable", f"{path}: {error or type(error).__name__}") from error
        except ArchiveError as error:
            raise SongError("container_unreadable", str(error)) from error

    if source.item is not None:
        song = CORPORA[source.format].read(source.item, load)
        return ReadSong(song, sha256(load(source.annotation)), source.audio, load, source.format)
    if source.format == "sng":
        return _checked(_read_container(source, load, difficulty), source, transcriptions)
    source, data = _made_by_a_person(source, load)
    name, audio = source.annotation, source.audio
    if source.format in ("chart", "mid"):
        ini_name = next((file for file in source.siblings if file.lower() == "song.ini"), None)
        folder = str(PurePosixPath(source.annotation).parent)
        ini = song_ini.read(load(join(folder, ini_name) if folder != "." else ini_name)) if ini_name else SongIni()
        song = chart_labels.annotate(_read_chart(data, name, ini), difficulty)
    elif source.format == "midi_json":
        return _read_export(source, load, difficulty)
    elif source.format == "beatsight":
        song, audio = read_beatsight(data, name), _beatmap_audio(source, data) or audio
    elif source.format == "hits_json":
        song = read_hits_json(data, name)
    else:
        song = _manifest(data, name)[source.extra["audio_path"]]
    digest = sha256(data + source.extra.get("audio_path", "").encode())
    marked = source.format in _TRANSCRIBED_FORMATS and is_transcription(data)
    transcribed = marked or any(hit.evidence == "transcription" for hit in song.hits)
    return _checked(ReadSong(song, digest, audio, load, source.format, transcribed), source, transcriptions)


def _made_by_a_person(source: SongSource, load: Callable[[str], bytes]) -> tuple[SongSource, bytes]:
    """Source with the first of its charts that no machine made, and its bytes; its own chart if there is none."""
    data = load(source.annotation)
    if source.alternatives and is_transcription(data):
        for path in source.alternatives:
            if not is_transcription(other := load(path)):
                return replace(source, annotation=path, format=format_of(path)), other
    return source, data


def _checked(read: ReadSong, source: SongSource, transcriptions: Transcriptions) -> ReadSong:
    if not read.transcribed:
        return read
    if transcriptions == "skip":
        raise SongError("chart_transcribed", f"{source.annotation}: drumline transcribed it; transcriptions: include")
    hits = tuple(replace(hit, evidence="transcription") for hit in read.song.hits)
    return replace(read, song=replace(read.song, hits=hits))


def _read_export(source: SongSource, load: Callable[..., bytes], difficulty: str) -> ReadSong:
    """Read the export of a difficulty, with delay and metadata of the song.ini beside its audio."""
    name = source.extra.get(f"export {difficulty}", source.annotation)
    data = load(name)
    order: ClassOrder = "legacy" if source.extra.get("class_order") == "legacy" else "true"
    song = read_midi_json(data, name, class_order=order, difficulty=difficulty)
    load_audio = partial(load, uri=source.audio_uri)
    if ini_name := source.extra.get("song_ini"):
        ini = song_ini.read(load_audio(ini_name))
        words = {key: own or getattr(ini.metadata, key) for key, own in asdict(song.metadata).items()}
        unsuitable = "modchart" if ini.modchart else song.unsuitable
        song = replace(song, metadata=Metadata(**words), offset_s=ini.offset_s, unsuitable=unsuitable)
    return ReadSong(song, sha256(data), source.audio, load_audio, source.format)


@lru_cache(maxsize=2)
def _manifest(data: bytes, name: str) -> Mapping[str, AnnotatedSong]:
    """Songs of an event manifest by audio path, cached because a worker processes them in sequence."""
    return {recording.audio_path: recording.song for recording in read_events_jsonl(data, name)}


def _beatmap_audio(source: SongSource, data: bytes) -> tuple[layout.Choice, ...]:
    """Audio files that a beatmap names, as far as they exist."""
    mix, stem = audio_filenames(data, source.annotation)
    folder = PurePosixPath(source.annotation).parent
    named = (("stem", stem), ("mix", mix if mix != stem else ""))
    return tuple(layout.Choice(domain, (str(folder / file),)) for domain, file in named if file in source.siblings)


def _read_chart(data: bytes, name: str, ini: SongIni) -> Chart:
    reader = dot_chart.read if name.lower().endswith(".chart") else notes_mid.read
    return reader(data, name=name, ini=ini)


def _read_container(source: SongSource, load: Callable[[str], bytes], difficulty: str) -> ReadSong:
    data = load(source.annotation)
    container = sng.read(data, name=source.annotation)
    charts = {name: container.file(name) for name in NOTES if name in container.index}
    if not charts:
        raise ChartError(source.annotation, f"holds {', '.join(container.index) or 'nothing'}, but no {NOTES[0]}")
    by_people = [name for name, data in charts.items() if not is_transcription(data)]
    chart_name = next(iter(by_people or charts))
    notes = charts[chart_name]
    chart = _read_chart(notes, f"{source.annotation}!{chart_name}", container.ini)
    choices = layout.choose(list(container.index))
    song = chart_labels.annotate(chart, difficulty)
    return ReadSong(song, sha256(notes), choices, container.file, source.format, transcribed=not by_people)
