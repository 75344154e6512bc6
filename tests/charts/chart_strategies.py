"""Charts for property tests, of the kind that a format can hold without loss."""

from hypothesis import strategies as st

from drumline.charts.annotated_song import Metadata
from drumline.charts.chart import DIFFICULTIES, Chart, Note, in_order
from drumline.charts.text import plain
from drumline.core.tempo import TempoMap

WORDS = (
    st.text(st.sampled_from("abcXYZ 019 äßçЖ音\"'{}()[]=;,.&!#<>/"), max_size=20)
    .map(plain)
    .filter(lambda text: plain(text) == text and not text.startswith(",") and text == text.strip())
)
PADS = {
    "pro": [("red", False)] + [(lane, cymbal) for lane in ("yellow", "blue", "green") for cymbal in (False, True)],
    "four_lane": [(lane, False) for lane in ("red", "yellow", "blue", "green")],
    "five_lane": [("red", False), ("yellow", True), ("blue", False), ("green", True), ("green", False)],
}


@st.composite
def charts(draw, format):
    """A chart; both formats mark flams, toms and fills for all difficulties alike here, because notes.mid must."""
    is_mid = format == "mid"
    resolution = draw(st.sampled_from([96, 192, 480]))
    kind = draw(st.sampled_from(["pro", "four_lane", "five_lane"]))
    # Half a quarter note is longer than what .mid readers cut to nothing, and never reaches into the next gem.
    step = resolution // 2
    ticks = sorted(draw(st.sets(st.integers(0, 40), max_size=8)))
    shared = {
        tick: {
            "toms": draw(st.sets(st.sampled_from(["yellow", "blue", "green"]))),
            "flam": is_mid and draw(st.booleans()),
            "approximate": draw(st.booleans()),
            "roll_from": draw(st.integers(0, 8)),
        }
        for tick in ticks
    }
    difficulties = {}
    for rank, difficulty in enumerate(DIFFICULTIES):
        notes = []
        for tick in ticks:
            disco = draw(st.booleans())
            lanes = draw(st.sets(st.sampled_from(["kick", "red", "yellow", "blue", "green"]), max_size=3))
            for lane in lanes:
                pads = [cymbal for name, cymbal in PADS[kind] if name == lane] or [False]
                cymbal = draw(st.sampled_from(pads))
                if kind == "pro" and lane in ("yellow", "blue", "green"):
                    cymbal = lane not in shared[tick]["toms"]
                length = draw(st.sampled_from([0, 0, step]))
                dynamic = draw(st.sampled_from(["", "accent", "ghost"])) if lane != "kick" or is_mid else ""
                in_lane = lane != "kick" and rank >= shared[tick]["roll_from"]
                note = Note(
                    tick * step,
                    length,
                    lane,
                    cymbal,
                    accent=dynamic == "accent",
                    ghost=dynamic == "ghost",
                    flam=shared[tick]["flam"],
                    double_kick=lane == "kick" and draw(st.booleans()),
                    disco=disco and lane in ("red", "yellow"),
                    roll=in_lane or (kind == "five_lane" and length > 0),
                    approximate=shared[tick]["approximate"],
                )
                notes.append(note)
        if notes:
            difficulties[difficulty] = in_order(notes)
    marks = st.integers(200_000, 2_000_000).map(lambda us: 60e6 / us)
    if not is_mid:
        marks = st.integers(20_000, 400_000).map(lambda thousandths: thousandths / 1000)
    tempos = {0: draw(marks)} | draw(st.dictionaries(st.integers(1, 9000), marks, max_size=4))
    signature = st.tuples(st.integers(1, 16), st.sampled_from([1, 2, 4, 8, 16]))
    signatures = {0: draw(signature)} | draw(st.dictionaries(st.integers(1, 9000), signature, max_size=2))
    sections = draw(st.dictionaries(st.integers(0, 9000), st.sampled_from(["Verse 1", "Solo ünd Coda"]), max_size=3))
    return Chart(
        format,
        TempoMap(
            resolution,
            tuple(sorted(tempos.items())),
            tuple((tick, *beats) for tick, beats in sorted(signatures.items())),
        ),
        kind,
        difficulties,
        Metadata(*(draw(WORDS) for _ in range(6))),
        offset_s=draw(st.integers(-5000, 5000).filter(lambda ms: ms != -1)) / 1000,
        sections=tuple(sorted(sections.items())),
        end_tick=draw(st.none() | st.integers(9000, 10_000)),
    )
