"""Material of one's own: folders of recordings without drums, and of MIDI files."""

import io
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
import symusic
from numpy.typing import NDArray

from drumline.core.errors import AudioError, ChartError, ConfigError
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.score import Part, parts_of_midi

Samples = NDArray[np.float32]

AUDIO_SUFFIXES: Final = (".aif", ".aiff", ".flac", ".mp3", ".ogg", ".opus", ".wav")
MIDI_SUFFIXES: Final = (".mid", ".midi")

_TRIES: Final = 8  # a silent excerpt or a broken file among many should not cost the song
_SILENCE_RMS: Final = 1e-3
_CROSSFADE_S: Final = 0.05
_PHRASE_BEATS: Final = 4


@lru_cache(maxsize=8)
def files_in(folders: tuple[str, ...], suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    """The files of these kinds in folders and below, or named themselves, in an order that no disk decides.

    Listed once a process. Raises ConfigError where a folder is missing or none holds such a file.
    """
    found: list[Path] = []
    for folder in folders:
        root = Path(folder).expanduser()
        if root.is_file() and root.suffix.lower() in suffixes:
            found.append(root)
            continue
        if not root.is_dir():
            raise ConfigError(f"{folder}: no such folder")
        found += sorted(path for path in root.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    if not found:
        raise ConfigError(f"{', '.join(folders)}: no {', '.join(suffixes)} file in it")
    return tuple(found)


def audio_excerpt(
    folders: tuple[str, ...],
    *,
    duration_s: float,
    rate_hz: int,
    channels: int,
    random: np.random.Generator,
    speed: tuple[float, float] = (1.0, 1.0),
) -> tuple[Samples, str]:
    """A drawn part of a drawn file, float32 [channels, round(duration_s * rate_hz)], and what it is.

    Played at a speed drawn between two factors, which changes its pitch too. A file shorter than the duration begins
    again, cross-faded. Raises AudioError where none of the files drawn
    can be read or is more than silence.
    """
    files = files_in(folders, AUDIO_SUFFIXES)
    factor = float(np.exp(random.uniform(*np.log(speed)))) if speed[0] < speed[1] else speed[0]
    refused: AudioError | None = None
    for index in random.permutation(len(files))[:_TRIES]:
        try:
            return _excerpt(files[index], duration_s, rate_hz=rate_hz, channels=channels, random=random, speed=factor)
        except AudioError as error:
            refused = error
    assert refused is not None
    raise refused


def own_backing(
    data: bytes, *, name: str, start_s: float, stretch: float, duration_s: float, rate_hz: int, channels: int
) -> Samples:
    """The recording that belongs to a performance, from a time on, float32 [channels, round(duration_s * rate_hz)].

    Parameters
    ----------
    data
        The file.
    name
        Its name in messages.
    start_s
        Time in the file at which the result starts [s].
    stretch
        Factor of time; a recording of twice the duration sounds an octave lower.
    duration_s
        Duration of the result [s]; silence follows the end of the file.
    rate_hz, channels
        Shape of the result.

    Raises
    ------
    AudioError
        If the file cannot be decoded or ends before ``start_s``.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as source:
            start = round(start_s * source.samplerate)
            block = _read(source, start, duration_s, rate_hz=rate_hz, channels=channels, speed=1 / stretch)
    except soundfile.LibsndfileError as error:
        raise AudioError("audio_undecodable", f"{name}: {error}") from error
    samples = np.zeros((channels, round(duration_s * rate_hz)), dtype=np.float32)
    length = min(samples.shape[1], block.shape[1])
    samples[:, :length] = block[:, :length]
    return samples


def midi_excerpt(
    folders: tuple[str, ...], tempo: TempoMap, *, duration_s: float, random: np.random.Generator
) -> tuple[tuple[Part, ...], str]:
    """The melodic parts of a drawn file from a drawn bar on, laid on the song's beats, and what it is.

    A file shorter than the song begins again. Raises ChartError where none of the files drawn can be read or has
    parts other than drums.
    """
    files = files_in(folders, MIDI_SUFFIXES)
    refused: ChartError | None = None
    for index in random.permutation(len(files))[:_TRIES]:
        try:
            return _midi_excerpt(files[index], tempo, duration_s=duration_s, random=random)
        except ChartError as error:
            refused = error
    assert refused is not None
    raise refused


def _excerpt(
    file: Path, duration_s: float, *, rate_hz: int, channels: int, random: np.random.Generator, speed: float
) -> tuple[Samples, str]:
    try:
        with soundfile.SoundFile(file) as source:
            latest = max(0, source.frames - int(np.ceil(duration_s * speed * source.samplerate)))
            start = int(random.integers(latest + 1))
            start_s = start / source.samplerate
            block = _read(source, start, duration_s, rate_hz=rate_hz, channels=channels, speed=speed)
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError("audio_undecodable", f"{file}: {error}") from error
    if np.sqrt(np.mean(np.square(block))) < _SILENCE_RMS:
        raise AudioError("audio_silent", f"{file}: nothing to hear after {start_s:.1f} s")
    samples = looped(block, round(duration_s * rate_hz), fade=round(_CROSSFADE_S * rate_hz))
    return samples, f"{file.name} from {start_s:.1f} s"


def _read(
    source: soundfile.SoundFile, start: int, duration_s: float, *, rate_hz: int, channels: int, speed: float
) -> Samples:
    """Samples [channels, about duration_s * rate_hz or fewer] from a frame on, played at a speed. Raises AudioError."""
    source.seek(min(source.frames, start))
    block = source.read(int(np.ceil(duration_s * speed * source.samplerate)), dtype="float32", always_2d=True)
    if not len(block) or not np.isfinite(block).all():
        raise AudioError("audio_undecodable", f"{source.name}: no samples, or some that are not finite")
    if channels == 1 or block.shape[1] != channels:
        block = np.repeat(block.mean(axis=1, keepdims=True), channels, axis=1)
    if source.samplerate * speed != rate_hz:
        block = soxr.resample(block, source.samplerate * speed, rate_hz, quality="HQ")
    return np.ascontiguousarray(block.T)


def looped(samples: Samples, length: int, *, fade: int) -> Samples:
    """Samples [channels, N] as long as asked, begun again with a cross-fade of equal power where they are short."""
    fade = min(fade, samples.shape[1] // 2)
    if samples.shape[1] >= length or fade == 0:
        return np.resize(samples, (samples.shape[0], length)) if fade == 0 else samples[:, :length]
    angle = np.linspace(0.0, np.pi / 2, fade, dtype=np.float32)
    faded = samples.copy()
    faded[:, -fade:] = samples[:, -fade:] * np.cos(angle) + samples[:, :fade] * np.sin(angle)
    # The first pass begins at the file's own beginning; every further one after the part that was faded in.
    rounds = int(np.ceil((length - faded.shape[1]) / (faded.shape[1] - fade)))
    return np.concatenate([faded, *[faded[:, fade:]] * rounds], axis=1)[:, :length]


def _midi_excerpt(
    file: Path, tempo: TempoMap, *, duration_s: float, random: np.random.Generator
) -> tuple[tuple[Part, ...], str]:
    data = file.read_bytes()
    beats = float(tempo.ticks(duration_s)) / tempo.resolution
    length = _length_beats(data, str(file))
    latest = max(0, int((length - beats) // _PHRASE_BEATS))
    start = _PHRASE_BEATS * int(random.integers(latest + 1))
    parts = [
        part
        for first in np.arange(0, beats, length - start)
        for part in parts_of_midi(data, tempo, name=str(file), end_s=duration_s, start_beat=start - float(first))
    ]
    if not parts:
        raise ChartError(str(file), "no notes but drums")
    return tuple(parts), f"{file.name} from beat {start}"


def _length_beats(data: bytes, name: str) -> float:
    """Quarter notes, in whole phrases. Raises ChartError where the file cannot be read."""
    try:
        score = symusic.Score.from_midi(data)
    except (RuntimeError, ValueError) as error:
        raise ChartError(name, f"not a MIDI file that can be read: {error}") from error
    return float(_PHRASE_BEATS * max(1.0, np.ceil(score.end() / score.ticks_per_quarter / _PHRASE_BEATS)))
