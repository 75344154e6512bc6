"""The transcriber without a model: what a simple beat must give, what nothing may give, and its marks on recordings."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from drumline.audio.decode import AudioConfig, decode
from drumline.charts.mdb import CLASS_WORDS
from drumline.core.grid import RATE_HZ
from drumline.core.hit_arrays import Events
from drumline.core.hits import Hit
from drumline.core.vocabularies import LABEL_NAMES
from drumline.metrics.scores import micro
from drumline.metrics.tally import columns_of, tally
from drumline.rendering.play import render
from drumline.rendering.synth_kit import synth_kit
from drumline.transcription import heuristic


def f5(reference: Events, estimate: Events) -> float:
    """Micro F over five classes at 50 ms."""
    return float(micro(tally(reference, estimate, windows_s=(0.05,))[0, columns_of("5")]).f)


def beat(num_beats: int = 24) -> list[Hit]:
    hits = []
    for index in range(num_beats):
        hits.append(Hit(0.5 + 0.5 * index, "kick" if index % 2 == 0 else "snare_head", 0.8))
        hits += [Hit(0.75 + 0.5 * index, "hihat_closed", 0.6)]
    return hits


def rendered(hits: list[Hit], duration_s: float) -> NDArray[np.float32]:
    samples = render(hits, kit=synth_kit(1, rate_hz=RATE_HZ), duration_s=duration_s, seed=0)
    return np.ascontiguousarray(samples, dtype=np.float32)


def test_a_plain_beat_is_heard() -> None:
    hits = beat()
    found = heuristic.transcribe(rendered(hits, 13.0))
    assert f5(Events.of([hit.time_s for hit in hits], [hit.label for hit in hits]), found) > 0.75
    assert {LABEL_NAMES[number] for number in found.label} >= {"kick", "snare", "hihat"}
    assert ((found.velocity > 0) & (found.velocity <= 1)).all()
    assert ((found.confidence >= 0.5) & (found.confidence < 1)).all()


def test_gain_changes_little() -> None:
    samples = rendered(beat(), 13.0)
    loud, soft = heuristic.transcribe(samples), heuristic.transcribe(samples * np.float32(0.25))
    assert f5(loud, soft) > 0.9


@pytest.mark.parametrize("num_samples", [0, 1, 200, RATE_HZ])
def test_silence_has_no_hits(num_samples: int) -> None:
    assert len(heuristic.transcribe(np.zeros(num_samples, np.float32))) == 0


def test_two_onsets_keep_their_distance() -> None:
    envelope = np.zeros((3, 400), np.float32)
    envelope[0, 100], envelope[1, 103], envelope[2, 200] = 20, 30, 20
    np.testing.assert_allclose(heuristic.onsets(envelope) * RATE_HZ / 128, [103, 200])


@pytest.mark.parametrize(("kind", "least"), [("drums", 0.63), ("rebuilt", 0.52)])
def test_recordings_are_transcribed_as_well_as_documented(corpus: Path, kind: str, least: float) -> None:
    counts = np.zeros((5, 3), np.int64)
    for path in sorted((corpus / "mdb").glob(f"*.{kind}.flac")):
        audio = decode(path.read_bytes(), name=path.name, config=AudioConfig())
        lines = path.with_name(path.name.replace(f".{kind}.flac", "_class.txt")).read_text().splitlines()
        rows = [line.split() for line in lines if line.strip()]
        reference = Events.of([float(time_s) for time_s, _ in rows], [CLASS_WORDS[word] for _, word in rows])
        found = heuristic.transcribe(audio.samples)
        counts += tally(reference, found, windows_s=(0.05,))[0, columns_of("5")]
    assert float(micro(counts).f) > least
