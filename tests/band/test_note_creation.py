"""Notes of melodies and chords whose notes are known."""

from collections.abc import Sequence

import numpy as np
import pytest

from drumline.audio.recording import Recording
from drumline.band.instruments import INSTRUMENTS
from drumline.band.note_creation import NoteConfig, create_notes, monophonic, pitch_bend, without_harmonics
from drumline.band.part import transcribe_part
from drumline.band.pitch_network import HOP_S, PitchActivations, PitchNetwork
from drumline.core.grid import RATE_HZ
from drumline.core.notes import Notes
from drumline.metrics.notes import note_scores
from drumline.metrics.scores import scores


def string(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
    """A plucked string: eight harmonics that decay."""
    times_s = np.arange(round((duration_s + 0.1) * RATE_HZ)) / RATE_HZ
    tone = sum(
        np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * number * times_s) * np.exp(-number * times_s) / number
        for number in range(1, 9)
    )
    return np.asarray(velocity * tone * np.clip((duration_s + 0.05 - times_s) / 0.05, 0, 1))


def played(notes: Notes) -> Recording:
    samples = np.zeros(round((notes.end_s.max() + 1) * RATE_HZ), dtype=np.float32)
    for start_s, end_s, pitch, velocity in zip(notes.start_s, notes.end_s, notes.pitch, notes.velocity, strict=True):
        sound = string(pitch, end_s - start_s, velocity)
        start = round(start_s * RATE_HZ)
        samples[start : start + len(sound)] += sound
    return Recording([samples / np.abs(samples).max()])


def melody(pitches: Sequence[int], *, voices: int, seed: int) -> Notes:
    random = np.random.default_rng(seed)
    rows, start_s = [], 0.3
    for _ in range(40):
        duration_s = float(random.choice([0.25, 0.375, 0.5]))
        for pitch in random.choice(pitches, voices, replace=False):
            rows.append((start_s, start_s + 0.95 * duration_s, int(pitch), float(random.uniform(0.4, 1.0)), 1.0))
        start_s += duration_s
    return Notes.of(rows)


@pytest.fixture(scope="module")
def network() -> PitchNetwork:
    return PitchNetwork()


@pytest.mark.parametrize(
    ("name", "pitches", "voices", "least_f"), [("bass", (28, 48), 1, 0.9), ("guitar", (45, 76), 3, 0.8)]
)
def test_known_notes_are_found(
    network: PitchNetwork, name: str, pitches: tuple[int, int], voices: int, least_f: float
) -> None:
    notes = melody(range(*pitches), voices=voices, seed=1)
    with played(notes) as recording:
        part = transcribe_part(recording, INSTRUMENTS[name], network, config=NoteConfig(), level_db=0.0)
    found = note_scores(notes, part.notes)
    assert float(scores(found.onset).f) > least_f
    assert found.timing_s < 0.02


def test_overtones_are_no_notes(network: PitchNetwork) -> None:
    notes = melody(range(48, 60), voices=1, seed=2)
    with played(notes) as recording:
        activations = network.activations(recording)
    raw = create_notes(activations, NoteConfig())
    precision = [
        float(scores(note_scores(notes, each).onset).precision)
        for each in (raw, without_harmonics(raw, NoteConfig().harmonic_ratio), monophonic(raw, activations))
    ]
    assert precision[0] <= precision[1] <= precision[2]
    assert precision[2] > 0.95


def test_a_melody_has_one_note_at_a_time() -> None:
    note = np.zeros((200, 88), np.float32)
    note[10:100, 40], note[60:160, 43], note[60:70, 55] = 0.9, 0.8, 0.5
    activations = PitchActivations(np.zeros_like(note), note, np.zeros((200, 264), np.float32))
    rows = [(10, 100, 61), (60, 160, 64), (60, 70, 76)]
    found = monophonic(Notes.of((a * HOP_S, b * HOP_S, pitch, 0.8, 0.8) for a, b, pitch in rows), activations)
    assert found.pitch.tolist() == [61, 64]
    assert found.end_s[0] == found.start_s[1]
    assert len(monophonic(Notes.of([]), activations)) == 0


def test_a_bend_follows_the_pitch(network: PitchNetwork) -> None:
    times_s = np.arange(2 * RATE_HZ) / RATE_HZ
    semitones = 60 + 0.8 * np.clip(times_s - 0.5, 0, 1)
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((semitones - 69) / 12)) / RATE_HZ
    sound = sum(np.sin(number * phase) / number for number in range(1, 6))
    with Recording([(0.1 * sound).astype(np.float32)]) as recording:
        bend = pitch_bend(network.activations(recording), 0.2, 1.8, 60)
    assert bend[:20].mean() == pytest.approx(0.0, abs=0.15)
    assert bend[-20:].mean() == pytest.approx(0.8, abs=0.25)


def test_a_recording_of_any_length_has_a_frame_every_hop(network: PitchNetwork) -> None:
    for num_samples in (1, 256, 43_844, 100_000):
        with Recording([np.zeros(num_samples, np.float32)]) as recording:
            activations = network.activations(recording)
        assert activations.note.shape == (1 + num_samples // 256, 88)
        assert len(create_notes(activations, NoteConfig())) == 0
