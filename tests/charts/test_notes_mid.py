"""The rules of notes.mid, one by one."""

import struct

import pytest
from tests.charts.midi_files import midi_file

from drumline.charts import notes_mid, smf
from drumline.charts.chart_labels import annotate
from drumline.charts.song_ini import SongIni
from drumline.core.errors import ChartError

SILENT = SongIni()


def read(*notes, texts=(), ini=SILENT, track="PART DRUMS", **others):
    data = midi_file({**others, track: notes}, texts=texts)
    return notes_mid.read(data, name="notes.mid", ini=ini)


def gems(chart, *fields, difficulty="expert"):
    return [tuple(getattr(note, field) for field in fields) for note in chart.difficulties[difficulty]]


def hit(tick, pitch, velocity=100, length=10):
    return (tick, length, pitch, velocity)


def test_an_unmarked_gem_is_a_cymbal_and_tom_markers_are_half_open_spans():
    chart = read(hit(0, 110, length=240), hit(0, 98), hit(239, 98), hit(240, 98), hit(0, 99), hit(0, 86), hit(240, 97))
    assert chart.drum_type == "pro"
    assert gems(chart, "tick", "lane", "cymbal") == [
        (0, "yellow", False),
        (0, "blue", True),
        (239, "yellow", False),
        (240, "red", False),
        (240, "yellow", True),
    ]
    # The marker speaks for every difficulty.
    assert gems(chart, "lane", "cymbal", difficulty="hard") == [("yellow", False)]


def test_an_empty_span_holds_its_own_tick():
    chart = read(hit(96, 112, length=0), hit(96, 100), hit(97, 100))
    assert gems(chart, "tick", "cymbal") == [(96, False), (97, True)]


def test_a_marker_without_gems_marks_no_pro_chart():
    assert read(hit(0, 98), hit(480, 110)).drum_type == "four_lane"
    assert gems(read(hit(0, 98)), "cymbal") == [(False,)]
    assert read(hit(0, 101)).drum_type == "five_lane"
    assert gems(read(hit(0, 98), ini=SongIni(pro_drums=True)), "cymbal") == [(True,)]


def test_velocity_means_nothing_without_the_switch():
    notes = [hit(0, 97, 127), hit(96, 97, 1), hit(192, 97, 64), hit(288, 96, 127), hit(384, 95, 1)]
    assert gems(read(*notes), "accent", "ghost") == [(False, False)] * 5
    for switch in ("[ENABLE_CHART_DYNAMICS]", "ENABLE_CHART_DYNAMICS"):
        assert gems(read(*notes, texts=[(0, switch)]), "accent", "ghost") == [
            (True, False),
            (False, True),
            (False, False),
            (True, False),
            (False, True),
        ]


def test_flams_rolls_and_fills():
    chart = read(
        *(hit(tick, pitch) for tick in (0, 480) for pitch in (96, 97, 85)),
        hit(0, 109, length=480),
        hit(0, 126, velocity=100, length=480),
        hit(480, 127, velocity=45, length=480),
        hit(480, 120, length=480),
    )
    assert gems(chart, "lane", "flam", "roll", "approximate") == [
        ("kick", True, False, False),
        ("red", True, True, False),
        ("kick", False, False, True),
        ("red", False, True, True),
    ]
    # The first lane is for expert alone, the second reaches down to hard.
    assert gems(chart, "roll", difficulty="hard") == [(False,), (True,)]


def test_disco_flip_is_by_difficulty():
    notes = [hit(tick, pitch) for tick in (0, 480, 960) for pitch in (97, 85)]
    chart = read(*notes, texts=[(480, "[mix 3 drums0d]"), (960, "mix 3 drums0dnoflip")])
    assert gems(chart, "disco") == [(False,), (True,), (False,)]
    assert gems(chart, "disco", difficulty="hard") == [(False,)] * 3


def test_long_gems_are_kept_beyond_a_third_of_a_quarter_note():
    assert gems(read(hit(0, 97, length=161), hit(480, 97, length=162)), "length_ticks") == [(0,), (162,)]
    assert gems(read(hit(0, 97, length=161), ini=SongIni(sustain_cutoff_ticks=0)), "length_ticks") == [(161,)]


def test_other_names_of_the_drum_track_and_none():
    assert gems(read(hit(0, 97), track="PART DRUM"), "lane") == [("red",)]
    both = read(hit(0, 97), track="PART DRUMS_2X", **{"PART DRUMS": [hit(0, 96)]})
    assert gems(both, "lane") == [("kick",)]
    assert read(hit(0, 97), track="PART BASS").difficulties == {}


def test_sections_and_first_of_two_drum_tracks():
    data = midi_file({"EVENTS": []}, texts=[(0, "[section Verse 1]"), (480, "[prc_end]"), (480, "[end]")])
    assert notes_mid.read(data, name="notes.mid", ini=SongIni()).sections == ((0, "Verse 1"), (480, "end"))


def test_animations_and_elite_notes():
    chart = read(hit(0, 31), hit(480, 30), hit(480, 25, length=100), hit(480, 27), hit(500, 24))
    assert [(stroke.tick, stroke.label) for stroke in chart.animations] == [
        (0, "hihat_closed"),
        (480, "hihat_open"),
        (480, "snare"),
        (500, "kick"),
    ]
    assert [stroke.label for stroke in read(hit(0, 31)).animations] == ["hihat"]
    elite = read(
        *(hit(tick, 76) for tick in (0, 240, 480, 720)),
        hit(0, 72, velocity=1, length=240),  # silent: closes the first hat
        hit(480, 72, length=0),  # goes down with a struck hat: closes it and is not heard
        hit(600, 72),
        hit(660, 72, velocity=127),
        hit(720, 88),
        hit(960, 75, velocity=1),
        hit(960, 74),
        hit(960, 73),
        hit(960, 87),
        track="PART ELITE_DRUMS",
    ).elite["expert"]
    assert [(stroke.tick, stroke.label) for stroke in elite] == [
        (0, "hihat_closed"),
        (240, "hihat_open"),
        (480, "hihat_closed"),
        (600, "hihat_pedal"),
        (660, "hihat_pedal"),
        (720, "hihat"),
        (960, "kick"),
        (960, "snare"),
    ]
    kick, snare = elite[-2:]
    assert (kick.double_kick, snare.ghost, snare.flam) == (True, True, True)


def chunk(kind, body):
    return kind + struct.pack(">I", len(body)) + body


def raw_midi(track, *, midi_format=1, division=480):
    head = chunk(b"MThd", struct.pack(">HHH", midi_format, 2, division))
    return head + chunk(b"MTrk", b"") + chunk(b"XFIH", b"?") + chunk(b"MTrk", track)


def test_running_status_goes_on_after_meta_and_sysex_events():
    name = b"\0\xff\x03\x0aPART DRUMS"
    sysex = b"\0\xf0\x03\xff\x01\xf7"
    track = name + b"\0\x90\x61\x64\x0a\xff\x01\x01x\0\x61\0" + sysex + b"\x0a\x60\x64\x0a\x60\0\0\xff\x2f\0"
    chart = notes_mid.read(raw_midi(track), name="notes.mid", ini=SongIni())
    assert gems(chart, "tick", "lane") == [(0, "red"), (20, "kick")]
    assert chart.repairs == ("notes.mid: unknown chunk b'XFIH' at byte 22 (left out)",)


def test_a_note_off_ends_the_latest_note_of_its_channel_and_unended_notes_are_left_out():
    track = b"\0\x90\x61\x64\x0a\x91\x61\x64\x0a\x90\x61\x64\x0a\x80\x61\0\0\xff\x2f\0"
    events = smf.read(raw_midi(track), name="x").tracks[1].events()
    assert events.notes == [(20, 10, 0x61, 100, 0)]
    assert events.unended == 2


def test_the_track_name_is_the_one_at_tick_zero():
    track = b"\0\xff\x03\x0aPART DRUMS\x0a\xff\x03\x05OTHER\0\x90\x61\x64\x0a\x61\0\0\xff\x2f\0"
    assert smf.read(raw_midi(track), name="x").tracks[1].names == ("PART DRUMS",)


def test_an_empty_drum_track_hides_no_other():
    gem, empty = hit(0, 97), hit(0, 25)  # an animation is no gem
    for tracks in (
        [("PART DRUMS", []), ("PART DRUMS", [gem])],
        [("PART DRUMS", [empty]), ("PART DRUMS", [gem]), ("PART DRUMS", [hit(0, 96)])],
        [("PART DRUMS", []), ("PART DRUMS_2X", []), ("PART REAL_DRUMS_PS", [gem])],
        [("PART DRUMS\0 ", [gem])],
    ):
        chart = notes_mid.read(midi_file(tracks), name="notes.mid", ini=SongIni())
        assert gems(chart, "lane") == [("red",)]
        is_told = [name for name, _ in tracks].count("PART DRUMS") > 1
        assert any("tracks named 'PART DRUMS'" in repair for repair in chart.repairs) == is_told
    elite = midi_file([("PART ELITE_DRUMS", []), ("PART ELITE_DRUMS", [hit(0, 75)])])
    assert notes_mid.read(elite, name="notes.mid", ini=SongIni()).elite.keys() == {"expert"}


def phrase(tick, code, value, difficulty=3):
    return tick, bytes([0x50, 0x53, 0, 0, difficulty, code, value])


def test_phase_shift_marks_tell_hihats_and_rims_apart():
    notes = [hit(tick, pitch) for tick in (0, 480, 960, 1440, 1920) for pitch in (97, 98, 86)]
    marks = [phrase(480, 5, 1), phrase(720, 5, 0), phrase(720, 6, 1), phrase(960, 6, 1), phrase(1440, 6, 0)]
    marks += [phrase(960, 7, 1, 0xFF), phrase(1440, 7, 0, 0xFF), phrase(1440, 8, 1), phrase(1450, 8, 0)]
    marks += [phrase(1920, 17, 1), phrase(1930, 17, 0), phrase(1920, 5, 1, 2)]
    expert = ["hihat_closed", "hihat_open", "hihat_pedal", "hihat_open", "hihat_closed"]
    for tracks in (
        [("PART DRUMS", notes, marks)],
        [("PART REAL_DRUMS_PS", notes, marks)],
        [("PART DRUMS", notes), ("PART REAL_DRUMS_PS", notes, marks)],
    ):
        chart = notes_mid.read(midi_file(tracks), name="notes.mid", ini=SongIni())
        assert chart.drum_type == "pro"
        song = annotate(chart)
        assert [each.label for each in song.hits if each.source_name.startswith("yellow cymbal")] == [
            *expert,
            "tom_high",
        ]
        snares = [each for each in song.hits if each.label.startswith("snare")]
        assert [each.label for each in snares] == ["snare", "snare", "snare_rim", "snare", "snare"]
        assert [each.evidence for each in snares] == ["gem", "gem", "annotation", "gem", "gem"]
        assert song.unannotated == ()
        # A mark of one difficulty is none of another's.
        assert {each.label for each in annotate(chart, "hard").hits} == {"hihat"}
        assert chart.repairs == ("hard: the open phrase at tick 1920 never ends (left out)",)
    plain = annotate(read(*notes))
    assert {each.label for each in plain.hits} == {"snare", "tom_or_cymbal"}


def test_a_wrong_length_of_a_whole_track_is_mended_and_a_cut_track_refused():
    whole = midi_file({"PART DRUMS": [hit(0, 97), hit(480, 96)], "EVENTS": [hit(0, 26)]})
    last = whole.rindex(b"MTrk")
    for at, title in ((whole.index(b"PART DRUMS") - 12, "track 1 'PART DRUMS'"), (last, "track 2 'EVENTS'")):
        for length in (0x7FFFFFFF, 5_000):
            assert whole[at : at + 4] == b"MTrk"
            data = whole[: at + 4] + struct.pack(">I", length) + whole[at + 8 :]
            chart = notes_mid.read(data, name="notes.mid", ini=SongIni())
            assert gems(chart, "lane") == [("red",), ("kick",)]
            assert len(chart.repairs) == 1
            assert chart.repairs[0].startswith(f"notes.mid: {title}: its length is wrong")

    drums_last = midi_file({"PART DRUMS": [hit(0, 97), hit(480, 96)]})
    for lost in range(1, len(drums_last) - drums_last.rindex(b"MTrk") - 8):
        cut = drums_last[:-lost]
        if lost <= 4:  # the track's end alone
            chart = notes_mid.read(cut, name="notes.mid", ini=SongIni())
            assert gems(chart, "lane") == [("red",), ("kick",)]
            assert "its length is wrong" in chart.repairs[0]
        elif b"PART DRUMS" in cut:
            with pytest.raises(ChartError, match=rf"track 1 'PART DRUMS': {lost} of its bytes are missing"):
                notes_mid.read(cut, name="notes.mid", ini=SongIni())


def test_a_damaged_events_track_costs_its_sections_only():
    whole = midi_file({"PART DRUMS": [hit(0, 97)], "EVENTS": []}, texts=[(480, "[section Verse 1]")])
    chart = notes_mid.read(whole[:-6], name="notes.mid", ini=SongIni())
    assert gems(chart, "lane") == [("red",)]
    assert chart.repairs == ("notes.mid: track 2 'EVENTS': 6 of its bytes are missing (was the file cut?)",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"RIFF" + bytes(40), "not a MIDI file"),
        (raw_midi(b"", midi_format=0), "MIDI format 0"),
        (raw_midi(b"", midi_format=2), "MIDI format 2"),
        (raw_midi(b"", division=0), "resolution is zero"),
        (raw_midi(b"", division=0xE728), "SMPTE"),
        (raw_midi(b"\0\xff\x03\x0aPART DRUMS\x0a\x90\x61"), "notes.mid: track 1 'PART DRUMS', tick 10: .*ends inside"),
        (raw_midi(b"\0\xff\x03\x0aPART DRUMS\x0a\x61\x61\0"), "tick 10: data byte 0x61 where a status must stand"),
        (raw_midi(b"\0\xff\x03\x0aPART DRUMS\0\x90\x61\x64")[:-2], "2 of its bytes are missing"),
        (midi_file({"PART DRUMS": []}, tempos=[(96, 0)]), "track 0, tick 96: the tempo is infinite"),
    ],
)
def test_what_cannot_be_mended_is_an_error_with_its_place(data, message):
    with pytest.raises(ChartError, match=message):
        notes_mid.read(data, name="notes.mid", ini=SongIni())
