"""What gems are taken for."""

from collections import Counter
from dataclasses import replace

import pytest

from drumline.charts import chart_labels
from drumline.charts.annotated_song import Metadata
from drumline.charts.chart import Chart, Note, PieceNote
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap

TEMPO = TempoMap(480)
PRO = {
    ("kick", False): "kick",
    ("red", False): "snare",
    ("yellow", True): "hihat",
    ("blue", True): "ride",
    ("green", True): "crash",
    ("yellow", False): "tom_high",
    ("blue", False): "tom_mid",
    ("green", False): "tom_floor",
}


def chart(*notes, **fields):
    return replace(Chart("mid", TEMPO, "pro", {"expert": notes} if notes else {}), **fields)


def labels(song):
    return [(hit.tick, hit.label, hit.evidence) for hit in song.hits]


@pytest.mark.parametrize(("lane", "cymbal"), PRO)
def test_majority_labels(lane, cymbal):
    song = chart_labels.annotate(chart(Note(480, 0, lane, cymbal, ghost=True, roll=True)))
    assert song.hits == (
        Hit(
            0.5,
            PRO[lane, cymbal],
            flags=("ghost", "roll"),
            evidence="gem",
            source_name={"kick": "kick", "red": "red"}.get(lane, f"{lane} {'cymbal' if cymbal else 'tom'}"),
            tick=480,
        ),
    )
    assert song.unannotated == ("hihat_pedal",)


def test_disco_flip_swaps_snare_and_hihat():
    flipped = [Note(0, 0, "red", disco=True), Note(0, 0, "yellow", True, disco=True), Note(0, 0, "yellow", disco=True)]
    assert [chart_labels.label(note, "pro") for note in flipped] == ["hihat", "snare", "snare"]
    assert [chart_labels.label(note, "five_lane") for note in flipped[:2]] == ["hihat", "snare"]
    # Four lanes: red plays "the rest of the kit", and no one says what.
    assert [chart_labels.label(flipped[0], "four_lane"), chart_labels.label(flipped[2], "four_lane")] == [
        "tom_or_cymbal",
        "snare",
    ]


def test_four_lanes_do_not_tell_toms_from_cymbals():
    four = [Note(0, 0, lane) for lane in ("kick", "red", "yellow", "blue", "green")]
    assert [chart_labels.label(note, "four_lane") for note in four] == ["kick", "snare", *["tom_or_cymbal"] * 3]


def test_animations_refine_the_gem_they_stand_with():
    notes = (
        Note(0, 0, "kick"),
        Note(0, 0, "yellow", True),
        Note(0, 0, "green", True),
        Note(480, 0, "blue", True),
        Note(960, 0, "red"),
        Note(960, 0, "yellow"),
        Note(1440, 0, "red"),
        Note(1920, 0, "blue"),
    )
    animations = (
        PieceNote(0, "crash", "crash 1 left"),
        PieceNote(0, "hihat_open", "hi-hat right"),
        PieceNote(478, "crash", "crash 2 right"),  # 2 ms early
        PieceNote(960, "snare", "snare left"),  # a flam, charted on two pads
        PieceNote(960, "snare", "snare right"),
        PieceNote(1440, "ride", "ride right"),  # a cymbal is no snare
        PieceNote(1920, "other", "percussion"),
        PieceNote(1980, "tom_floor", "floor tom left"),  # 62 ms late
    )
    song = chart_labels.annotate(chart(*notes, animations=animations))
    assert labels(song) == [
        (0, "crash", "animation"),
        (0, "hihat_open", "animation"),
        (0, "kick", "gem"),
        (480, "crash", "animation"),
        (960, "snare", "animation"),
        (960, "snare", "animation"),
        (1440, "snare", "gem"),
        (1920, "other", "animation"),
    ]
    assert song.hits[3].source_name == "blue cymbal, crash 2 right"


def test_animations_speak_for_expert_and_elite_for_its_own_difficulty():
    both = chart(
        difficulties={"hard": (Note(0, 0, "yellow", True),), "expert": (Note(0, 0, "yellow", True),)},
        animations=(PieceNote(0, "crash", "crash 1 left"),),
        elite={"expert": (PieceNote(0, "hihat_pedal", "elite hat pedal"),)},
    )
    assert labels(chart_labels.annotate(both, "hard")) == [(0, "hihat", "gem")]
    assert labels(chart_labels.annotate(both)) == [(0, "hihat_pedal", "elite")]
    assert chart_labels.annotate(both).unannotated == ()
    assert chart_labels.annotate(both, "easy").hits == ()


def test_signatures_know_beats_not_ticks():
    here = chart(Note(480, 0, "red"), Note(720, 0, "green", True))
    there = replace(
        here, tempo=TempoMap(192), difficulties={"expert": (Note(192, 0, "red"), Note(288, 9, "green", True))}
    )
    moved = replace(here, difficulties={"expert": (Note(480, 0, "red"), Note(721, 0, "green", True))})
    tom = replace(here, difficulties={"expert": (Note(480, 0, "red"), Note(720, 0, "green"))})
    assert chart_labels.note_signature(here) == chart_labels.note_signature(there)
    assert len({chart_labels.note_signature(chart) for chart in (here, moved, tom)}) == 3
    assert chart_labels.note_signature(chart()) == b""


def test_composed_charts_read_back_as_their_majority_labels():
    hits = [Hit(index * 0.25, label) for index, label in enumerate(PRO.values())]
    again = chart_labels.annotate(chart_labels.compose(hits, TEMPO, Metadata(title="x")))
    assert [(hit.time_s, hit.label) for hit in again.hits] == [(hit.time_s, hit.label) for hit in hits]
    assert again.metadata.title == "x"


def test_composing_moves_toms_out_of_the_way_of_cymbals_and_leaves_out_what_has_no_pad():
    hits = [Hit(0.0, label) for label in ("tom_high", "hihat_open", "crash", "hihat_pedal", "other", "kick", "kick")]
    expert = chart_labels.compose(hits, TEMPO, Metadata()).difficulties["expert"]
    assert Counter((note.lane, note.cymbal) for note in expert) == Counter(
        [("kick", False), ("yellow", True), ("blue", False), ("green", True)]
    )
    with pytest.raises(ValueError, match="'tom_or_cymbal' at tick 480: an elite-drums track cannot say it"):
        chart_labels.compose([Hit(0.5, "tom_or_cymbal")], TEMPO, Metadata(), elite=True)
