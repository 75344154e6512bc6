"""notes.chart: the text format of Feedback, Moonscraper and Clone Hero.

Sections ``[Name] { ... }`` of lines ``tick = code values``. Tempo is stated in thousandths of a beat per minute. An
unmarked yellow, blue or green gem is a tom. https://github.com/TheNathannator/GuitarGame_ChartFormats (.chart format).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from drumline.charts import dot_chart_lines, drum_marks, drum_track, provenance
from drumline.charts.annotated_song import Metadata
from drumline.charts.chart import DIFFICULTIES, MAX_CHART_BYTES, MAX_TICK, Chart, capped
from drumline.charts.dot_chart_lines import SECTION_OF, Event, unquoted
from drumline.charts.drum_track import FIFTH, KICK, SECOND_KICK, RawTrack
from drumline.charts.song_ini import SongIni
from drumline.charts.text import decode, leading_number, plain
from drumline.core.errors import ChartError
from drumline.core.tempo import DEFAULT_TEMPO_BPM, TempoMap

USUAL_RESOLUTION: Final = 192
"""Ticks in a quarter note where a chart does not say (as YARG and Moonscraper assume)."""

_GEMS: Final = {code: code for code in range(6)} | {32: SECOND_KICK}
_CYMBALS: Final = {64 + pad: pad for pad in (2, 3, 4)}
_ACCENTS: Final = {33 + pad: pad for pad in range(1, 6)}
_GHOSTS: Final = {39 + pad: pad for pad in range(1, 6)}
_FILL, _ROLL, _SWELL, _KICK_ROLL = 64, 65, 66, 67

_FLIP: Final = re.compile(drum_track.FLIP_EVENT)
_PRACTICE: Final = re.compile(r"\[?(?:section|prc)[ _](.*?)\]?$")


def read(data: bytes, *, name: str, ini: SongIni) -> Chart:
    """A chart from the bytes of a .chart; ``name`` stands in errors and repairs.

    Raises ChartError: not a .chart, a zero tempo or resolution, a tick beyond `MAX_TICK`.
    """
    if len(data) > MAX_CHART_BYTES:
        raise ChartError(name, f"{len(data):,} bytes, limit {MAX_CHART_BYTES:,}")
    repairs: list[str] = []
    sections = dot_chart_lines.sections(decode(data), name, repairs)
    if not sections:
        raise ChartError(f"{name}:1", "no [Section] in it (is this a .chart?)")
    song = dot_chart_lines.song_values(sections.get("Song", []))
    events = {
        section: dot_chart_lines.events(lines, name, repairs)
        for section, lines in sections.items()
        if section != "Song"
    }

    resolution = _resolution(song, name, repairs)
    raws = {
        difficulty: _raw_track(events[section], difficulty, name, repairs)
        for section, difficulty in SECTION_OF.items()
        if section in events
    }
    kind = drum_track.drum_type(
        ini,
        has_markers=any(raw.marked for raw in raws.values()),
        has_fifth_lane=any(pad == FIFTH for raw in raws.values() for _, _, pad in raw.gems),
    )
    notes = {
        difficulty: drum_track.resolve(
            raw,
            kind,
            cymbal_unless_marked=False,
            cutoff_ticks=max(ini.sustain_cutoff_ticks, 0),
            snap_ticks=ini.chord_snap_ticks,
        )
        for difficulty, raw in raws.items()
    }
    tempo = _tempo_map(events.get("SyncTrack", []), resolution, name, repairs)
    return Chart(
        format="chart",
        tempo=tempo,
        drum_type=kind,
        difficulties={difficulty: track for difficulty, track in notes.items() if track},
        metadata=_metadata(song, ini),
        offset_s=ini.offset_s or _seconds(song.get("offset", "")),
        repairs=capped(repairs),
        sections=_practice_sections(events.get("Events", [])),
        end_tick=next((tick for _, tick, code, values in events.get("Events", []) if _is_end(code, values)), None),
        unsuitable="modchart" if ini.modchart else "",
    )


def write(chart: Chart, *, mark: str = "") -> bytes:
    """A chart as UTF-8 .chart, ``mark`` as a key of its [Song].

    Tempos are rounded to thousandths of a beat per minute. The format has no place for flams, for accents and
    ghosts of the kick, for animations and elite notes: they are left out.
    """
    words = chart.metadata
    named = {
        "Name": words.title,
        "Artist": words.artist,
        "Album": words.album,
        "Charter": words.charter,
        "Year": f", {words.year}" if words.year else "",
        "Genre": words.genre,
        provenance.KEY: mark,
    }
    song = [f'{key} = "{value}"' for key, value in named.items() if value]
    song += [f"Offset = {chart.offset_s!r}", f"Resolution = {chart.tempo.resolution}"]
    sync = [(tick, f"TS {top} {bottom.bit_length() - 1}") for tick, top, bottom in chart.tempo.time_signatures]
    sync += [(tick, f"B {round(tempo_bpm * 1000)}") for tick, tempo_bpm in chart.tempo.tempos]
    practice = [(tick, f'E "section {section}"') for tick, section in chart.sections]
    practice += [(chart.end_tick, 'E "end"')] if chart.end_tick is not None else []
    parts = [("Song", song), ("SyncTrack", _lines(sync)), ("Events", _lines(practice))]
    parts += [
        (f"{difficulty.title()}Drums", _lines(_track_lines(chart, difficulty)))
        for difficulty in reversed(DIFFICULTIES)
        if difficulty in chart.difficulties
    ]
    return "".join(_section(title, lines) for title, lines in parts).encode()


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"[{title}]", "{", *(f"  {line}" for line in lines), "}", ""])


def _resolution(song: Mapping[str, str], name: str, repairs: list[str]) -> int:
    stated = song.get("resolution")
    if stated is None:
        repairs.append(f"{name}: no Resolution in [Song] ({USUAL_RESOLUTION} assumed)")
        return USUAL_RESOLUTION
    value = leading_number(stated)
    if value is None or not 1 <= value < 1e6 or value != int(value):
        raise ChartError(name, f"Resolution {stated[:40]!r} in [Song] is not a positive number of ticks")
    if not stated.isdecimal():
        repairs.append(f"{name}: Resolution {stated[:40]!r} in [Song] read as {int(value)}")
    return int(value)


def _tempo_map(events: Iterable[Event], resolution: int, name: str, repairs: list[str]) -> TempoMap:
    tempos: dict[int, float] = {}
    signatures: dict[int, tuple[int, int]] = {}
    for line, tick, code, values in events:
        if code not in ("B", "TS"):
            continue  # ``A`` anchors a tempo for editors only
        stated = dot_chart_lines.numbers(values)
        if not stated or stated[0] < 0:
            repairs.append(f"{name}:{line}: not a number: {values[:40]!r} (left out)")
        elif code == "B":
            if stated[0] == 0:
                raise ChartError(f"{name}:{line}", f"the tempo at tick {tick} is zero")
            tempos[tick] = stated[0] / 1000
        else:
            top, exponent = int(stated[0]), int(stated[1]) if stated[1:] else 2
            if top == 0 or top > 255 or not 0 <= exponent <= 6:
                repairs.append(f"{name}:{line}: no time signature: {values[:40]!r} (left out)")
            else:
                signatures[tick] = (top, 2**exponent)
    return TempoMap(
        resolution,
        tuple(sorted(({0: DEFAULT_TEMPO_BPM} | tempos).items())),
        tuple((tick, *signature) for tick, signature in sorted(({0: (4, 4)} | signatures).items())),
    )


def _raw_track(events: Iterable[Event], difficulty: str, name: str, repairs: list[str]) -> RawTrack:
    raw = RawTrack()
    spans = {_FILL: raw.fills, _ROLL: raw.rolls, _SWELL: raw.rolls, _KICK_ROLL: raw.kick_rolls}
    modifiers = [(_CYMBALS, raw.marked), (_ACCENTS, raw.accents), (_GHOSTS, raw.ghosts)]
    for line, tick, code, values in events:
        if code == "E":
            flip = _FLIP.fullmatch(unquoted(values))
            if flip and DIFFICULTIES[int(flip[1])] == difficulty:
                raw.flips.append((tick, drum_track.FLIP_STATES[flip[2]]))
            continue
        if code not in ("N", "S"):
            continue
        stated = dot_chart_lines.numbers(values)
        if not stated or stated[0] != int(stated[0]):
            repairs.append(f"{name}:{line}: not a number: {values[:40]!r} (left out)")
            continue
        kind, length = int(stated[0]), min(max(round(stated[1]), 0), MAX_TICK) if stated[1:] else 0
        if code == "S":
            if kind in spans:
                spans[kind].append((tick, tick + length))
        elif kind in _GEMS:
            raw.gems.append((tick, length, _GEMS[kind]))
        else:
            for pads, marks in modifiers:
                if kind in pads:
                    marks.add((tick, pads[kind]))
    return raw


def _metadata(song: Mapping[str, str], ini: SongIni) -> Metadata:
    """song.ini's words, where it is silent the chart's own."""

    def word(of_ini: str, key: str) -> str:
        return of_ini or plain(song.get(key, ""))

    return Metadata(
        title=word(ini.name, "name"),
        artist=word(ini.artist, "artist"),
        album=word(ini.album, "album"),
        genre=word(ini.genre, "genre"),
        year=word(ini.year, "year").removeprefix(",").strip(),  # GHTCP, an old editor, wrote ``, 2011``
        charter=word(ini.charter, "charter"),
    )


def _seconds(text: str) -> float:
    offset_s = leading_number(text) or 0.0
    return offset_s if abs(offset_s) < 1e6 else 0.0


def _practice_sections(events: Iterable[Event]) -> tuple[tuple[int, str], ...]:
    texts = ((tick, unquoted(values)) for _, tick, code, values in events if code == "E")
    matches = ((tick, _PRACTICE.match(text)) for tick, text in texts)
    return tuple((tick, plain(match[1])) for tick, match in matches if match)


def _is_end(code: str, values: str) -> bool:
    return code == "E" and unquoted(values).strip("[]") == "end"


def _track_lines(chart: Chart, difficulty: str) -> list[tuple[int, str]]:
    notes, kind = chart.difficulties[difficulty], chart.drum_type
    lines: list[tuple[int, str]] = []
    for note in notes:
        pad = drum_marks.pad(note, kind)
        lines.append((note.tick, f"N {32 if pad == SECOND_KICK else pad} {note.length_ticks}"))
        if note.cymbal and kind == "pro":
            lines.append((note.tick, f"N {64 + pad} 0"))
        if (note.accent or note.ghost) and pad not in (KICK, SECOND_KICK):
            lines.append((note.tick, f"N {(33 if note.accent else 39) + pad} 0"))
    hands = [note for note in notes if drum_marks.is_hand(note)]
    kicks = [note for note in notes if not drum_marks.is_hand(note)]
    rolled = [note for note in notes if drum_marks.is_in_roll_lane(note, kind)]
    for phrase, among, chosen in (
        (_FILL, notes, [note for note in notes if note.approximate]),
        (_ROLL, hands, [note for note in rolled if drum_marks.is_hand(note)]),
        (_KICK_ROLL, kicks, [note for note in rolled if not drum_marks.is_hand(note)]),
    ):
        spans = drum_marks.spans((note.tick for note in among), {note.tick for note in chosen})
        lines += [(start, f"S {phrase} {end - start}") for start, end in spans]
    number = DIFFICULTIES.index(difficulty)
    lines += [(tick, f"E mix_{number}_drums0{'d' * flipped}") for tick, flipped in drum_marks.flips(notes)]
    return lines


def _lines(events: Iterable[tuple[int, str]]) -> list[str]:
    return [f"{tick} = {text}" for tick, text in sorted(events, key=lambda event: event[0])]
