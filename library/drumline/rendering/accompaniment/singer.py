"""A singer: syllables of no language on the beats, spoken by Debian's ``flite`` at a drawn pitch and pace.

What matters are the consonants: an s, a t or a sh is a burst of noise, which a model that never heard a voice takes for
a snare or a hi-hat. A compressor brings them forward, as on records.

http://cmuflite.org; program and voices may be used freely, and so may what they say.
"""

import io
import shutil
import subprocess
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from pydantic import Field
from scipy import signal

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.core.ranges import Probability, Range
from drumline.core.tempo import TempoMap
from drumline.effects import filters
from drumline.effects.dynamics import Compressor, compressor_gain
from drumline.effects.filters import Band
from drumline.rendering.accompaniment.bars import bars_of, in_sections

Samples = NDArray[np.float32]

_VOICES: Final = {"slt": (150.0, 330.0), "rms": (80.0, 200.0), "awb": (90.0, 220.0), "kal16": (80.0, 200.0)}
"""flite's voices, and between which pitches [Hz] each sings."""
_ONSETS: Final = [
    "b",
    "ch",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "sh",
    "sk",
    "sp",
    "st",
    "str",
    "t",
    "th",
    "tr",
    "v",
    "w",
]
_VOWELS: Final = ["a", "ah", "ay", "e", "ee", "i", "o", "oo", "ow"]
_CODAS: Final = ["", "", "ch", "d", "k", "ks", "l", "m", "n", "p", "s", "sh", "st", "t", "ts"]
_RHYTHMS: Final = (
    "x--- x-x- ..x- x-x-",
    "..x- x--- x-x- ....",
    "x-x- x-x- x--- ....",
    "xxx- x-x- ..xx x---",
    "x--- ---- ..x- x---",
)
_SECTION_BARS: Final = 4
_SINGS: Final = 0.7  # how often in a section
_WORDS: Final = 12  # that a song has; then they come again
_JITTER_S: Final = 0.03
_SPREAD_SEMITONES: Final = 3.0
_TIMEOUT_S: Final = 30.0
_BAND_HZ: Final = 7500.0  # flite speaks at 16 kHz


class SingerConfig(Config):
    """Whether somebody sings, and how loud."""

    probability: Probability = Field(default=0.0)
    """Share of the accompaniments. Needs the ``flite`` program."""
    level_db: Range = (-6.0, 8.0)
    """RMS over that of the band, where both sound [dB]."""


def sing(song: AnnotatedSong, *, duration_s: float, rate_hz: int, seed: tuple[int, ...]) -> tuple[Samples, str]:
    """A voice, float32 [1, round(duration_s * rate_hz)], and in words whose it is.

    A song without a tempo map is taken to be at 120 BPM. Deterministic by seed and flite's version. Raises ConfigError
    where flite is missing or fails.
    """
    random = np.random.default_rng(seed)
    voice = str(random.choice(list(_VOICES)))
    pitch_hz, stretch = float(random.uniform(*_VOICES[voice])), float(random.uniform(0.8, 2.2))
    words = [_word(voice, pitch_hz, stretch, rate_hz, random) for _ in range(_WORDS)]
    total = np.zeros(round(duration_s * rate_hz), dtype=np.float32)
    for start_s, word in zip(*_placed(song, words, duration_s=duration_s, random=random), strict=True):
        start = round(start_s * rate_hz)
        sound = word[: max(0, len(total) - start)]
        total[start : start + len(sound)] += sound
    if total.any():
        total = _recorded(total / np.abs(total).max(), random, rate_hz=rate_hz)
    return total[np.newaxis], f"{voice} sings at {pitch_hz:.0f} Hz"


def check_singer() -> str:
    """Where the program is. Raises ConfigError where it is not installed."""
    if (program := shutil.which("flite")) is None:
        raise ConfigError("a singer needs the flite program: apt install flite (or set singer.probability to 0)")
    return program


def _placed(
    song: AnnotatedSong, words: list[Samples], *, duration_s: float, random: np.random.Generator
) -> tuple[list[float], list[Samples]]:
    """When which word is sung."""
    tempo = song.tempo or TempoMap(480)
    bars = bars_of(song, tempo, duration_s=duration_s)
    sung = in_sections(bars, _RHYTHMS, section_bars=_SECTION_BARS, plays=_SINGS, random=random)
    ticks = [tick for tick, _ in sung]
    starts_s = tempo.seconds(np.array(ticks)) + random.normal(0.0, _JITTER_S, len(ticks))
    first = int(random.integers(len(words)))
    return np.maximum(starts_s, 0.0).tolist(), [words[(first + index) % len(words)] for index in range(len(ticks))]


def _word(voice: str, pitch_hz: float, stretch: float, rate_hz: int, random: np.random.Generator) -> Samples:
    """One or two syllables, mono, without the silence around them."""
    syllables = (
        str(random.choice(_ONSETS)) + str(random.choice(_VOWELS)) + str(random.choice(_CODAS))
        for _ in range(random.integers(1, 3))
    )
    spoken, spoken_hz = _spoken("".join(syllables), voice, pitch_hz, stretch)
    bend = 2 ** (random.uniform(-_SPREAD_SEMITONES, _SPREAD_SEMITONES) / 12)
    samples: Samples = soxr.resample(spoken, spoken_hz * bend, rate_hz)
    audible = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max(initial=0.0))
    return samples[audible[0] : audible[-1] + 1] if len(audible) else samples[:0]


def _spoken(text: str, voice: str, pitch_hz: float, stretch: float) -> tuple[Samples, int]:
    command = [check_singer(), "-voice", voice, "--setf", f"int_f0_target_mean={pitch_hz:.1f}"]
    command += ["--setf", f"duration_stretch={stretch:.2f}", "-t", text, "-o", "/dev/stdout"]
    done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    try:
        spoken, rate_hz = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    except soundfile.LibsndfileError as error:
        message = done.stderr.decode(errors="replace").strip()
        raise ConfigError(f"flite said nothing for {text!r} with voice {voice}: {message or error}") from error
    return spoken, int(rate_hz)


def _recorded(voice: Samples, random: np.random.Generator, *, rate_hz: int) -> Samples:
    """As records have a voice: air above flite's band, compressed, equalised, with a little hall."""
    high = filters.apply([Band("high_pass", 4000.0)], voice, rate_hz=rate_hz)
    air = filters.apply([Band("high_pass", _BAND_HZ), Band("high_pass", _BAND_HZ)], np.abs(high), rate_hz=rate_hz)
    bands = [Band("high_pass", 120.0), Band("high_shelf", 5000.0, float(random.uniform(-3, 9)))]
    voice = filters.apply(bands, voice + 2 * air, rate_hz=rate_hz)
    compressor = Compressor(
        threshold_db=float(random.uniform(-36, -18)),
        ratio=float(random.uniform(2, 8)),
        knee_db=6.0,
        attack_s=0.005,
        release_s=0.12,
    )
    voice = voice / np.float32(np.abs(voice).max()) * compressor_gain(voice[np.newaxis], compressor, rate_hz=rate_hz)
    time_s = np.arange(round(1.5 * rate_hz)) / rate_hz
    hall = random.standard_normal(len(time_s)) * np.exp(-time_s / random.uniform(0.05, 0.35))
    hall *= 10 ** (random.uniform(-24, -6) / 20) / np.sqrt(np.sum(hall**2))
    return np.asarray(voice + signal.fftconvolve(voice, hall.astype(np.float32))[: len(voice)], dtype=np.float32)
