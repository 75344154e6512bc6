"""A transcription as a chart for Clone Hero and YARG: expert, pro drums, cymbals marked.

What a lane cannot hold is told in `charts.gems.compose`. A chart's tempos are written with few digits; they are
rounded here before times become ticks, so that no error grows over the song.
"""

from collections.abc import Callable

from drumline.charts.chart import Chart
from drumline.charts.gems import compose
from drumline.core.tempo import TempoMap
from drumline.transcription.result import RAW_TEMPO, Transcription


def chart_of(transcription: Transcription, *, stored_bpm: Callable[[float], float]) -> Chart:
    """The chart; ``stored_bpm`` gives a tempo as the format will store it."""
    song = transcription.song()
    tempo = song.tempo or RAW_TEMPO
    marks = tuple((tick, stored_bpm(tempo_bpm)) for tick, tempo_bpm in tempo.tempos)
    return compose(song.hits, TempoMap(tempo.resolution, marks, tempo.time_signatures), song.metadata)
