"""A folder that Clone Hero and YARG play: the chart, its song.ini, and the audio beside it.

The games read Ogg Vorbis, Opus, MP3 and WAV; other audio (FLAC, AIFF ...) is encoded as Ogg Vorbis. The audio is
the transcribed file itself, so there is no delay.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from drumline.charts import song_ini
from drumline.core.artifacts import write_bytes
from drumline.core.errors import AudioError
from drumline.transcription.formats import chart, mid
from drumline.transcription.result import Transcription

PLAYED: Final = (".ogg", ".opus", ".mp3", ".wav")
"""Endings of audio that the games read."""
_BLOCK_SAMPLES: Final = 1 << 16


def write_song_folder(
    folder: Path, transcription: Transcription, audio: Path, *, notes: Literal["chart", "mid"] = "chart"
) -> tuple[Path, ...]:
    """Make the folder and write into it; the files that were written.

    Raises AudioError where audio that must be encoded anew cannot be decoded, OSError where a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writer = chart if notes == "chart" else mid
    ini = replace(song_ini.of(writer.chart(transcription)), song_length_ms=round(transcription.audio.duration_s * 1000))
    song = folder / f"song{audio.suffix.lower() if audio.suffix.lower() in PLAYED else '.ogg'}"
    if song.suffix != audio.suffix.lower():
        encode_vorbis(audio, song)
    elif not (song.exists() and song.samefile(audio)):
        shutil.copyfile(audio, song)
    written = {folder / f"notes.{notes}": writer.write(transcription), folder / "song.ini": song_ini.write(ini)}
    for path, data in written.items():
        write_bytes(str(path), data)
    return (*written, song)


def encode_vorbis(audio: Path, song: Path, *, on_block: Callable[[int], None] = lambda num_frames: None) -> None:
    """Encode a recording as Ogg Vorbis, block by block: libsndfile breaks on long writes of Vorbis.

    Parameters
    ----------
    audio
        The recording.
    song
        The file to write.
    on_block
        Called before each block with the number of frames so far; what it raises ends the work.

    Raises
    ------
    AudioError
        The recording cannot be decoded.
    """
    import soundfile

    try:
        with soundfile.SoundFile(audio) as source:
            rate_hz, channels = source.samplerate, source.channels
            with soundfile.SoundFile(song, "w", rate_hz, channels, format="OGG", subtype="VORBIS") as target:
                for number, block in enumerate(source.blocks(_BLOCK_SAMPLES, dtype="float32")):
                    on_block(number * _BLOCK_SAMPLES)
                    target.write(block)
    except soundfile.LibsndfileError as error:
        song.unlink(missing_ok=True)
        raise AudioError("audio_undecodable", f"{audio.name}: {error.error_string or error}") from error
