"""Libraries of any number of different songs, made quickly and always alike.

A song is a folder with ``notes.chart``, ``song.ini`` and ``drums.flac`` (44.1 kHz mono), its rhythm drawn at random, so
that no two songs are copies. Real songs last four times as long: whatever is spent once a song weighs four times
more here.
"""

import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from tqdm import tqdm

from drumline.charts import chart_labels, dot_chart, song_ini
from drumline.charts.annotated_song import Metadata
from drumline.core.artifacts import write_bytes
from drumline.core.hits import Hit, sorted_hits
from drumline.core.tempo import TempoMap
from drumline.rendering.kit import Kit
from drumline.rendering.play import render
from drumline.rendering.synth_kit import synth_kit

SONG_S: Final = 60.0
"""About how long a song lasts [s]: whole bars."""
_RATE_HZ: Final = 44_100
_RESOLUTION: Final = 192
_STEPS: Final = 16
_BAR_TICKS: Final = 4 * _RESOLUTION
_SONGS_A_KIT: Final = 10  # a kit takes as long to make as ten songs
_CHANCES: Final = {"kick": 0.25, "snare_head": 0.2, "hihat_closed": 0.5, "tom_high": 0.04, "tom_floor": 0.06}
_TAIL_S: Final = 1.5


def make_library(folder: Path, *, num_songs: int, num_processes: int) -> Path:
    """The library of ``num_songs`` below a folder, made unless it is there; songs are shared with other sizes."""
    folder = folder / f"songs-of-{SONG_S:.0f}s"
    library = folder / f"library-{num_songs}"
    if library.is_dir():
        return library
    pool = folder / "all"
    blocks = [(pool, start) for start in range(0, num_songs, _SONGS_A_KIT)]
    with multiprocessing.get_context("spawn").Pool(num_processes) as processes:
        done = processes.imap_unordered(_make_block, blocks)
        for _ in tqdm(done, total=len(blocks), desc="rendering", unit=f"{_SONGS_A_KIT} songs", leave=False):
            pass
    aside = library.with_suffix(".part")
    shutil.rmtree(aside, ignore_errors=True)
    for number in range(num_songs):
        shutil.copytree(pool / _name(number), aside / _name(number), copy_function=os.link)
    aside.rename(library)
    return library


def make_song(location: Path, number: int, *, kit: Kit, song_s: float = SONG_S) -> None:
    """Write the files of a song; ``number`` is its seed."""
    random = np.random.default_rng(number)
    tempo_bpm = float(random.integers(80, 190))
    num_bars = round(song_s * tempo_bpm / 240)
    hits, tempo = _rhythm(random, tempo_bpm=tempo_bpm, num_bars=num_bars)
    # One charter for ten songs: splits keep the songs of a charter together.
    people = {"artist": f"Artist {number // 4}", "charter": f"Charter {number // 10}"}
    chart = chart_labels.compose(hits, tempo, Metadata(title=f"Title {number}", genre="Random", **people))
    samples = render(hits, kit=kit, duration_s=hits[-1].time_s + _TAIL_S, seed=number)
    location.mkdir(parents=True, exist_ok=True)
    soundfile.write(location / "drums.flac", samples, _RATE_HZ, subtype="PCM_16")
    ini = song_ini.from_values({"name": f"Title {number}", **people, "pro_drums": "True"})
    write_bytes(str(location / "song.ini"), song_ini.write(ini))
    write_bytes(str(location / "notes.chart"), dot_chart.write(chart))


def _rhythm(random: np.random.Generator, *, tempo_bpm: float, num_bars: int) -> tuple[tuple[Hit, ...], TempoMap]:
    """Four random bars in turn, each time slightly different, after an empty bar; a crash in every fourth."""
    tempo = TempoMap(_RESOLUTION, ((0, tempo_bpm),))
    chances = np.array(list(_CHANCES.values()))[:, None]
    patterns = random.random((4, len(_CHANCES), _STEPS)) < chances
    hits = []
    for bar in range(num_bars):
        played = patterns[bar % 4] ^ (random.random((len(_CHANCES), _STEPS)) < chances / 8)
        played[0, 0] = True
        strokes = [(step, list(_CHANCES)[drum]) for drum, step in np.argwhere(played)]
        for step, drum in [*strokes, *([(0, "crash")] if bar % 4 == 0 else [])]:
            tick = (bar + 1) * _BAR_TICKS + int(step) * _BAR_TICKS // _STEPS
            velocity = round(float(random.uniform(0.4, 1.0)), 3)
            hits.append(Hit(float(tempo.seconds(tick)), drum, velocity=velocity, evidence="performance", tick=tick))
    return sorted_hits(hits), tempo


def _make_block(task: tuple[Path, int]) -> None:
    pool, start = task
    missing = [n for n in range(start, start + _SONGS_A_KIT) if not (pool / _name(n) / "notes.chart").is_file()]
    kit = synth_kit(start // _SONGS_A_KIT, rate_hz=_RATE_HZ) if missing else None
    for number in missing:  # the chart is written last: where it is, the song is whole
        assert kit is not None
        make_song(pool / _name(number), number, kit=kit)


def _name(number: int) -> str:
    return f"{number:05d}"
