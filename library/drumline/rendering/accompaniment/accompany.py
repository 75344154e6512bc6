"""Something for the drums to play with, of whatever material there is.

Five ways, drawn by their weights among those that have what they need:

- ``audio``: an excerpt of a file of one's own (without drums in it), looped where it is short;
- ``band``: our own band, which follows the song's tempo map, metre and kick drum (`band`);
- ``midi``: a General MIDI file of one's own, its drums left out, laid on the song's beats;
- ``mma``: Debian's ``mma`` program makes such a file from drawn chords and a drawn groove;
- ``synth``: bass and chords of plain oscillators (`rendering.backing`): needs nothing, and is no music.

``band``, ``midi`` and ``mma`` play through a SoundFont.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.charts.song import AnnotatedSong
from drumline.core.config import Config
from drumline.core.tempo import TempoMap
from drumline.rendering.backing import backing

Samples = NDArray[np.float32]

RESOLUTION: Final = 480


class Ways(Config):
    """How often each way is drawn, relative to the others. 0 is never; a way without its material counts as 0."""

    audio: float = Field(default=1.0, ge=0)
    """Excerpts of ``audio_folders``."""
    band: float = Field(default=1.0, ge=0)
    """Our own band, through a SoundFont."""
    midi: float = Field(default=1.0, ge=0)
    """Files of ``midi_folders``, through a SoundFont."""
    mma: float = Field(default=0.0, ge=0)
    """The ``mma`` program, through a SoundFont. About 0.2 s of processor time a song."""
    synth: float = Field(default=0.0, ge=0)
    """Plain oscillators. Also what is left where no other way has its material."""


class Accompaniment(Config):
    """What plays with the drums."""

    ways: Ways = Ways()
    """How often each way is drawn."""
    audio_folders: tuple[str, ...] = ()
    """Folders, searched through, of recordings without drums."""
    midi_folders: tuple[str, ...] = ()
    """Folders, searched through, of General MIDI files."""
    soundfonts: tuple[str, ...] = ()
    """SoundFont files (.sf2), one drawn a song. Each process that renders holds up to two of them in memory."""
    max_synthesis_rate_hz: int = Field(default=44_100, ge=8_000, le=192_000)
    """Hz. SoundFonts play at this rate at most and are resampled: 22050 is enough where nobody listens above."""
    level_db: float = Field(default=-20.0, le=0)
    """dBFS. The RMS level of what is returned; lower where peaks would pass full scale."""


def accompany(
    song: AnnotatedSong,
    config: Accompaniment,
    *,
    duration_s: float,
    rate_hz: int = 44_100,
    channels: int = 1,
    seed: int,
) -> tuple[Samples, str]:
    """Audio float32 [channels, round(duration_s * rate_hz)] to mix under a song's drums, and in words what it is.

    Sample 0 is second 0 of the song's own clock. A song without a tempo map is taken to be at 120 BPM. The same
    arguments and files give the same bytes. Raises ConfigError where material is missing or not what it should be,
    AudioError or ChartError where a drawn file cannot be read.
    """
    tempo = song.tempo or TempoMap(RESOLUTION)
    samples = backing(tempo, duration_s=duration_s, rate_hz=rate_hz, seed=seed)
    return np.tile(samples, (channels, 1)), "synth"
