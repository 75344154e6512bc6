"""Accompaniment by Debian's ``mma`` program (Musical MIDI Accompaniment): a chord chart in, General MIDI out.

https://www.mellowood.ca/mma/. The program is GPL-2+; what it writes is the user's.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.errors import ConfigError
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.band import draw_chords, draw_style
from drumline.rendering.accompaniment.harmony import NOTE_NAMES
from drumline.rendering.accompaniment.score import Part, parts_of_midi
from drumline.rendering.accompaniment.styles import STYLES

_TIMEOUT_S: Final = 60.0
_GROOVES: Final = {
    3: ("Waltz", "JazzWaltz", "CountryWaltz", "RockWaltz", "LatinWaltz", "FrenchWaltz"),
    4: (
        *("8Beat", "50sRock", "60sRock", "BasicRock", "SoftRock", "RockBallad", "FolkRock", "JazzRock", "BubbleRock"),
        *("Blues", "CountryBlues", "FastBlues", "Swing", "EasySwing", "Bebop", "BigBand", "JazzGuitar", "MellowJazz"),
        *("BossaNova", "Samba", "Salsa", "Mambo", "ChaCha", "Rhumba", "Calypso", "Son", "Merengue", "Ska", "Tango"),
        *("PopBallad", "GuitarBallad", "R&B", "DSoul", "BVFunk", "Trance", "Strut", "Bluegrass", "Polka", "Ragtime"),
    ),
}
"""Beats in a bar -> grooves of mma's own library. Other metres play over bars of four."""


def play_mma(
    song: AnnotatedSong, tempo: TempoMap, *, duration_s: float, seed: Sequence[int]
) -> tuple[tuple[Part, ...], str]:
    """Accompaniment by mma over sampled chords in a sampled groove, on the song's beats, with a description.

    Deterministic by seed and mma's version. Raises ConfigError where mma is missing or fails.
    """
    random = np.random.default_rng(seed)
    _, numerator, denominator = tempo.time_signatures[0]
    beats = numerator if denominator == 4 and numerator in _GROOVES else 4
    groove = str(random.choice(_GROOVES[beats]))
    style, key = STYLES[draw_style(song.metadata.genre, random)], int(random.integers(12))
    num_bars = int(np.ceil(float(tempo.ticks(duration_s)) / tempo.resolution / beats))
    bars = draw_chords(style, key, num_bars=max(1, num_bars), random=random)
    lines = [f"RndSeed {random.integers(1 << 30)}", "Tempo 120", f"Groove {groove}"]
    lines += [f"{number} {chord.name}" for number, chord in enumerate(bars, start=1)]
    midi = _compile("\n".join(lines) + "\n", groove)
    parts = parts_of_midi(midi, tempo, name=f"mma {groove}", end_s=duration_s)
    return parts, f"{groove} in {NOTE_NAMES[key]}"


def check_mma() -> str:
    """Where the program is. Raises ConfigError where it is not installed."""
    if (program := shutil.which("mma")) is None:
        raise ConfigError("the way mma needs the mma program: apt install mma (or set ways.mma to 0)")
    return program


def _compile(chart: str, groove: str) -> bytes:
    program = check_mma()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "song.mma", Path(folder) / "song.mid"
        source.write_text(chart, encoding="utf-8")
        try:
            done = subprocess.run(
                [program, str(source), "-f", str(target)],
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
                cwd=folder,
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigError(f"{program}: groove {groove} took longer than {_TIMEOUT_S:.0f} s") from error
        if done.returncode or not target.is_file():
            said = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise ConfigError(f"{program}: groove {groove} failed: {' '.join(said) or 'it said nothing'}")
        return target.read_bytes()
