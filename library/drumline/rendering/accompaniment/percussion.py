"""A percussionist beside the drummer: tambourine, shaker, claps, congas and the like, which are no part of a drum kit.

What a model must not take for hi-hats and snares. One or two instruments play a rhythm each, drawn anew every eight
bars, through a SoundFont or drawn (`modal_percussion`); their strokes are labelled ``other``, with the instrument as
the source's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.config import Config
from drumline.core.hits import Hit
from drumline.core.ranges import Range
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.bars import bars_of, in_sections
from drumline.rendering.accompaniment.modal_percussion import play_modal
from drumline.rendering.accompaniment.score import Note, Part
from drumline.rendering.accompaniment.soundfont import render_parts

Samples = NDArray[np.float32]

_SIXTEENTHS: Final = ("XxXx XxXx XxXx XxXx", "Xxxx Xxxx Xxxx Xxxx", "x.Xx x.Xx x.Xx x.Xx")
_EIGHTHS: Final = ("x.x. x.x. x.x. x.x.", "X.x. X.x. X.x. X.x.", "x.X. x.X. x.X. x.X.")
_BACKBEATS: Final = (".... X... .... X...", "x.x. X.x. x.x. X.x.", "..x. X... ..x. X...")
_QUARTERS: Final = ("X... x... X... x...", "X... X... X... X...")
_CLAVES: Final = ("X..x ..x. ..x. x...", "..x. x... X..x ..x.", "X..X ..X. .X.X ..X.")
_HANDS: Final = ("x..x x.xx x..x x.xx", "..xx ..x. ..xx x.x.", "x.xx .xx. x.xx .xxx")

INSTRUMENTS: Final[dict[str, tuple[tuple[int, ...], tuple[str, ...]]]] = {
    "tambourine": ((54,), (*_SIXTEENTHS, *_EIGHTHS, *_BACKBEATS)),
    "shaker": ((82,), (*_SIXTEENTHS, *_EIGHTHS)),
    "maracas": ((70,), (*_SIXTEENTHS, *_EIGHTHS)),
    "cabasa": ((69,), _SIXTEENTHS),
    "clap": ((39,), _BACKBEATS),
    "cowbell": ((56,), (*_QUARTERS, *_CLAVES)),
    "claves": ((75,), _CLAVES),
    "wood block": ((76, 77), (*_CLAVES, *_QUARTERS)),
    "bongos": ((60, 61), _HANDS),
    "congas": ((62, 63, 64), _HANDS),
    "timbales": ((65, 66), (*_CLAVES, *_HANDS)),
    "agogo": ((67, 68), (*_CLAVES, *_EIGHTHS)),
    "triangle": ((80, 81), (*_QUARTERS, *_EIGHTHS)),
}
"""Name -> General MIDI percussion keys, and the rhythms it plays (as in `styles`)."""

_SECTION_BARS: Final = 8
_PLAYS: Final = 0.8
_TWO: Final = 0.3
_LAG_S: Final = 0.005
_JITTER_S: Final = 0.005
_VELOCITIES: Final = {False: 78, True: 108}
_VELOCITY_SPREAD: Final = 10.0
_LENGTH_S: Final = 0.2


class PercussionConfig(Config):
    """Whether a percussionist plays along, and how loud."""

    probability: float = Field(default=0.0, ge=0, le=1)
    """Share of the songs. Needs ``accompaniment.soundfonts``, unless all is drawn."""
    drawn: float = Field(default=0.0, ge=0, le=1)
    """Share of the instruments that are drawn by a seed instead: a SoundFont has one tambourine, records many."""
    instruments: tuple[str, ...] = ()
    """Those to draw from (`INSTRUMENTS`); all if empty."""
    level_db: Range = (-18.0, 0.0)
    """RMS over that of the drums, where both sound [dB]."""

    @field_validator("instruments")
    @classmethod
    def _known(cls, instruments: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(instruments) - set(INSTRUMENTS)):
            raise ValueError(f"no such instrument: {', '.join(unknown)}; there are {', '.join(INSTRUMENTS)}")
        return instruments


@dataclass(frozen=True)
class Percussion:
    """Percussion part of a song."""

    samples: Samples
    """[channels, N]"""
    hits: tuple[Hit, ...]
    """Labelled ``other``."""
    description: str
    """In words."""


def percussion(
    song: AnnotatedSong,
    *,
    instruments: Sequence[str] = (),
    soundfont: str | None,
    drawn: float = 0.0,
    duration_s: float,
    rate_hz: int,
    channels: int,
    max_synthesis_rate_hz: int,
    seed: int,
) -> Percussion:
    """A percussionist for a song of ``duration_s``; a song without a tempo map is taken to be at 120 BPM.

    One or two of ``instruments`` play (of all, if none is named). The share ``drawn`` of them needs no SoundFont;
    without one, all are drawn. Raises ConfigError where the SoundFont cannot be played.
    """
    random = np.random.default_rng(seed)
    there_are = list(instruments or INSTRUMENTS)
    count = 1 + int(random.random() < _TWO)
    names = random.choice(there_are, size=min(count, len(there_are)), replace=False).tolist()
    samples = np.zeros((channels, round(duration_s * rate_hz)), dtype=np.float32)
    hits = list[Hit]()
    for name in names:
        notes = _notes(song, INSTRUMENTS[name], duration_s=duration_s, random=random)
        pan = float(random.uniform(-0.7, 0.7))
        if soundfont is None or random.random() < drawn:
            samples += play_modal(
                name, notes, pan=pan, duration_s=duration_s, rate_hz=rate_hz, channels=channels,
                seed=int(random.integers(1 << 31)),
            )  # fmt: skip
        else:
            samples += render_parts(
                [Part(0, notes, pan=pan, is_percussion=True)],
                soundfont=soundfont,
                duration_s=duration_s,
                rate_hz=rate_hz,
                channels=channels,
                max_synthesis_rate_hz=max_synthesis_rate_hz,
            )
        hits += [
            Hit(note.start_s, "other", note.velocity / 127, evidence="performance", source_name=name) for note in notes
        ]
    return Percussion(samples, tuple(hits), " and ".join(names))


def _notes(
    song: AnnotatedSong,
    instrument: tuple[Sequence[int], Sequence[str]],
    *,
    duration_s: float,
    random: np.random.Generator,
) -> tuple[Note, ...]:
    keys, rhythms = instrument
    tempo = song.tempo or TempoMap(480)
    bars = bars_of(song, tempo, duration_s=duration_s)
    played = list(in_sections(bars, rhythms, section_bars=_SECTION_BARS, plays=_PLAYS, random=random))
    count = len(played)
    lags_s = random.normal(0.0, _LAG_S) + random.normal(0.0, _JITTER_S, count)
    starts_s = np.maximum(tempo.seconds(np.array([tick for tick, _ in played])) + lags_s, 0.0)
    velocities = np.clip(
        np.array([_VELOCITIES[is_accented] for _, is_accented in played]) + random.normal(0.0, _VELOCITY_SPREAD, count),
        20,
        127,
    )
    return tuple(
        Note(start_s, start_s + _LENGTH_S, int(random.choice(keys)), int(velocity))
        for start_s, velocity in zip(starts_s.tolist(), velocities, strict=True)
        if start_s < duration_s
    )
