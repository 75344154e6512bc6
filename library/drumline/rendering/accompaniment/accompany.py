"""Something for the drums to play with, of whatever material there is.

Seven ways, drawn by their weights among those that have what they need:

- ``audio``: an excerpt of a file of one's own (without drums in it), looped where it is short;
- ``band``: our own band, which follows the song's tempo map, metre and kick drum (`band`);
- ``guitars``: recorded guitars and a bass through captured amplifiers, which play with the drums (`guitars`);
- ``strums``: recorded strums of an acoustic guitar, on the song's beats (`strums`);
- ``midi``: a General MIDI file of one's own, its drums left out, laid on the song's beats;
- ``mma``: Debian's ``mma`` program makes such a file from drawn chords and a drawn groove;
- ``synth``: bass and chords of plain oscillators (`rendering.backing`): needs nothing, and is no music.

``band``, ``midi`` and ``mma`` play through a SoundFont or on instruments that nobody built, their guitars and keys
through amplifiers where one is drawn. Somebody may sing to any of the seven.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.config import Config
from drumline.core.ranges import PositiveRange, Probability, Range
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.amp import AMPLIFIED, draw_amp
from drumline.rendering.accompaniment.band import play
from drumline.rendering.accompaniment.files import AUDIO_SUFFIXES, MIDI_SUFFIXES, audio_excerpt, files_in, midi_excerpt
from drumline.rendering.accompaniment.guitars import GuitarsConfig, check_guitars, play_guitars
from drumline.rendering.accompaniment.mma import check_mma, play_mma
from drumline.rendering.accompaniment.score import Part
from drumline.rendering.accompaniment.singer import SingerConfig, check_singer, sing
from drumline.rendering.accompaniment.soundfont import check_soundfont, render_parts
from drumline.rendering.accompaniment.strums import open_strums, play_strums
from drumline.rendering.backing import backing
from drumline.rendering.production.mixing import beside

Samples = NDArray[np.float32]

_STREAM: Final = 0xACC0  # keeps these draws apart from others of the same seed
_PEAK: Final = 0.98
_STRUNG: Final = range(24, 40)  # General MIDI programs of guitars and basses
_KEYS_DB: Final = (-14.0, 0.0)


@dataclass(frozen=True)
class Shape:
    """Length, channels and rate of a backing's samples."""

    duration_s: float
    rate_hz: int
    channels: int


class Ways(Config):
    """How often each way is drawn, relative to the others. 0 is never; a way without its material counts as 0."""

    audio: float = Field(default=1.0, ge=0)
    """Excerpts of ``audio_folders``."""
    band: float = Field(default=1.0, ge=0)
    """Our own band, through a SoundFont."""
    guitars: float = Field(default=0.0, ge=0)
    """Guitars and a bass of ``guitars``. Some 10 s of processor time a minute of music."""
    strums: float = Field(default=0.0, ge=0)
    """Strums of ``strum_folders``."""
    midi: float = Field(default=1.0, ge=0)
    """Files of ``midi_folders``, through a SoundFont."""
    mma: float = Field(default=0.0, ge=0)
    """The ``mma`` program, through a SoundFont. About 0.2 s of processor time a song."""
    synth: float = Field(default=0.0, ge=0)
    """Plain oscillators. Also what is left where no other way has its material."""


class Accompaniment(Config):
    """Accompaniment of a song: samples and how they were made."""

    ways: Ways = Ways()
    """How often each way is drawn."""
    audio_folders: tuple[str, ...] = ()
    """Recordings without drums: files, and folders that are searched through."""
    audio_speed: PositiveRange = (1.0, 1.0)
    """Factors between which the speed of such a recording is drawn; its pitch changes with it."""
    audio_with_band: Probability = 0.0
    """Share of the songs with such a recording, or with strums, in which our own band plays too."""
    audio_band_db: Range = (-12.0, 6.0)
    """Level of that band against the recording: RMS where both sound [dB]."""
    strum_folders: tuple[str, ...] = ()
    """Folders of recorded strums, ``Aminor_UP_02.flac``: chord, direction (if any) and layer, softest first."""
    midi_folders: tuple[str, ...] = ()
    """Folders, searched through, of General MIDI files."""
    soundfonts: tuple[str, ...] = ()
    """SoundFont files (.sf2, .sf3), one drawn a song. Each process that renders holds up to four of them in memory,
    at twice their size (an .sf3 at ten times)."""
    drawn: Probability = 0.0
    """Share of the instruments that are drawn by a seed instead: a SoundFont has one guitar, records many. With all of
    them, no SoundFont is needed."""
    amps: Probability = 0.0
    """Share of the guitars, organs and electric pianos that go through an amplifier, from barely warm to fuzz."""
    guitars: GuitarsConfig = GuitarsConfig()
    """Recorded guitars and basses, and what they are played through."""
    singer: SingerConfig = SingerConfig()
    """Somebody who sings to it."""
    max_synthesis_rate_hz: int = Field(default=44_100, ge=8_000, le=192_000)
    """Hz. SoundFonts play at this rate at most and are resampled: 22050 is enough where nobody listens above."""
    level_db: float = Field(default=-20.0, le=0)
    """dBFS. The RMS level of what is returned; lower where peaks would pass full scale."""

    @property
    def has_instruments(self) -> bool:
        """Whether parts of notes can be played."""
        return bool(self.soundfonts) or self.drawn == 1.0


def accompany(
    song: AnnotatedSong,
    config: Accompaniment,
    *,
    duration_s: float,
    rate_hz: int = 44_100,
    channels: int = 1,
    seed: int,
) -> tuple[Samples, str]:
    """Audio float32 [channels, round(duration_s * rate_hz)] to mix with a song's drums, and in words what it is.

    Sample 0 is second 0 of the song's own clock. A song without a tempo map is taken to be at 120 BPM. ``channels`` is
    1 or 2. The same arguments and files give the same bytes. Raises ConfigError where material is missing or not what
    it should be, AudioError or ChartError where no drawn file can be used.
    """
    random = np.random.default_rng((seed, _STREAM))
    shape = Shape(duration_s, rate_hz, channels)
    way = _draw(config, random)
    samples, described = _by_way(way, song, config, shape, random=random, seed=seed)
    joined = np.random.default_rng((seed, _STREAM, 7))
    if way in ("audio", "strums") and config.has_instruments and joined.random() < config.audio_with_band:
        band, band_described = _by_way("band", song, config, shape, random=joined, seed=seed)
        samples = beside(samples, band, level_db=float(joined.uniform(*config.audio_band_db)), rate_hz=rate_hz)
        described = f"{described}, {band_described}"
    singer = np.random.default_rng((seed, _STREAM, 3))
    if singer.random() < config.singer.probability:
        voice, whose = sing(song, duration_s=duration_s, rate_hz=rate_hz, seed=(seed, _STREAM, 4))
        samples = beside(samples, voice, level_db=float(singer.uniform(*config.singer.level_db)), rate_hz=rate_hz)
        described = f"{described}, {whose}"
    return _levelled(samples, config.level_db), f"{way}: {described}"


def _by_way(
    way: str, song: AnnotatedSong, config: Accompaniment, shape: Shape, *, random: np.random.Generator, seed: int
) -> tuple[Samples, str]:
    """Samples float32 [channels, N] of one way, and in words what they are."""
    tempo, part_seed = song.tempo or TempoMap(480), (seed, _STREAM, 1)
    if way == "audio":
        return audio_excerpt(config.audio_folders, **asdict(shape), random=random, speed=config.audio_speed)
    if way == "strums":
        return play_strums(song, tempo, config.strum_folders, **asdict(shape), seed=(seed, _STREAM, 8))
    if way == "synth":
        drone_seed = int(random.integers(1 << 31))
        mono = backing(tempo, duration_s=shape.duration_s, rate_hz=shape.rate_hz, seed=drone_seed)
        return np.repeat(mono[np.newaxis], shape.channels, axis=0), "oscillators"
    if way == "guitars":
        samples, described = play_guitars(song, tempo, config.guitars, **asdict(shape), seed=(seed, _STREAM, 6))
        if config.has_instruments and random.random() < config.guitars.keys:
            parts, _ = play(song, tempo, duration_s=shape.duration_s, seed=part_seed)
            keys = tuple(part for part in parts if part.program not in _STRUNG)
            rendered, played_by = _rendered(keys, config, shape, soundfont=_soundfont(config, random), seed=seed)
            level_db = float(random.uniform(*_KEYS_DB))
            samples = beside(samples, rendered, level_db=level_db, rate_hz=shape.rate_hz)
            described = ", ".join([f"{described}, {len(keys)} others", *played_by])
        return samples, described
    soundfont = _soundfont(config, random)
    if way == "midi":
        parts, described = midi_excerpt(config.midi_folders, tempo, duration_s=shape.duration_s, random=random)
    elif way == "mma":
        parts, described = play_mma(song, tempo, duration_s=shape.duration_s, seed=part_seed)
    else:
        parts, described = play(song, tempo, duration_s=shape.duration_s, seed=part_seed)
    samples, played_by = _rendered(parts, config, shape, soundfont=soundfont, seed=seed)
    return samples, ", ".join([described, *played_by])


def check_accompaniment(config: Accompaniment) -> None:
    """Raise ConfigError where `accompany` could not work: a folder, a SoundFont or a program is missing."""
    if config.audio_folders:
        files_in(config.audio_folders, AUDIO_SUFFIXES)
    for folder in config.strum_folders:
        open_strums(folder)
    if config.midi_folders:
        files_in(config.midi_folders, MIDI_SUFFIXES)
    for soundfont in config.soundfonts:
        check_soundfont(soundfont)
    check_guitars(config.guitars)
    if config.has_instruments and config.ways.mma:
        check_mma()
    if config.singer.probability:
        check_singer()


def _draw(config: Accompaniment, random: np.random.Generator) -> str:
    """A way that has its material."""
    has_material = {
        "audio": bool(config.audio_folders),
        "band": config.has_instruments,
        "guitars": bool(config.guitars.guitars),
        "strums": bool(config.strum_folders),
        "midi": bool(config.midi_folders) and config.has_instruments,
        "mma": config.has_instruments,
        "synth": True,
    }
    weights = {way: getattr(config.ways, way) if has_material[way] else 0.0 for way in has_material}
    total = sum(weights.values())
    if not total:
        return "synth"
    return str(random.choice(list(weights), p=np.array(list(weights.values())) / total))


def _soundfont(config: Accompaniment, random: np.random.Generator) -> str:
    return str(random.choice(config.soundfonts)) if config.soundfonts else ""


def _rendered(
    parts: tuple[Part, ...], config: Accompaniment, shape: Shape, *, soundfont: str, seed: int
) -> tuple[Samples, list[str]]:
    """Parts through a SoundFont or procedural instruments, and in words what those are."""
    plugged_in = _plugged_in(parts, config.amps, np.random.default_rng((seed, _STREAM, 2)))
    handed_out = _handed_out(plugged_in, config.drawn, np.random.default_rng((seed, _STREAM, 5)))
    samples = render_parts(
        handed_out, soundfont=soundfont, **asdict(shape), max_synthesis_rate_hz=config.max_synthesis_rate_hz
    )
    procedural = sum(part.drawn is not None for part in handed_out)
    words = [f"{procedural} procedural" if procedural else "", Path(soundfont).name if soundfont else ""]
    return samples, [word for word in words if word]


def _plugged_in(parts: tuple[Part, ...], share: float, random: np.random.Generator) -> list[Part]:
    """Parts of which a share of those that could be is played through amplifiers."""
    return [
        replace(part, amp=draw_amp(random)) if part.program in AMPLIFIED and random.random() < share else part
        for part in parts
    ]


def _handed_out(parts: list[Part], share: float, random: np.random.Generator) -> list[Part]:
    """Parts of which a share is played on drawn instruments."""
    return [replace(part, drawn=int(random.integers(1 << 31))) if random.random() < share else part for part in parts]


def _levelled(samples: Samples, level_db: float) -> Samples:
    """Samples at an RMS level in dBFS, or as loud as they can be without clipping; silence stays silent."""
    rms, peak = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), float(np.abs(samples).max(initial=0.0))
    if not rms:
        return samples
    return samples * np.float32(min(10 ** (level_db / 20) / rms, _PEAK / peak))
