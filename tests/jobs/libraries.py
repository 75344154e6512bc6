"""A small library of songs for the library job, with one that is cut and two files that are none."""

from pathlib import Path

import soundfile
from tests.export.tiny import noise

from drumline.core.config import parse_config
from drumline.transcription.library.config import LibraryConfig

SONGS = {
    "a/one.flac": 25.0,
    "a/two.wav": 31.0,
    "b/one.ogg": 3.0,
    "b/one.flac": 12.0,
    "three.mp3": 61.0,
    "cut.flac": 12.5,
}
"""Key -> seconds."""
REJECTED = {"b/text.mp3": "audio_undecodable"}
NAMES = {"a/one.flac": "a/one", "a/two.wav": "a/two", "three.mp3": "three", "cut.flac": "cut"} | {
    name: name for name in ("b/one.ogg", "b/one.flac")
}
"""Key -> name of its results: two that differ by their endings alone keep them."""


def write_library(folder: Path) -> Path:
    for seed, (name, seconds) in enumerate(SONGS.items()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name != "cut.flac":
            soundfile.write(folder / name, noise(seconds, seed), 22_050)
    (folder / "b" / "text.mp3").write_text("not audio")
    whole = (folder / "a/one.flac").read_bytes()
    (folder / "cut.flac").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("not a song")
    return folder


def config_for(library: str | Path, output: str | Path, package: str | Path, **changes: object) -> LibraryConfig:
    tree = {
        "library": str(library),
        "output": str(output),
        "model": str(package),
        "formats": ["json", "midi"],
        "run": {"ray": {"address": "local", "num_cpus": 2}},
    }
    return parse_config(LibraryConfig, {**tree, **changes}, "test")


def content(output: Path) -> dict[str, bytes]:
    """Every byte of a transcribed library, without the work and the run reports beside it."""
    files = (file for file in output.rglob("*") if file.is_file())
    names = {str(file.relative_to(output)): file for file in files}
    return {name: file.read_bytes() for name, file in names.items() if not name.startswith("_")}
