"""BeatSight beatmaps. Times are whole milliseconds; one snare, one ride; confidences have no place in them."""

from dataclasses import replace
from typing import Final

from drumline.charts.beatsight import Audio, write_bsm
from drumline.charts.provenance import BLANK
from drumline.core.hits import Hit
from drumline.transcription.result import Transcription

CREATED_AT: Final = "1970-01-01T00:00:00Z"
"""The format must say when; a transcription does not know, and equal ones must give equal bytes."""
_USUAL_RATE_HZ: Final = 44_100
_UNTOLD_VELOCITY: Final = 0.8


def write(transcription: Transcription) -> bytes:
    """The file."""
    song, audio = transcription.song(), transcription.audio
    return write_bsm(
        replace(song, hits=tuple(_said(hit) for hit in song.hits)),
        audio=Audio(audio.name, audio.sha256, audio.duration_s, audio.rate_hz or _USUAL_RATE_HZ),
        created_at=CREATED_AT,
        mark=BLANK,
    )


def _said(hit: Hit) -> Hit:
    """Readers take a velocity of exactly 0.8 for "not told"."""
    return replace(hit, velocity=0.8001) if hit.velocity == _UNTOLD_VELOCITY else hit
