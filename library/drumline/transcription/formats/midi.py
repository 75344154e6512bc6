"""A General MIDI drum track on the transcription's tempo map, 120 bpm where it has none.

Times are rounded to a tick, at most half of one away: 0.26 ms at 120 bpm, for a map without one is counted in 960
ticks a quarter note. Partial labels are written as their commonest class; confidences have no place in it.
"""

from drumline.charts.general_midi import write_performance
from drumline.charts.provenance import BLANK
from drumline.transcription.result import RAW_TEMPO, Transcription


def write(transcription: Transcription) -> bytes:
    """The file, format 1."""
    song = transcription.song()
    return write_performance(song.hits, tempo=song.tempo or RAW_TEMPO, mark=BLANK)
