"""A transcription as a chart for Clone Hero and YARG: pro drums with cymbals marked, at four difficulties.

Notes are on the grid where the transcription has a tempo map (`chart_grid`), unless free timing is asked for. Where
there is a grid, the lower difficulties are reduced from Expert (`charts.reductions`), practice sections are found in it
(`charts.sections`), and second pedals marked (`charts.double_kick`). Hits that a lane cannot hold:
`charts.chart_labels.compose`. A chart's tempos are written with few digits; they are rounded here before times become
ticks, so that no error grows over the song.
"""

from collections.abc import Callable
from dataclasses import replace

from drumline.charts.chart import Chart
from drumline.charts.chart_labels import compose
from drumline.charts.double_kick import with_double_kicks
from drumline.charts.reductions import reduced
from drumline.charts.sections import practice_sections
from drumline.core.tempo import TempoMap
from drumline.transcription.chart_grid import snap
from drumline.transcription.result import RAW_TEMPO, Transcription


def chart_of(transcription: Transcription, *, stored_bpm: Callable[[float], float]) -> Chart:
    """The chart; ``stored_bpm`` gives a tempo as the format will store it."""
    song = transcription.song()
    tempo = song.tempo or RAW_TEMPO
    marks = tuple((tick, stored_bpm(tempo_bpm)) for tick, tempo_bpm in tempo.tempos)
    stored = TempoMap(tempo.resolution, marks, tempo.time_signatures)
    hits = song.hits
    on_grid = song.tempo is not None and not transcription.free_timing
    if on_grid:
        placed = stored.seconds(snap([hit.time_s for hit in hits], stored).ticks).tolist()
        hits = tuple(replace(hit, time_s=time_s) for hit, time_s in zip(hits, placed, strict=True))
    made = compose(hits, stored, song.metadata)
    made = replace(made, end_tick=round(float(stored.ticks(transcription.audio.duration_s))))
    if not on_grid or not made.difficulties:
        return made
    expert = with_double_kicks(made.difficulties["expert"], stored)
    return replace(
        made,
        difficulties={**reduced(expert, stored), "expert": expert},
        sections=practice_sections(expert, stored),
    )
