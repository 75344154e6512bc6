"""Chart exports of the chart-hero tools: ``{artist}-{title}.{Difficulty}.midi.json`` and ``.chart.json``.

::

    {version: 1, source: "chart" | "midi", path, song: {title, artist, pack, album, charter},
     timing: {unit: "tick", tpq, tempos: [{tick, us_per_beat}], time_signatures?: [{tick, ts}]},
     difficulties: {Expert: {events: [{tick, time_sec, lane, hit: "0|1|2|3|4|66|67|68",
                    flags: {cymbal, accent?, ghost?, double_kick?}, len_ticks}]}}}

``path`` is the chart that was exported, on the exporter's machine: the song's audio lies beside it (`dataset.exports`).

Times are taken from ticks and tempos: ``time_sec`` of its General MIDI data knows one tempo only. It serves
where the file has no tempos. Where the two differ, a repair says by how much.

**Class order.** The exporter has two tables for the codes 66, 67 and 68 that contradict each other. ``true``
is the charts' own (yellow, blue, green cymbal: hi-hat, ride, crash). ``legacy`` is the one of its General MIDI
data (crash, hi-hat, ride), where codes rest on pitches and not on a game's lanes.

**What the exporter gets wrong**, measured on 1,620 charts, and what is done here:

- It reads tom markers of ``notes.mid`` as a switch and not as spans: 45.7 % of the yellow, blue and green
  gems have the wrong kind. With ``source: "midi"`` and the ``true`` order, those are ``tom_or_cymbal``.
- Second-pedal kicks of ``.chart`` (N 32) are lost, disco flips are not undone, delay and Offset are left out.
  None of that can be mended from the file: prefer the chart itself where there is one.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.beats import parse_metre
from drumline.charts.chart import DIFFICULTIES
from drumline.charts.documents import LONGEST_S, Tree, read_json
from drumline.charts.text import plain
from drumline.core.errors import ChartError
from drumline.core.hits import FLAGS, Hit, sorted_hits
from drumline.core.tempo import DEFAULT_TEMPO_BPM, TempoMap

ClassOrder = Literal["true", "legacy"]

LANES: Final[Mapping[str, Mapping[str, str]]] = {
    "true": {
        "0": "kick", "1": "snare", "2": "tom_high", "3": "tom_mid", "4": "tom_floor",
        "66": "hihat", "67": "ride", "68": "crash",
    },
    "legacy": {
        "0": "kick", "1": "snare", "2": "tom_high", "3": "tom_mid", "4": "tom_floor",
        "66": "crash", "67": "hihat", "68": "ride",
    },
}  # fmt: skip
"""Class order -> code -> label."""

EXPORT_NAME: Final = re.compile(
    r"(?P<song>.+?)(?:\.(?P<difficulty>easy|medium|hard|expert))?\.(?P<source>midi|chart)(?:\.(?P<copy>[0-9]+))?\.json",
    re.IGNORECASE,
)
"""A file name. The exporter counts copies where two songs or two runs would give one name."""

_NAMES: Final = {
    "0": "kick", "1": "red", "2": "yellow", "3": "blue", "4": "green",
    "66": "yellow cymbal", "67": "blue cymbal", "68": "green cymbal",
}  # fmt: skip
_PRO_CODES: Final = frozenset({"2", "3", "4", "66", "67", "68"})
_LAST_TICK: Final = 2**40
_TIME_TOLERANCE: Final = (0.002, 1e-5)
"""Seconds, and seconds a second: what rounding (``us_per_beat`` is whole) may make of a ``time_sec``."""


def read_midi_json(
    data: bytes, location: str, *, class_order: ClassOrder = "true", difficulty: str = "expert"
) -> AnnotatedSong:
    """One difficulty of an export. Raises ChartError where it is damaged or lacks the difficulty."""
    tree = read_json(data, location)
    words = tree.tree("song")
    levels = tree.tree("difficulties")
    if not levels.has(difficulty):
        found = ", ".join(sorted(levels.values)) or "none"
        raise levels.fault(difficulty, f"no such difficulty; found: {found}")
    timing = tree.tree("timing")
    tempo = _tempo_map(timing)
    toms_lost = tree.text("source", "") == "midi" and class_order == "true"
    events = levels.tree(difficulty).trees("events")
    hits = [_hit(event, tempo, class_order=class_order, toms_lost=toms_lost) for event in events]
    repairs = [f"{location}: tom markers were misread by the exporter: toms and cymbals left undecided"] * toms_lost
    return AnnotatedSong(
        format="midi_json",
        hits=sorted_hits(hits),
        metadata=Metadata(
            title=plain(words.text("title", "")),
            artist=plain(words.text("artist", "")),
            album=plain(words.text("album", "")),
            charter=plain(words.text("charter", "")),
        ),
        tempo=tempo,
        drum_type="four_lane" if toms_lost else "pro",
        unannotated=("hihat_pedal",),
        repairs=(*repairs, *_wrong_times(events, hits, location)),
    )


def source_path(data: bytes, location: str) -> str:
    """The exported chart's path as the export spells it; empty where it names none."""
    return read_json(data, location).text("path", "")


def difficulties(data: bytes, location: str) -> tuple[str, ...]:
    """The difficulties that an export holds, easiest first; names that no game has come last."""
    found = read_json(data, location).tree("difficulties").values
    return (*(name for name in DIFFICULTIES if name in found), *sorted(found.keys() - set(DIFFICULTIES)))


def _wrong_times(events: Sequence[Tree], hits: Sequence[Hit], location: str) -> list[str]:
    """Repairs to report for a ``time_sec`` that is not the time of its tick."""
    floor_s, rate = _TIME_TOLERANCE
    errors_s = []
    for event, hit in zip(events, hits, strict=True):
        stated_s = event.values.get("time_sec")
        if hit.tick is not None and isinstance(stated_s, int | float):
            error_s = abs(stated_s - hit.time_s) if abs(stated_s) < LONGEST_S else math.inf  # NaN too
            if error_s > floor_s + rate * abs(hit.time_s):
                errors_s.append(error_s)
    if not errors_s:
        return []
    share = f"{len(errors_s):,} of {len(events):,} hits have a time_sec that is not their tick's"
    return [f"{location}: {share}, by up to {max(errors_s):.3f} s (ticks and tempos are believed)"]


def _hit(event: Tree, tempo: TempoMap | None, *, class_order: ClassOrder, toms_lost: bool) -> Hit:
    code = event.text("hit").removesuffix(".0")
    if code not in LANES[class_order]:
        raise event.fault("hit", f"{code!r} is not one of {', '.join(LANES[class_order])}")
    marked = event.tree("flags")
    flags = {name for name in ("accent", "ghost", "double_kick") if marked.flag(name)}
    tick = event.whole("tick") if event.has("tick") else None
    if tick is not None and not 0 <= tick <= _LAST_TICK:
        raise event.fault("tick", f"{tick} is outside 0 to {_LAST_TICK}")
    if tempo is not None and tick is not None:
        at = Tree({"tick": float(tempo.seconds(tick))}, event.location)
        time_s = at.seconds("tick")
    else:
        time_s = event.seconds("time_sec")
    return Hit(
        time_s=time_s,
        label="tom_or_cymbal" if toms_lost and code in _PRO_CODES else LANES[class_order][code],
        flags=tuple(flag for flag in FLAGS if flag in flags),
        evidence="gem" if class_order == "true" else "performance",
        source_name=_NAMES[code] if class_order == "true" else f"code {code}",
        tick=tick,
    )


def _tempo_map(timing: Tree) -> TempoMap | None:
    marks = timing.trees("tempos")
    if timing.text("unit", "tick") != "tick" or not marks:
        return None
    tempos = {0: DEFAULT_TEMPO_BPM}
    for mark in marks:
        if (us_per_beat := mark.number("us_per_beat")) <= 0:
            raise mark.fault("us_per_beat", f"{us_per_beat:g} must be positive")
        tempos[mark.whole("tick")] = 60e6 / us_per_beat
    metres = {0: (4, 4)}
    for mark in timing.trees("time_signatures"):
        ts = mark.text("ts")
        if metre := parse_metre(f"{ts}/4" if ts.isdecimal() else ts):  # a .chart may say the numerator alone
            metres[mark.whole("tick")] = metre
    try:
        return TempoMap(
            timing.whole("tpq"),
            tuple(sorted(tempos.items())),
            tuple((tick, *metre) for tick, metre in sorted(metres.items())),
        )
    except (ValueError, OverflowError) as error:
        raise ChartError(timing.location.rstrip(". "), str(error)) from error
