"""``notes.mid`` for Clone Hero and YARG."""

from drumline.charts import notes_mid
from drumline.charts.chart import Chart
from drumline.charts.provenance import BLANK
from drumline.transcription.formats.pro_drums import chart_of
from drumline.transcription.result import Transcription


def write(transcription: Transcription) -> bytes:
    """The file."""
    return notes_mid.write(chart(transcription), mark=BLANK)


def chart(transcription: Transcription) -> Chart:
    """What is written: tempos are kept as whole microseconds a quarter note."""
    return chart_of(transcription, stored_bpm=lambda tempo_bpm: 60e6 / round(60e6 / tempo_bpm))
