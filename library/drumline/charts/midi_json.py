"""Chart exports of the chart-hero tools: ``{artist}-{title}.{Difficulty}.midi.json`` and ``.chart.json``.

::

    {version: 1, source: "chart" | "midi", song: {title, artist, pack, album, charter},
     timing: {unit: "tick", tpq, tempos: [{tick, us_per_beat}], time_signatures?: [{tick, ts}]},
     difficulties: {Expert: {events: [{tick, time_sec, lane, hit: "0|1|2|3|4|66|67|68",
                    flags: {cymbal, accent?, ghost?, double_kick?}, len_ticks}]}}}

Times are taken from ticks and tempos: ``time_sec`` of its General MIDI data knows one tempo only. It serves
where the file has no tempos.

**Class order.** The exporter has two tables for the codes 66, 67 and 68 that contradict each other. ``true``
is the charts' own (yellow, blue, green cymbal: hi-hat, ride, crash). ``legacy`` is the one of its General MIDI
data (crash, hi-hat, ride), where codes rest on pitches and not on a game's lanes.

**What the exporter gets wrong**, measured on 1,620 charts, and what is done here:

- It reads tom markers of ``notes.mid`` as a switch and not as spans: 45.7 % of the yellow, blue and green
  gems have the wrong kind. With ``source: "midi"`` and the ``true`` order, those are ``tom_or_cymbal``.
- Second-pedal kicks of ``.chart`` (N 32) are lost, disco flips are not undone, delay and Offset are left out.
  None of that can be mended from the file: prefer the chart itself where there is one.
"""

from collections.abc import Mapping
from typing import Final, Literal

from drumline.charts.beats import parse_metre
from drumline.charts.chart import DIFFICULTIES
from drumline.charts.documents import Tree, read_json
from drumline.charts.song import AnnotatedSong, Metadata
from drumline.core.errors import ChartError
from drumline.core.events import FLAGS, Hit, sorted_hits
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

_NAMES: Final = {
    "0": "kick", "1": "red", "2": "yellow", "3": "blue", "4": "green",
    "66": "yellow cymbal", "67": "blue cymbal", "68": "green cymbal",
}  # fmt: skip
_PRO_CODES: Final = frozenset({"2", "3", "4", "66", "67", "68"})
_LAST_TICK: Final = 2**40


def read_midi_json(
    data: bytes, place: str, *, class_order: ClassOrder = "true", difficulty: str = "expert"
) -> AnnotatedSong:
    """One difficulty of an export. Raises ChartError where it is damaged or lacks the difficulty."""
    tree = read_json(data, place)
    words = tree.tree("song")
    levels = tree.tree("difficulties")
    if not levels.has(difficulty):
        found = ", ".join(sorted(levels.values)) or "none"
        raise levels.fault(difficulty, f"no such difficulty; found: {found}")
    timing = tree.tree("timing")
    tempo = _tempo_map(timing)
    toms_lost = tree.text("source", "") == "midi" and class_order == "true"
    hits = [
        _hit(event, tempo, class_order=class_order, toms_lost=toms_lost)
        for event in levels.tree(difficulty).trees("events")
    ]
    return AnnotatedSong(
        format="midi_json",
        hits=sorted_hits(hits),
        metadata=Metadata(
            title=words.text("title", ""),
            artist=words.text("artist", ""),
            album=words.text("album", ""),
            charter=words.text("charter", ""),
        ),
        tempo=tempo,
        drum_type="four_lane" if toms_lost else "pro",
        unannotated=("hihat_pedal",),
        repairs=(f"{place}: tom markers were misread by the exporter: toms and cymbals left undecided",)
        if toms_lost
        else (),
    )


def difficulties(data: bytes, place: str) -> tuple[str, ...]:
    """The difficulties that an export holds, easiest first; names that no game has come last."""
    found = read_json(data, place).tree("difficulties").values
    return (*(name for name in DIFFICULTIES if name in found), *sorted(found.keys() - set(DIFFICULTIES)))


def _hit(event: Tree, tempo: TempoMap | None, *, class_order: ClassOrder, toms_lost: bool) -> Hit:
    code = event.text("hit")
    if code not in LANES[class_order]:
        raise event.fault("hit", f"{code!r} is not one of {', '.join(LANES[class_order])}")
    marked = event.tree("flags")
    flags = {name for name in ("accent", "ghost", "double_kick") if marked.flag(name)}
    tick = event.whole("tick") if event.has("tick") else None
    if tick is not None and not 0 <= tick <= _LAST_TICK:
        raise event.fault("tick", f"{tick} is outside 0 to {_LAST_TICK}")
    if tempo is not None and tick is not None:
        at = Tree({"tick": float(tempo.seconds(tick))}, event.place)
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
        if metre := parse_metre(mark.text("ts")):
            metres[mark.whole("tick")] = metre
    try:
        return TempoMap(
            timing.whole("tpq"),
            tuple(sorted(tempos.items())),
            tuple((tick, *metre) for tick, metre in sorted(metres.items())),
        )
    except (ValueError, OverflowError) as error:
        raise ChartError(timing.place.rstrip(". "), str(error)) from error
