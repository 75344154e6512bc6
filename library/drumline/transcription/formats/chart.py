"""``notes.chart`` for Clone Hero and YARG."""

from drumline.charts import dot_chart
from drumline.charts.chart import Chart
from drumline.charts.provenance import BLANK
from drumline.transcription.formats.pro_drums import chart_of
from drumline.transcription.result import Transcription


def write(transcription: Transcription) -> bytes:
    """The file."""
    return to_bytes(chart(transcription))


def to_bytes(made: Chart) -> bytes:
    """The file of a chart."""
    return dot_chart.write(made, mark=BLANK)


def chart(transcription: Transcription) -> Chart:
    """The chart; tempos are kept to thousandths of a beat per minute."""
    return chart_of(transcription, stored_bpm=lambda tempo_bpm: round(tempo_bpm * 1000) / 1000)
