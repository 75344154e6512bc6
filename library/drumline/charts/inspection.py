"""Contents of a chart as JSON objects, to compare with other readers, and as text for people."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from drumline.charts import chart_labels, dot_chart, midi_json, notes_mid, sng, song_ini
from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.beatsight import read_beatsight
from drumline.charts.chart import MAX_CHART_BYTES, Chart
from drumline.charts.sng import MAX_SNG_BYTES
from drumline.charts.song_ini import SongIni
from drumline.core.errors import ChartError
from drumline.core.hits import Hit
from drumline.core.listing import walk

JsonObject = dict[str, Any]

CHART_READERS: Final[Mapping[str, Callable[..., Chart]]] = {
    ".chart": dot_chart.read,
    ".mid": notes_mid.read,
    ".midi": notes_mid.read,
}
"""Suffix -> reader of a chart's bytes."""


def inspect(path: Path) -> Iterator[JsonObject]:
    """One object for each chart at a path: a chart, an export, a .sng, or a folder, searched in the order of names.

    An object holds ``path`` and ``error`` where a chart cannot be read. The song.ini beside a chart is heeded.
    """
    if path.is_dir():
        inside = [child for child in sorted(path / file for file, _ in walk(str(path))) if _reader(child)]
        if not inside:
            yield {"path": str(path), "error": f"no chart in it ({', '.join(READERS)})"}
        for child in inside:
            yield from inspect(child)
        return
    reader = _reader(path)
    if reader is None:
        reason = f"no reader for this kind of file ({', '.join(READERS)})" if path.exists() else "no such file"
        yield {"path": str(path), "error": reason}
        return
    try:
        yield from reader(path)
    except ChartError as error:
        yield {"path": str(path), "error": str(error)}
    except OSError as error:
        yield {"path": str(path), "error": f"{path}: cannot be read ({error.strerror})"}


def describe(path: str, chart: Chart) -> JsonObject:
    """The object of one chart. Seconds are chart time, the offset not added."""
    return {
        "path": path,
        "format": chart.format,
        "resolution": chart.tempo.resolution,
        "drum_type": chart.drum_type,
        "offset_s": chart.offset_s,
        "tempos": [list(mark) for mark in chart.tempo.tempos],
        "difficulties": {difficulty: _notes(chart, difficulty) for difficulty in chart.difficulties},
        "repairs": list(chart.repairs),
    }


def describe_song(path: str, difficulties: Mapping[str, AnnotatedSong]) -> JsonObject:
    """The object of a song that was read without its gems, keyed as `describe`; null is what its format cannot say.

    The songs differ in their difficulty alone; at least one is needed.
    """
    song = next(iter(difficulties.values()))
    return {
        "path": path,
        "format": song.format,
        "resolution": song.tempo.resolution if song.tempo else None,
        "drum_type": song.drum_type or None,
        "offset_s": song.offset_s,
        "tempos": [list(mark) for mark in song.tempo.tempos] if song.tempo else [],
        "difficulties": {
            difficulty: [_note_of_hit(hit, on_lanes=bool(song.drum_type)) for hit in own.hits]
            for difficulty, own in difficulties.items()
        },
        "repairs": list(song.repairs),
    }


def summary(described: JsonObject) -> str:
    """An object of `inspect` in a few lines."""
    if "error" in described:
        return f"{described['path']}\n  cannot be read: {described['error']}"
    facts = [described["format"]]
    if described["drum_type"]:
        facts.append(described["drum_type"])
    if described["resolution"]:
        facts.append(f"{described['resolution']} ticks a quarter note")
    if tempos := [tempo_bpm for _, tempo_bpm in described["tempos"]]:
        low, high = min(tempos), max(tempos)
        facts.append(f"{low:.4g} bpm" if low == high else f"{low:.4g} to {high:.4g} bpm")
    facts.append(f"offset {described['offset_s']:+.3f} s")
    lines = [described["path"], f"  {', '.join(facts)}"]
    for difficulty, notes in described["difficulties"].items():
        counts: dict[str, int] = {}
        for note in notes:
            lane = note["lane"] or note["class"] or "unknown"
            pad = f"{lane} cymbal" if note["cymbal"] else lane
            counts[pad] = counts.get(pad, 0) + 1
        pads = ", ".join(f"{pad} {count}" for pad, count in sorted(counts.items(), key=lambda item: -item[1]))
        span = f" in {notes[-1]['time_s']:.1f} s ({pads})" if notes else ""
        lines.append(f"  {difficulty}: {len(notes)} notes{span}")
    if not described["difficulties"]:
        lines.append("  no drum part")
    return "\n".join([*lines, *(f"  repaired: {repair}" for repair in described["repairs"])])


def _read_file(path: Path) -> Iterator[JsonObject]:
    data = _bounded(path, MAX_CHART_BYTES)
    yield describe(str(path), CHART_READERS[path.suffix.lower()](data, name=str(path), ini=_ini_beside(path)))


def _read_sng(path: Path) -> Iterator[JsonObject]:
    container = sng.read(_bounded(path, MAX_SNG_BYTES), name=str(path))
    charts = [name for name in container.index if Path(name).suffix in CHART_READERS]
    if not charts:
        raise ChartError(str(path), "no chart in it")
    for name in charts:
        location = f"{path}/{name}" if len(charts) > 1 else str(path)
        try:
            chart = CHART_READERS[Path(name).suffix](container.file(name), name=f"{path}/{name}", ini=container.ini)
            yield describe(location, chart)
        except ChartError as error:
            yield {"path": location, "error": str(error)}


def _read_export(path: Path) -> Iterator[JsonObject]:
    data = _bounded(path, MAX_CHART_BYTES)
    names = midi_json.difficulties(data, str(path))
    if not names:
        raise ChartError(str(path), "no difficulty in it")
    yield describe_song(str(path), {name: midi_json.read_midi_json(data, str(path), difficulty=name) for name in names})


def _read_beatmap(path: Path) -> Iterator[JsonObject]:
    yield describe_song(str(path), {"expert": read_beatsight(_bounded(path, MAX_CHART_BYTES), str(path))})


READERS: Final[Mapping[str, Callable[[Path], Iterator[JsonObject]]]] = {
    ".chart": _read_file,
    ".mid": _read_file,
    ".midi": _read_file,
    ".sng": _read_sng,
    ".midi.json": _read_export,
    ".chart.json": _read_export,
    ".bsm": _read_beatmap,
    ".bs": _read_beatmap,
}
"""The end of a file's name -> what reads it."""


def _reader(path: Path) -> Callable[[Path], Iterator[JsonObject]] | None:
    if midi_json.EXPORT_NAME.fullmatch(path.name):
        return _read_export
    return next((reader for suffix, reader in READERS.items() if path.name.lower().endswith(suffix)), None)


def _bounded(path: Path, limit: int) -> bytes:
    if (size := path.stat().st_size) > limit:
        raise ChartError(str(path), f"{size:,} bytes, limit {limit:,}")
    return path.read_bytes()


def _ini_beside(path: Path) -> SongIni:
    beside = next((file for file in sorted(path.parent.iterdir()) if file.name.lower() == "song.ini"), None)
    return song_ini.read(_bounded(beside, MAX_CHART_BYTES)) if beside else SongIni()


def _notes(chart: Chart, difficulty: str) -> list[JsonObject]:
    notes = chart.difficulties[difficulty]
    times_s = chart.tempo.seconds([note.tick for note in notes]).tolist()
    labels = [chart_labels.label(note, chart.drum_type) for note in notes]
    return [
        {
            "tick": note.tick,
            "time_s": time_s,
            "lane": note.lane,
            "cymbal": note.cymbal,
            "accent": note.accent,
            "ghost": note.ghost,
            "flam": note.flam,
            "double_kick": note.double_kick,
            "class": None if label == "tom_or_cymbal" else label,
        }
        for note, time_s, label in zip(notes, times_s, labels, strict=True)
    ]


def _note_of_hit(hit: Hit, *, on_lanes: bool) -> JsonObject:
    """A hit as a note. Where gems have lanes, the source's name for it is the lane and, for a cymbal, that word."""
    lane, _, kind = hit.source_name.partition(" ") if on_lanes else ("", "", "")
    return {
        "tick": hit.tick,
        "time_s": hit.time_s,
        "lane": lane or None,
        "cymbal": kind == "cymbal" if on_lanes else None,
        **{flag: flag in hit.flags for flag in ("accent", "ghost", "flam", "double_kick")},
        "class": None if hit.label == "tom_or_cymbal" else hit.label,
    }
