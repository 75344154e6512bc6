"""``notes.mid`` for Clone Hero and YARG."""

from dataclasses import replace

from drumline.charts import notes_mid
from drumline.charts.chart import Chart
from drumline.charts.provenance import BLANK
from drumline.transcription.formats.pro_drums import chart_of
from drumline.transcription.result import Transcription


def write(transcription: Transcription) -> bytes:
    """The file."""
    return to_bytes(chart(transcription))


def to_bytes(made: Chart) -> bytes:
    """The file of a chart."""
    # In MIDI a note that ends where it begins is a broken one; readers take one tick for no length.
    notes = {name: tuple(replace(note, length_ticks=1) for note in own) for name, own in made.difficulties.items()}
    return notes_mid.write(replace(made, difficulties=notes), mark=BLANK)


def chart(transcription: Transcription) -> Chart:
    """The chart; tempos are kept as integer microseconds per quarter note."""
    return chart_of(transcription, stored_bpm=lambda tempo_bpm: 60e6 / round(60e6 / tempo_bpm))
