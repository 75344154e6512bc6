"""Fit `rhythm_patterns.json`: ``python -m drumline.transcription.fit_rhythms groove.zip [out.json]``.

Material: Groove MIDI's performances of the train split, and generated songs (`rendering.grooves`) with even seeds;
odd seeds and the other splits are for judging.
"""

import csv
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from drumline.charts.drum_maps import ROLAND
from drumline.charts.general_midi import read_performance
from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import INSTRUMENTS
from drumline.rendering.grooves import STYLES, generate
from drumline.transcription.rhythm_patterns import DRUMS, STEPS, Bar, dump, fit

NUM_PATTERNS: Final = {(4, 4): 24, (3, 4): 4, (6, 8): 4, (7, 8): 3, (5, 4): 2}
_SEEDS: Final = range(0, 6, 2)
_EVERY: Final = 4
"""Stride over Groove's performances: reading more changes the patterns little."""


def groove_performances(
    archive: Path, split: str, *, every: int = 1
) -> Iterator[tuple[Events, float, tuple[int, int], str]]:
    """Performances of Groove MIDI over 8 s, ``every`` so many: hits, tempo [bpm], time signature and name."""
    with zipfile.ZipFile(archive) as zipped:
        info = next(name for name in zipped.namelist() if name.endswith("info.csv"))
        rows = [
            row
            for row in csv.DictReader(io.TextIOWrapper(zipped.open(info)))
            if row["split"] == split and row["beat_type"] == "beat" and float(row["duration"]) >= 8
        ]
        for row in rows[::every]:
            name = info.removesuffix("info.csv") + row["midi_filename"]
            hits = read_performance(zipped.read(name), name, drum_map=ROLAND).hits
            velocity = [np.nan if hit.velocity is None else hit.velocity for hit in hits]
            events = Events.of([hit.time_s for hit in hits], [hit.label for hit in hits], velocity=velocity)
            top, bottom = (int(word) for word in row["time_signature"].split("-"))
            yield events, float(row["bpm"]), (top, bottom), row["midi_filename"]


def bars_of(events: Events, eighths: np.ndarray, signature: tuple[int, int], tempo_bpm: float) -> Iterator[Bar]:
    """The bars of hits at positions in eighth notes from a bar line."""
    num_eighths = 8 * signature[0] // signature[1]
    drums = INSTRUMENTS.certain_class(events.label)
    step = np.round(eighths * STEPS).astype(np.int64)
    bar, location = np.divmod(step, num_eighths * STEPS)
    for index in range(int(bar.max()) + 1):
        chosen = (bar == index) & (drums >= 0)
        if chosen.sum() >= 4:
            counts = np.zeros((num_eighths * STEPS, len(DRUMS)))
            np.add.at(counts, (location[chosen], drums[chosen]), 1.0)
            yield Bar(signature, counts, tempo_bpm)


def material(archive: Path) -> list[Bar]:
    """All bars to fit."""
    bars: list[Bar] = []
    for events, bpm, signature, _ in groove_performances(archive, "train", every=_EVERY):
        bars += bars_of(events, events.time_s * bpm / 30, signature, bpm)
    for style in STYLES:
        for seed in _SEEDS:
            song = generate(style, seed)
            start_s = float(song.downbeats_s[0])
            eighths = song.tempo.ticks(song.events.time_s - start_s) * 2 / song.tempo.resolution
            bars += bars_of(song.events, eighths, song.tempo.time_signatures[0][1:], song.tempo.tempos[0][1])
    return bars


if __name__ == "__main__":
    text = dump(fit(material(Path(sys.argv[1])), NUM_PATTERNS))
    Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).with_name("rhythm_patterns.json")).write_text(text)
