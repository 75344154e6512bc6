"""A percussionist: what is labelled is what sounds, and it is no drum."""

from pathlib import Path

import numpy as np
import pytest
from tests.rendering.accompaniment.tiny_soundfont import tiny_soundfont

from drumline.charts.song import AnnotatedSong
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.percussion import Percussion, percussion

RATE_HZ = 22_050


@pytest.fixture(scope="module")
def soundfont(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("tinysoundfont", reason="tinysoundfont is not installed")
    path: Path = tmp_path_factory.mktemp("fonts") / "tiny.sf2"
    path.write_bytes(tiny_soundfont((0,), drums=True))
    return str(path)


def played(soundfont: str, seed: int) -> Percussion:
    song = AnnotatedSong(format="test", hits=(), tempo=TempoMap(480))
    return percussion(
        song,
        soundfont=soundfont,
        duration_s=12.0,
        rate_hz=RATE_HZ,
        channels=1,
        max_synthesis_rate_hz=RATE_HZ,
        seed=seed,
    )


@pytest.mark.parametrize("seed", range(4))
def test_it_sounds_where_its_labels_are_and_nowhere_before(soundfont: str, seed: int) -> None:
    found = played(soundfont, seed)
    assert found.samples.shape == (1, 12 * RATE_HZ)
    assert {hit.label for hit in found.hits} <= {"other"}
    assert {hit.source_name for hit in found.hits} <= set(found.told.split(" and "))
    sounding = np.abs(found.samples[0]) > 0
    starts = [round(hit.time_s * RATE_HZ) for hit in found.hits]
    assert all(sounding[start : start + 200].any() for start in starts if start + 200 < len(sounding))
    assert not sounding[: min(starts, default=len(sounding))].any()
    again = played(soundfont, seed)
    assert again.hits == found.hits
    np.testing.assert_array_equal(again.samples, found.samples)
