"""A folder that Clone Hero and YARG play: the chart, its song.ini, the audio and the picture of its sleeve.

The games read Ogg Vorbis, Opus, MP3 and WAV; other audio (FLAC, AAC ...) is encoded as Ogg Vorbis. The audio is
the transcribed file itself, so there is no delay. song.ini carries the provenance mark, and holds the SHA-256 of the
audio that was written: so the audio is recognised too, which has no room for a mark.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from drumline.audio.layout import EXTENSIONS
from drumline.audio.tags import read_tags
from drumline.charts import song_ini
from drumline.charts.annotated_song import Metadata
from drumline.charts.chart import Chart
from drumline.charts.provenance import BLANK, KEY, finish, is_unchanged
from drumline.charts.text import decode
from drumline.core.artifacts import sha256_file, write_bytes
from drumline.transcription.formats import chart, mid
from drumline.transcription.ownership import ForeignFileError, is_own, write_own
from drumline.transcription.result import Transcription

PLAYED: Final = (".ogg", ".opus", ".mp3", ".wav")
"""Endings of audio that the games read."""
_AUDIO_KEY: Final = "drumline_audio"
_CHARTS: Final = ("notes.mid", "notes.midi", "notes.chart", "song.ini")
_PICTURES: Final = (".jpg", ".jpeg", ".png")
_PREVIEW_S: Final = 30.0
_TIERS: Final = (1.0, 2.0, 3.0, 4.0, 5.5, 7.0)
"""Chords per second from which each tier above 0 begins."""
_BLOCK_SAMPLES: Final = 1 << 16
_MAX_RATE_HZ: Final = 96_000


def write_song_folder(
    folder: Path,
    transcription: Transcription,
    audio: Path,
    *,
    notes: Literal["chart", "mid"] = "chart",
    overwrite: bool = False,
) -> tuple[Path, ...]:
    """Make the folder and write into it.

    Returns
    -------
    The files of the song: chart, song.ini and audio, and the picture of its sleeve if it was written.

    Raises
    ------
    ForeignFileError
        The folder holds a chart or audio that drumline did not write.
    AudioError
        The audio must be encoded anew and cannot be decoded.
    OSError
        A file cannot be written.
    """
    if not overwrite and (foreign := foreign_files(folder, audio)):
        raise ForeignFileError(f"{foreign[0]}: drumline did not write this file, and does not replace it")
    folder.mkdir(parents=True, exist_ok=True)
    song = folder / f"song{audio.suffix.lower() if audio.suffix.lower() in PLAYED else '.ogg'}"
    writer = chart if notes == "chart" else mid
    tags = read_tags(audio)
    transcription = replace(transcription, metadata=_merged(transcription.metadata, tags.metadata))
    made = writer.chart(transcription)
    tier, preview_start_ms = _busiest(made)
    ini = replace(
        song_ini.of(made),
        song_length_ms=round(transcription.audio.duration_s * 1000),
        diff_drums=tier,
        preview_start_ms=preview_start_ms,
        track=tags.track,
    )
    paths = folder / f"notes.{notes}", folder / "song.ini", song
    with _aside(song) as unfinished:
        if song.suffix != audio.suffix.lower():
            encode_vorbis(audio, unfinished)
        elif not (song.exists() and song.samefile(audio)):
            shutil.copyfile(audio, unfinished)
        # Before the audio takes its name, with what it replaces: both are recognised if this run ends here.
        digests = dict.fromkeys(sha256_file(each) for each in (unfinished, song) if each.exists())
        others = {_AUDIO_KEY: " ".join(digests), KEY: BLANK}
        data = finish(song_ini.write(ini, others=others), is_edited=transcription.is_edited)
        write_own(str(paths[1]), data, overwrite=overwrite)
    data = finish(writer.to_bytes(made), is_edited=transcription.is_edited)
    write_own(str(paths[0]), data, overwrite=overwrite)
    if tags.picture and not any((folder / f"album{suffix}").exists() for suffix in _PICTURES):
        write_bytes(str(folder / f"album{tags.picture_suffix}"), tags.picture)
        return *paths, folder / f"album{tags.picture_suffix}"
    return paths


def _merged(metadata: Metadata, tags: Metadata) -> Metadata:
    """Metadata of a transcription; those of the tags where it has none."""
    return Metadata(**{word: value or getattr(tags, word) for word, value in vars(metadata).items()})


def _busiest(made: Chart) -> tuple[int, int]:
    """Difficulty tier of the drums, 0 to 6, and start of the preview [ms], by Expert's busiest 30 s.

    Both are `song_ini.UNSET` without notes.
    """
    ticks = sorted({note.tick for note in made.difficulties.get("expert", ())})
    if not ticks:
        return song_ini.UNSET, song_ini.UNSET
    times_s = made.tempo.seconds(ticks) + made.offset_s
    counts = np.searchsorted(times_s, times_s + _PREVIEW_S) - np.arange(len(times_s))
    first = int(np.argmax(counts))
    tier = int(np.searchsorted(_TIERS, counts[first] / _PREVIEW_S, side="right"))
    return tier, round(1000 * float(times_s[first]))


def foreign_files(folder: Path, audio: Path) -> tuple[Path, ...]:
    """Files that prevent writing a song into a folder: charts, a song.ini or audio that drumline did not write.

    A chart of another name than ours counts too, and so does a stem: the games would play them with our files. The
    transcribed audio itself does not.
    """
    if not folder.is_dir():
        return (folder,) if os.path.lexists(folder) else ()
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    ours = _audio_written(folder)
    foreign = []
    for path in files:
        if path.name.lower() in _CHARTS:
            replaceable = is_own(str(path))
        elif path.suffix.lower() in EXTENSIONS:
            replaceable = path.is_file() and (path.samefile(audio) or sha256_file(path) in {*ours, sha256_file(audio)})
        else:
            continue
        if not replaceable:
            foreign.append(path)
    return tuple(foreign)


def _audio_written(folder: Path) -> frozenset[str]:
    """SHA-256 digests of the audio that earlier transcriptions put into a folder."""
    path = folder / "song.ini"
    if not path.is_file() or not is_unchanged(data := path.read_bytes()):
        return frozenset()
    lines = (line.partition("=") for line in decode(data).splitlines())
    return frozenset(digest for key, _, value in lines if key.strip() == _AUDIO_KEY for digest in value.split())


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """A path to write to, which takes its final name once it is whole; nothing happens where nothing was written."""
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield unfinished
        if unfinished.exists():
            os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


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

    from drumline.audio.block import Block
    from drumline.audio.decode import MAX_DURATION_S
    from drumline.audio.downmix import mono
    from drumline.audio.stream import opened, resampled

    with audio.open("rb") as source, opened(source, audio.name, MAX_DURATION_S) as stream:
        rate_hz, channels = min(stream.rate_hz, _MAX_RATE_HZ), stream.num_channels

        def alike(block: Block) -> Block:
            same = block.samples.shape[1] == channels
            return block if same else Block(np.repeat(mono(block.samples), channels, axis=1), block.rate_hz)

        with soundfile.SoundFile(song, "w", rate_hz, channels, format="OGG", subtype="VORBIS") as target:
            num_frames = 0
            for samples in resampled(map(alike, stream.blocks()), rate_hz, num_channels=channels):
                for start in range(0, len(samples), _BLOCK_SAMPLES):
                    on_block(num_frames)
                    written = samples[start : start + _BLOCK_SAMPLES]
                    target.write(written)
                    num_frames += len(written)
