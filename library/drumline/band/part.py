"""Part of one instrument: its notes as they were found in one stem."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.audio.recording import Recording
from drumline.band.instruments import Instrument
from drumline.band.note_creation import NoteConfig, create_notes, monophonic, pitch_bend, without_harmonics
from drumline.band.pitch_network import HOP_S, OnProgress, PitchNetwork
from drumline.core.grid import RATE_HZ
from drumline.core.notes import Notes

_ATTACK_S: Final = 0.08
"""Duration over which the level of a note is measured [s]."""
_RANGE_DB: Final = 40.0
"""Levels so far below the loudest note have no velocity left [dB]."""
_LEAST: Final = 0.1


@dataclass(frozen=True, eq=False)
class TranscribedPart:
    """Notes of one instrument."""

    instrument: Instrument
    notes: Notes
    level_db: float
    """Energy of its stem over that of the mix [dB]."""
    bends: Sequence[NDArray[np.float64]] = ()
    """Deviation from the pitch of each note at its frames, in semitones; empty without bends."""
    frame_s: float = HOP_S
    """Time between two values of a bend [s]."""

    @property
    def confidence(self) -> float:
        """Mean confidence of the notes, 0 to 1."""
        return float(self.notes.confidence.mean()) if len(self.notes) else 0.0


def transcribe_part(
    recording: Recording,
    instrument: Instrument,
    network: PitchNetwork,
    *,
    config: NoteConfig,
    level_db: float,
    bends: bool = False,
    on_progress: OnProgress = lambda seconds: None,
) -> TranscribedPart:
    """Transcribe the stem of one instrument.

    Parameters
    ----------
    recording
        The stem.
    instrument
        What it holds.
    network
        The loaded pitch network.
    config
        Thresholds of note creation.
    level_db
        Energy of the stem over that of the mix [dB].
    bends
        Whether to follow the pitch within notes, if the instrument plays one at a time.
    on_progress
        Called with seconds of audio.
    """
    activations = network.activations(recording, on_progress)
    notes = create_notes(activations, config, pitches=instrument.pitches)
    if instrument.is_monophonic:
        notes = monophonic(notes, activations)
    else:
        notes = without_harmonics(notes, config.harmonic_ratio)
    bent = [
        pitch_bend(activations, start_s, end_s, pitch)
        for start_s, end_s, pitch in zip(notes.start_s, notes.end_s, notes.pitch, strict=True)
        if bends and instrument.is_monophonic
    ]
    velocity = velocities(recording, notes.start_s)
    return TranscribedPart(
        instrument, Notes(notes.start_s, notes.end_s, notes.pitch, velocity, notes.confidence), level_db, bent
    )


def velocities(recording: Recording, start_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Velocities [N], 0 to 1, by the level of a recording after each onset, relative to the loudest."""
    rms = np.array([_rms(recording, round(start * RATE_HZ)) for start in start_s])
    if not rms.size:
        return rms
    level_db = 20 * np.log10(np.maximum(rms, 1e-9) / max(float(rms.max()), 1e-9))
    return np.asarray(np.clip(1.0 + level_db / _RANGE_DB, _LEAST, 1.0), dtype=np.float64)


def _rms(recording: Recording, start: int) -> float:
    samples = recording.read(start, start + round(_ATTACK_S * RATE_HZ))
    return float(np.sqrt(np.mean(np.square(samples)))) if samples.size else 0.0
