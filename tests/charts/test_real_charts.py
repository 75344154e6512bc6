"""Real charts of the corpus: two readings of one song, and mido as a slow twin of our MIDI reader."""

import mido
import pytest

from drumline.charts import chart_labels, dot_chart, notes_mid, smf, song_ini
from drumline.charts.song_ini import SongIni


@pytest.fixture
def folder(corpus):
    return corpus / "charts" / "yarg_core"


def test_the_same_song_in_both_formats(folder):
    text = dot_chart.read((folder / "test.chart").read_bytes(), name="test.chart", ini=SongIni())
    midi = notes_mid.read((folder / "test.mid").read_bytes(), name="test.mid", ini=SongIni())
    assert text.drum_type == midi.drum_type == "pro"
    assert len(text.difficulties["expert"]) == 1070
    # Below expert the .chart has 2x kicks where the .mid has plain ones; and its last section stands a tick later.
    assert text.difficulties["expert"] == midi.difficulties["expert"]
    assert chart_labels.note_signature(text) == chart_labels.note_signature(midi)
    assert [name for _, name in text.sections] == [name for _, name in midi.sections]
    assert text.tempo.time_signatures == midi.tempo.time_signatures
    ticks = [note.tick for note in text.difficulties["expert"]]
    # Thousandths of a beat per minute against whole microseconds a beat: half a millisecond in 100 s.
    assert midi.tempo.seconds(ticks) == pytest.approx(text.tempo.seconds(ticks), abs=1e-3)
    assert text.repairs == midi.repairs == ()


@pytest.mark.parametrize("name", ["test.mid", "drawntotheflame.mid"])
def test_written_again_it_reads_the_same(folder, name):
    chart = notes_mid.read((folder / name).read_bytes(), name=name, ini=SongIni())
    again = notes_mid.read(notes_mid.write(chart), name=name, ini=song_ini.of(chart))
    assert (again.difficulties, again.tempo, again.sections) == (chart.difficulties, chart.tempo, chart.sections)


@pytest.mark.parametrize("name", ["test.mid", "drawntotheflame.mid"])
def test_our_midi_reader_and_mido_agree(folder, name):
    ours = smf.read((folder / name).read_bytes(), name=name)
    theirs = mido.MidiFile(folder / name, clip=True, charset="latin1")
    assert ours.resolution == theirs.ticks_per_beat
    assert len(ours.tracks) == len(theirs.tracks)
    drums = next(index for index, track in enumerate(ours.tracks) if "PART DRUMS" in track.names)
    for index in (0, drums, len(ours.tracks) - 1):
        events = ours.tracks[index].events()
        notes, texts, tempos, tick = [], [], [], 0
        is_open = {}
        for message in theirs.tracks[index]:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                is_open.setdefault((message.channel, message.note), []).append((tick, message.velocity))
            elif message.type in ("note_on", "note_off") and is_open.get((message.channel, message.note)):
                start, velocity = is_open[message.channel, message.note].pop()
                notes.append((start, tick - start, message.note, velocity, message.channel))
            elif message.type == "text":
                texts.append((tick, smf.TEXT, message.text))
            elif message.type == "set_tempo":
                tempos.append((tick, message.tempo))
        assert sorted(events.notes) == sorted(notes)
        assert [text for text in events.texts if text[1] == smf.TEXT] == texts
        assert events.tempos == tempos


def test_animations_refine_a_rock_band_chart(folder):
    chart = notes_mid.read((folder / "drawntotheflame.mid").read_bytes(), name="drawntotheflame.mid", ini=SongIni())
    song = chart_labels.annotate(chart)
    assert len(song.hits) == 2074
    assert sum(hit.evidence == "animation" for hit in song.hits) == 2062
    crashes_on_yellow = [hit for hit in song.hits if hit.label == "crash" and hit.source_name.startswith("yellow")]
    assert len(crashes_on_yellow) == 10
