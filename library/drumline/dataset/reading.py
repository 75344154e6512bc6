"""Read one song that was found: its chart, by whichever reader its format needs, and a way to its audio."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import PurePosixPath

from drumline.audio import layout
from drumline.charts import dot_chart, gems, notes_mid, sng, song_ini
from drumline.charts.beatsight import audio_filenames, read_beatsight
from drumline.charts.chart import Chart
from drumline.charts.corpora import CORPORA
from drumline.charts.events_jsonl import read_events_jsonl
from drumline.charts.hits_json import read_hits_json
from drumline.charts.midi_json import ClassOrder, read_midi_json
from drumline.charts.song import AnnotatedSong, Metadata
from drumline.charts.song_ini import SongIni
from drumline.core.artifacts import join, read_bytes, sha256
from drumline.core.errors import ChartError, SongError
from drumline.dataset.sources import NOTES, SongSource

MAX_FILE_BYTES = 512 * 2**20
"""No chart, container or audio file may be larger."""


@dataclass(frozen=True)
class ReadSong:
    """A chart that was read, and its audio still to be loaded."""

    song: AnnotatedSong
    chart_sha256: str
    audio: tuple[layout.Choice, ...]
    """Ways to hear the drums, purest first."""
    load: Callable[[str], bytes]
    """The bytes of a file named in ``audio``."""


def read_song(source: SongSource, *, difficulty: str) -> ReadSong:
    """The song of a source.

    Raises ChartError where the chart or container breaks its format, SongError where a file is gone, forbidden
    or too large.
    """

    def load(path: str, uri: Callable[[str], str] = source.uri) -> bytes:
        try:
            return read_bytes(uri(path), MAX_FILE_BYTES)
        except (FileNotFoundError, PermissionError, ValueError) as error:
            raise SongError("source_unreadable", f"{path}: {error or type(error).__name__}") from error

    if source.item is not None:
        song = CORPORA[source.format].read(source.item, load)
        return ReadSong(song, sha256(load(source.annotation)), source.audio, load)
    if source.format == "sng":
        return _read_container(source, load, difficulty)
    data = load(source.annotation)
    name, audio = source.annotation, source.audio
    if source.format in ("chart", "mid"):
        ini_name = next((file for file in source.siblings if file.lower() == "song.ini"), None)
        folder = str(PurePosixPath(source.annotation).parent)
        ini = song_ini.read(load(join(folder, ini_name) if folder != "." else ini_name)) if ini_name else SongIni()
        song = gems.annotate(_read_chart(data, name, ini), difficulty)
    elif source.format == "midi_json":
        return _read_export(source, load, difficulty)
    elif source.format == "beatsight":
        song, audio = read_beatsight(data, name), _beatmap_audio(source, data) or audio
    elif source.format == "hits_json":
        song = read_hits_json(data, name)
    else:
        song = _manifest(data, name)[source.extra["audio_path"]]
    return ReadSong(song, sha256(data + source.extra.get("audio_path", "").encode()), audio, load)


def _read_export(source: SongSource, load: Callable[..., bytes], difficulty: str) -> ReadSong:
    """The export of a difficulty, with the delay and the words of the song.ini beside its audio."""
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
    return ReadSong(song, sha256(data), source.audio, load_audio)


@lru_cache(maxsize=2)
def _manifest(data: bytes, name: str) -> Mapping[str, AnnotatedSong]:
    """The songs of an events manifest by audio path; its songs come to a worker one after the other."""
    return {recording.audio_path: recording.song for recording in read_events_jsonl(data, name)}


def _beatmap_audio(source: SongSource, data: bytes) -> tuple[layout.Choice, ...]:
    """The audio that a beatmap names, as far as it is there."""
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
    chart_name = next((name for name in NOTES if name in container.index), None)
    if chart_name is None:
        raise ChartError(source.annotation, f"holds {', '.join(container.index) or 'nothing'}, but no {NOTES[0]}")
    notes = container.file(chart_name)
    chart = _read_chart(notes, f"{source.annotation}!{chart_name}", container.ini)
    choices = layout.choose(list(container.index))
    return ReadSong(gems.annotate(chart, difficulty), sha256(notes), choices, container.file)
