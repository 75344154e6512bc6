"""Rendered parts with known notes, for the evaluation of pitched transcription.

Each part of our own band (`rendering.accompaniment.band`) is rendered alone. ``pairs.jsonl`` has one line for each,
with the keys of `band.evaluate.NotePair`.
"""

import json
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import Field
from tqdm import tqdm

from drumline.audio.loudness import encode_flac
from drumline.band.instruments import instrument_of_program
from drumline.band.midi import part_track
from drumline.band.part import TranscribedPart
from drumline.charts.general_midi import storable, write_tracks
from drumline.core.artifacts import join, write_bytes
from drumline.core.config import Config
from drumline.core.notes import Notes
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.band import play
from drumline.rendering.accompaniment.score import Part
from drumline.rendering.accompaniment.soundfont import render_parts
from drumline.rendering.performances.passages import etude

PAIRS: Final = "pairs.jsonl"
_PEAK: Final = 0.5


class RenderPartsConfig(Config):
    """Rendered parts of our own band."""

    output: str
    """Folder for audio, MIDI and ``pairs.jsonl``."""
    soundfonts: tuple[str, ...] = Field(min_length=1)
    """SoundFont files, one sampled for each song."""
    songs: int = Field(default=8, ge=1)
    """Number of songs; each has two to six parts."""
    duration_s: float = Field(default=40.0, ge=5)
    """Duration of a song [s]."""
    seed: int = 0
    """Random seed."""
    rate_hz: int = Field(default=22_050, ge=8_000)
    """Sample rate [Hz]."""


def render_pairs(config: RenderPartsConfig) -> int:
    """Render all parts and write the list of pairs last.

    Returns
    -------
    int
        Number of pairs.
    """
    lines = []
    for number in tqdm(range(config.songs), desc="rendering", unit="song", mininterval=1.0):
        random = np.random.default_rng((config.seed, number))
        song = etude(duration_s=config.duration_s, seed=int(random.integers(1 << 31)))
        tempo = song.tempo or TempoMap(480)
        soundfont = str(random.choice(config.soundfonts))
        parts, _ = play(song, tempo, duration_s=config.duration_s, seed=(config.seed, number, 1))
        for index, part in enumerate(parts):
            lines.append(_render(part, tempo, f"{number:03d}-{index}", soundfont, config))
    write_bytes(join(config.output, PAIRS), "".join(json.dumps(line) + "\n" for line in lines).encode())
    return len(lines)


def _render(part: Part, tempo: TempoMap, name: str, soundfont: str, config: RenderPartsConfig) -> dict[str, object]:
    instrument = instrument_of_program(part.program)
    stem = f"{name}-{instrument.name}"
    samples = render_parts(
        [part],
        soundfont=soundfont,
        duration_s=config.duration_s,
        rate_hz=config.rate_hz,
        channels=1,
        max_synthesis_rate_hz=config.rate_hz,
    )
    samples *= _PEAK / max(float(np.abs(samples).max()), 1e-9)
    notes = Notes.of((note.start_s, note.end_s, note.pitch, note.velocity / 127, 1.0) for note in part.notes)
    track = part_track(TranscribedPart(instrument, notes, 0.0), storable(tempo), index=0)
    write_bytes(join(config.output, f"{stem}.flac"), encode_flac(samples[0], config.rate_hz))
    write_bytes(join(config.output, f"{stem}.mid"), write_tracks([track], storable(tempo)))
    return {
        "audio_path": f"{stem}.flac",
        "midi_path": f"{stem}.mid",
        "instrument": instrument.name,
        "sr": config.rate_hz,
        "program": part.program,
        "soundfont": Path(soundfont).name,
    }
