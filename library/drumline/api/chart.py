"""Read charts of every format from Python, without torch, Ray or pyarrow."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from drumline.api.hits import Hits
from drumline.charts import general_midi
from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.notes_mid import DRUM_TRACKS
from drumline.core.artifacts import read_bytes
from drumline.core.errors import ChartError, SongError
from drumline.dataset.folder import Folder, format_of
from drumline.dataset.reading import MAX_FILE_BYTES, read_song
from drumline.dataset.sources import SongSource, song_folders


@dataclass(frozen=True)
class Chart:
    """Hits of one chart, with its metadata.

    Attributes
    ----------
    song
        The library's own annotated song: every hit with flags, evidence and tick, the tempo map, and repairs.
    """

    song: AnnotatedSong

    @cached_property
    def hits(self) -> Hits:
        """Hits in seconds of the chart; add `offset_s` for seconds of the audio."""
        return Hits.of(self.song.hits)

    @property
    def title(self) -> str:
        """Title; empty where the chart has none."""
        return self.song.metadata.title

    @property
    def artist(self) -> str:
        """Artist; empty where the chart has none."""
        return self.song.metadata.artist

    @property
    def offset_s(self) -> float:
        """Offset that the chart claims, in seconds: ``audio_s = chart_s + offset_s``."""
        return self.song.offset_s


def read_chart(path: str | os.PathLike[str], *, difficulty: str = "expert") -> Chart:
    """Read a chart, or the chart of a song folder.

    Parameters
    ----------
    path
        A ``.chart``, ``notes.mid`` or ``.sng`` file, a MIDI file with a General MIDI drum track, a chart-hero export
        (``.midi.json``, ``.chart.json``), a BeatSight beatmap (``.bsm``, ``.bs``), a ``hits.json``, or a folder that
        holds one song. A ``song.ini`` beside a chart is read too. Charts that drumline transcribed are read like
        others; of a folder that also has one by a person, that is read.
    difficulty
        ``easy``, ``medium``, ``hard`` or ``expert``, where the format has difficulties.

    Returns
    -------
    The chart.

    Raises
    ------
    ChartError
        The chart breaks its format, is of no known format, or the folder does not hold exactly one song.
    SongError
        A file is missing, unreadable or too large.
    FileNotFoundError
        There is nothing at the path.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "hits.json"
    >>> _ = path.write_text('{"hits": [{"time_s": 1.25, "label": "snare_head"}]}')
    >>> chart = read_chart(path)
    >>> chart.hits.time_s, chart.hits.label
    (array([1.25]), array(['snare_head'], dtype='<U10'))
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    source = _of_folder(path, names) if path.is_dir() else _of_file(path, names)
    if source.format == "mid" and (played := _performance(Path(source.root, source.annotation))) is not None:
        return Chart(played)
    return Chart(read_song(source, difficulty=difficulty, transcriptions="include").song)


def _performance(path: Path) -> AnnotatedSong | None:
    """The song of a MIDI file without a game's drum track; None if it has one."""
    try:
        data = read_bytes(str(path), MAX_FILE_BYTES)
    except ValueError as error:
        raise SongError("source_unreadable", str(error)) from error
    if any(name.encode() in data for name in DRUM_TRACKS):
        return None
    played = general_midi.read_performance(data, str(path))
    return AnnotatedSong("midi", played.hits, Metadata(title=path.stem), played.tempo)


def _of_file(path: Path, names: list[str]) -> SongSource:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    if (format_ := format_of(path.name)) in ("", "events_jsonl"):
        raise ChartError(str(path), "not the name of a chart (.chart, .mid, .sng, .midi.json, .bsm, hits.json ...)")
    return SongSource(path.name, str(path.parent), format_, path.name, siblings=tuple(names))


def _of_folder(path: Path, names: list[str]) -> SongSource:
    found = [each for each in song_folders(path.name, str(path), dict.fromkeys(names, "")) if not each.superseded_by]
    if len(found) != 1:
        charts = ", ".join(Folder(names).charts) or "none"
        raise ChartError(str(path), f"holds {len(found)} charts of songs ({charts}); name one of the files")
    return found[0]
