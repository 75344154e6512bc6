"""The torture sets: short passages, each of one difficulty, so that a report can say where a system fails.

The songs of a set bear its name as their genre.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from drumline.charts.annotated_song import AnnotatedSong
from drumline.rendering.performances.passages import generate

CASES: Final[Mapping[str, tuple[tuple[str, tuple[float, ...]], ...]]] = MappingProxyType(
    {
        "ghost_note_grooves": (
            ("ghost_notes_16", (90, 120, 150)),
            ("ghost_notes_32", (70, 100, 180)),
            ("half_time_shuffle", (90, 110)),
        ),
        "jazz_ride": (("jazz_ride", (110, 160, 210, 260)),),
        "metal_double_kick": (
            ("double_kick_16", (180, 210, 240)),
            ("double_kick_32", (120, 180, 240)),
            ("double_kick_gallop", (160, 200, 240)),
        ),
        "blast_beats": (
            ("blast_traditional", (180, 210, 240)),
            ("blast_bomb", (180, 210, 240)),
            ("blast_hammer", (180, 210, 240)),
        ),
        "tom_fills": (
            ("tom_fill_16", (120, 180)),
            ("tom_fill_sextuplets", (100, 140, 180)),
            ("tom_fill_32", (90, 180, 240)),
        ),
        "rolls": (
            ("single_stroke_roll_32", (120, 180, 240)),
            ("single_stroke_roll_64", (90, 180, 240)),
            ("double_stroke_roll_32", (120, 180, 240)),
            ("paradiddle_32", (100, 180, 240)),
            ("buzz_roll_64", (90, 180, 240)),
        ),
        "flams_and_drags": (("flams", (90, 130, 180)), ("drags_and_ruffs", (80, 120))),
        "near_simultaneous": (("near_simultaneous", (90, 120, 150)),),
        "soft_dynamics": (("soft", (80, 110, 140)),),
    }
)
"""Set -> kinds of passages, each with its tempos [beats per minute]."""


def torture_sets(*, num_takes: int = 1, num_bars: int = 4, seed: int = 0) -> dict[str, tuple[AnnotatedSong, ...]]:
    """Every set, with ``num_takes`` songs of each kind and tempo. They are for judging: their split is ``test``."""
    return {
        name: tuple(
            _in_set(name, generate(kind, tempo_bpm=tempo_bpm, num_bars=num_bars, seed=seed + take))
            for kind, tempos_bpm in cases
            for tempo_bpm in tempos_bpm
            for take in range(num_takes)
        )
        for name, cases in CASES.items()
    }


def _in_set(name: str, song: AnnotatedSong) -> AnnotatedSong:
    return replace(song, metadata=replace(song.metadata, genre=name), official_split="test")
