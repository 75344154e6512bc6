"""Evaluation of pitched transcription on pairs of recordings and MIDI files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import Field
from tqdm import tqdm

from drumline.band.instruments import INSTRUMENTS, instrument_of_program
from drumline.band.midi import read_notes
from drumline.band.note_creation import NoteConfig
from drumline.band.part import transcribe_part
from drumline.band.pitch_network import PitchNetwork
from drumline.core.config import Config, parse_config
from drumline.core.errors import ConfigError
from drumline.metrics.notes import NoteScores, note_scores
from drumline.metrics.scores import scores
from drumline.transcription.sources import open_mix

ALL: Final = "all"


class NotePair(Config):
    """A recording of one instrument and its notes."""

    audio_path: str
    """Audio file, relative to the list."""
    midi_path: str
    """MIDI file with its notes, relative to the list."""
    instrument: str = ""
    """One of `band.instruments.INSTRUMENTS`; if empty, by ``program``."""
    sr: int = 0
    """Sample rate of the audio; for information."""
    program: int = Field(default=0, ge=0, le=127)
    """General MIDI program."""
    soundfont: str = ""
    """SoundFont of rendered audio; for information."""


@dataclass(frozen=True)
class InstrumentScores:
    """Scores of one instrument over all its recordings, F-measures from summed counts."""

    recordings: int
    notes: int
    """Number of notes in the reference."""
    onset_precision: float
    onset_recall: float
    onset_f: float
    onset_offset_f: float
    frame_f: float
    pitch_accuracy: float
    """Mean over recordings."""
    timing_ms: float
    """Mean absolute deviation of onsets over recordings [ms]."""


def evaluate_notes(pairs: Path, *, config: NoteConfig | None = None, threads: int = 2) -> dict[str, InstrumentScores]:
    """Transcribe every recording of a list and score its notes, by instrument and over all.

    Parameters
    ----------
    pairs
        JSON lines with the keys of `NotePair`.
    config
        Thresholds of note creation; defaults if None.
    threads
        Compute threads.

    Raises
    ------
    ConfigError
        If a line is wrong or names an unknown instrument.
    """
    network = PitchNetwork(threads=threads)
    found: dict[str, list[NoteScores]] = {}
    for pair in tqdm(read_pairs(pairs), desc="transcribing", unit="recording", mininterval=1.0):
        instrument = INSTRUMENTS.get(pair.instrument) or instrument_of_program(pair.program)
        with open_mix([pairs.parent / pair.audio_path]) as audio:
            part = transcribe_part(audio, instrument, network, config=config or NoteConfig(), level_db=0.0)
        reference = read_notes((pairs.parent / pair.midi_path).read_bytes(), pair.midi_path)
        for name in (instrument.name, ALL):
            found.setdefault(name, []).append(note_scores(reference, part.notes))
    return {name: _summed(found[name]) for name in sorted(found, key=lambda name: (name == ALL, name))}


def read_pairs(path: Path) -> list[NotePair]:
    """Lines of a list of pairs. Raises ConfigError with the line's number."""
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            tree = json.loads(line)
        except json.JSONDecodeError as error:
            raise ConfigError(f"{path}, line {number}: not JSON ({error})") from error
        pair = parse_config(NotePair, tree, f"{path}, line {number}")
        if pair.instrument and pair.instrument not in INSTRUMENTS:
            raise ConfigError(
                f"{path}, line {number}: instrument {pair.instrument!r} is not one of {', '.join(INSTRUMENTS)}"
            )
        pairs.append(pair)
    return pairs


def table(results: dict[str, InstrumentScores]) -> str:
    """Results as a Markdown table, in %."""
    head = (
        "| instrument | recordings | notes | onset P | onset R | onset F | with offset F | frame F | pitch | timing |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    )
    rows = []
    for name, each in results.items():
        shares = (each.onset_precision, each.onset_recall, each.onset_f, each.onset_offset_f, each.frame_f)
        cells = " | ".join(f"{100 * share:.1f}" for share in (*shares, each.pitch_accuracy))
        rows.append(f"| {name} | {each.recordings} | {each.notes} | {cells} | {each.timing_ms:.1f} ms |\n")
    return head + "".join(rows)


def _summed(results: Sequence[NoteScores]) -> InstrumentScores:
    onset, onset_offset, frame = (
        scores(np.sum([getattr(each, name) for each in results], axis=0)) for name in ("onset", "onset_offset", "frame")
    )
    return InstrumentScores(
        recordings=len(results),
        notes=int(sum(each.onset[0] + each.onset[2] for each in results)),
        onset_precision=float(onset.precision),
        onset_recall=float(onset.recall),
        onset_f=float(onset.f),
        onset_offset_f=float(onset_offset.f),
        frame_f=float(frame.f),
        pitch_accuracy=_mean([each.pitch_accuracy for each in results]),
        timing_ms=1000 * _mean([each.timing_s for each in results]),
    )


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
