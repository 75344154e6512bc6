"""Transcribe recordings from Python, without torch or Ray."""

import errno
import os
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile
from numpy.typing import ArrayLike, NDArray

from drumline.api.hits import Hits
from drumline.audio.recording import Recording
from drumline.transcription import result
from drumline.transcription.beat_tracking import GridHints
from drumline.transcription.engine import Engine, open_engine
from drumline.transcription.formats.registry import Format, named, of_path
from drumline.transcription.outputs import PACKAGES, foreign_in_package, write_package
from drumline.transcription.ownership import ForeignFileError, is_own, message, write_own
from drumline.transcription.result import SourceAudio
from drumline.transcription.sources import Stem, find_sources, open_recording
from drumline.transcription.transcribe import Timing
from drumline.transcription.transcribe import transcribe as transcribe_recording

if TYPE_CHECKING:
    import mido

_RATES_HZ: Final = (8_000, 192_000)
_ARRAY: Final = "audio"
"""Name of a recording that came as an array."""


@dataclass(frozen=True)
class Transcription:
    """Hits of one recording, with its tempo.

    Attributes
    ----------
    result
        The library's own transcription, with tempo map, branch probabilities and facts about audio and model.
    audio_file
        The transcribed file, for song folders; None for arrays and for several files that sound together.
    """

    result: result.Transcription
    audio_file: Path | None = None

    @cached_property
    def hits(self) -> Hits:
        """Hits in seconds of the audio."""
        return Hits.of(self.result.hits)

    @property
    def duration_s(self) -> float:
        """Duration of the audio in seconds."""
        return self.result.audio.duration_s

    @property
    def tempo_bpm(self) -> float | None:
        """Mean tempo in beats per minute; None with too few hits to estimate it."""
        tempo = self.result.tempo
        return tempo.mean_tempo_bpm(float(tempo.ticks(self.duration_s))) if tempo is not None else None

    @property
    def beats(self) -> NDArray[np.float64]:
        """Beats [N, 2]: time in seconds and number in the bar, from 1. Empty with too few hits to find them."""
        return np.array(self.result.beats(), dtype=np.float64).reshape(-1, 2)

    def save(self, path: str | os.PathLike[str], *, format: str = "", overwrite: bool = False) -> Path:
        """Write a file in the format of its ending.

        Parameters
        ----------
        path
            The file: ``.mid`` (General MIDI), ``.json``, ``.csv``, ``.jams``, ``.txt`` (Audacity labels), ``.chart``,
            ``.musicxml`` (sheet music), ``.bsm``, or the name ``notes.mid`` (Clone Hero and YARG); ``.sng`` or ``.zip``
            for a song with its audio.
        format
            Name of a format (``midi``, ``json``, ``csv``, ``jams``, ``labels``, ``chart``, ``mid``, ``musicxml``,
            ``bsm``, ``sng``, ``zip``) if the ending does not say it; ``folder`` writes a song folder that games play,
            with the audio, at ``path``.
        overwrite
            Whether to replace files that drumline did not write, or that were changed since.

        Returns
        -------
        The path.

        Raises
        ------
        ForeignFileError
            A file is there that drumline did not write as found (a `FileExistsError`). Nothing was written.
        ConfigError
            No format has such an ending or name.
        ValueError
            A song with its audio, of a transcription that was not made from one file.
        OSError
            The file cannot be written.
        """
        path = Path(path)
        kind = format or path.suffix.lower().removeprefix(".")
        if kind in PACKAGES:
            self._save_package(kind, path, overwrite=overwrite)
            return path
        chosen: Format = named(format) if format else of_path(str(path))
        if not overwrite and not is_own(str(path)):
            raise _foreign([str(path)])
        write_own(str(path), chosen.write(self.result), overwrite=overwrite)
        return path

    def to_midi(self) -> "mido.MidiFile":
        """Convert to a General MIDI drum track.

        Returns
        -------
        A `mido.MidiFile` with the tempo map and one drum track on channel 10.
        """
        import mido

        return mido.MidiFile(file=BytesIO(named("midi").write(self.result)))

    def _save_package(self, kind: str, path: Path, *, overwrite: bool) -> None:
        if self.audio_file is None:
            raise ValueError("a song folder, .zip or .sng needs the song's audio as one file: transcribe a file")
        if not overwrite and (foreign := foreign_in_package(kind, path, self.audio_file)):
            raise _foreign(foreign)
        write_package(kind, path, self.result, self.audio_file, overwrite=overwrite)


def _foreign(paths: list[str]) -> ForeignFileError:
    return ForeignFileError(message(paths, option="overwrite=True", output="path"))


@dataclass(frozen=True)
class Model:
    """A loaded model, for many songs. Made by `load_model`."""

    engine: Engine

    @property
    def name(self) -> str:
        """Name and version."""
        return f"{self.engine.package.name} {self.engine.package.version}"

    @property
    def classes(self) -> tuple[str, ...]:
        """Drum classes that the model predicts."""
        return self.engine.package.classes

    def transcribe(
        self,
        audio: str | os.PathLike[str] | ArrayLike,
        sample_rate: int | None = None,
        *,
        tempo_bpm: float | None = None,
        stem: Stem = "auto",
    ) -> Transcription:
        """Transcribe one song; see `drumline.transcribe`."""
        timing = Timing(GridHints(tempo_bpm=tempo_bpm))
        if isinstance(audio, (str, os.PathLike)):
            if sample_rate is not None:
                raise ValueError("sample_rate is for arrays: a file states its own")
            recording, source, file = _of_file(audio, stem)
        else:
            recording, source, file = *_of_array(audio, sample_rate), None
        with recording:
            found = transcribe_recording(
                recording, source, detector=self.engine, timing=timing, on_progress=lambda seconds: None
            )
        return Transcription(found, file)


def load_model(model: str | os.PathLike[str] = "", *, preset: str = "", precision: str = "", threads: int = 0) -> Model:
    """Load a model once, for many songs.

    Parameters
    ----------
    model
        Folder or URI of a model package, or the name of one that ships with drumline; the newest of these by default.
    preset
        Decoding preset: ``default``, ``conservative`` (fewer false hits), ``aggressive`` (more ghost notes), or a YAML
        file; the model's own by default.
    precision
        ``int8``, ``float32`` or ``float16``; the fastest on a CPU by default.
    threads
        Threads of arithmetic; 0 for the default, at most two.

    Returns
    -------
    The model.

    Raises
    ------
    ConfigError
        There is no such model, preset or precision.
    DrumlineError
        The model's files are damaged.

    Examples
    --------
    >>> import numpy as np
    >>> model = load_model()
    >>> "snare_head" in model.classes
    True
    >>> len(model.transcribe(np.zeros(22_050), 22_050).hits)
    0
    """
    return Model(open_engine(os.fspath(model), preset=preset, precision=precision, threads=threads))


def transcribe(
    audio: str | os.PathLike[str] | ArrayLike,
    sample_rate: int | None = None,
    *,
    preset: str = "",
    model: str | os.PathLike[str] = "",
    tempo_bpm: float | None = None,
    stem: Stem = "auto",
) -> Transcription:
    """Transcribe the drums of one song. For many songs load the model once: `load_model`.

    Parameters
    ----------
    audio
        An audio file (WAV, FLAC, Ogg, Opus, MP3), a folder of a song's audio, or samples as an array of shape [N] or
        [N, channels], full scale 1.0.
    sample_rate
        Samples per second of an array, 8,000 to 192,000; not for files.
    preset
        As in `load_model`.
    model
        As in `load_model`.
    tempo_bpm
        A steady tempo in beats per minute, 20 to 400; estimated by default.
    stem
        For song folders, ``auto`` prefers drum stems and ``mix`` takes everything; ``separate`` separates the drums
        first, with weights that you provide.

    Returns
    -------
    The transcription.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    AudioError
        The audio cannot be decoded, is truncated or too long.
    ValueError
        An array without a sample rate, of another shape, or with samples that are not finite; a tempo out of range.
    ConfigError
        There is no such model or preset.

    Examples
    --------
    >>> import numpy as np
    >>> silence = np.zeros(44_100)
    >>> song = transcribe(silence, 44_100)
    >>> song.duration_s, len(song.hits)
    (1.0, 0)
    """
    return load_model(model, preset=preset).transcribe(audio, sample_rate, tempo_bpm=tempo_bpm, stem=stem)


def _of_file(path: str | os.PathLike[str], stem: Stem) -> tuple[Recording, SourceAudio, Path | None]:
    name = os.path.abspath(path)
    if not os.path.exists(name):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))
    (source,) = find_sources([name], stem)
    recording, audio = open_recording(source, stem)
    return recording, audio, source.files[0] if len(source.files) == 1 else None


def _of_array(values: ArrayLike, sample_rate: int | None) -> tuple[Recording, SourceAudio]:
    low, high = _RATES_HZ
    if sample_rate is None or not low <= sample_rate <= high or sample_rate != int(sample_rate):
        raise ValueError(f"sample_rate {sample_rate}: an array needs a whole number of Hz from {low} to {high}")
    samples = np.asarray(values)
    if samples.dtype.kind != "f":
        raise ValueError(f"samples of type {samples.dtype}: must be floating-point numbers, full scale 1.0")
    if samples.ndim == 1:
        samples = samples[:, np.newaxis]
    if samples.ndim != 2 or not samples.shape[1] or samples.shape[1] > len(samples):
        raise ValueError(f"samples of shape {np.shape(values)}: must be [N] or [N, channels] (channels last)")
    if not np.isfinite(samples).all():
        raise ValueError("samples must be finite: some are NaN or infinite")
    encoded = BytesIO()  # as a file: channels are mixed and resampled in one way only
    soundfile.write(encoded, samples.astype(np.float32), int(sample_rate), format="WAV", subtype="FLOAT")
    encoded.seek(0)
    recording = Recording.of_file(encoded, name=_ARRAY)
    return recording, SourceAudio(_ARRAY, round(recording.duration_s, 6), rate_hz=int(sample_rate))
