"""A percussionist: what is labelled is what sounds, and it is no drum."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from tests.rendering.accompaniment.tiny_soundfont import tiny_soundfont

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.modal_percussion import play_modal
from drumline.rendering.accompaniment.percussion import INSTRUMENTS, Percussion, PercussionConfig, percussion
from drumline.rendering.accompaniment.score import Note

RATE_HZ = 22_050


@pytest.fixture(scope="module")
def soundfont(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("tinysoundfont", reason="tinysoundfont is not installed")
    path: Path = tmp_path_factory.mktemp("fonts") / "tiny.sf2"
    path.write_bytes(tiny_soundfont((0,), drums=True))
    return str(path)


def played(soundfont: str | None, seed: int, *instruments: str) -> Percussion:
    song = AnnotatedSong(format="test", hits=(), tempo=TempoMap(480))
    return percussion(
        song,
        instruments=instruments,
        soundfont=soundfont,
        duration_s=12.0,
        rate_hz=RATE_HZ,
        channels=1,
        max_synthesis_rate_hz=RATE_HZ,
        seed=seed,
    )


@pytest.mark.parametrize("is_drawn", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_it_sounds_where_its_labels_are_and_nowhere_before(
    request: pytest.FixtureRequest, seed: int, *, is_drawn: bool
) -> None:
    soundfont = None if is_drawn else request.getfixturevalue("soundfont")
    found = played(soundfont, seed)
    assert found.samples.shape == (1, 12 * RATE_HZ)
    assert {hit.label for hit in found.hits} <= {"other"}
    assert {hit.source_name for hit in found.hits} <= set(found.description.split(" and "))
    sounding = np.abs(found.samples[0]) > 0
    starts = [round(hit.time_s * RATE_HZ) for hit in found.hits]
    assert all(sounding[start : start + 200].any() for start in starts if start + 200 < len(sounding))
    assert not sounding[: min(starts, default=len(sounding))].any()
    again = played(soundfont, seed)
    assert again.hits == found.hits
    np.testing.assert_array_equal(again.samples, found.samples)


def test_only_instruments_that_are_named_play() -> None:
    assert {played(None, seed, "tambourine").description for seed in range(8)} == {"tambourine"}
    pairs = {played(None, seed, "tambourine", "shaker").description for seed in range(20)}
    assert pairs == {"tambourine", "shaker", "tambourine and shaker", "shaker and tambourine"}
    with pytest.raises(ValidationError, match=r"no such instrument: gong; there are tambourine, shaker"):
        PercussionConfig(instruments=("shaker", "gong"))


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_drawn_instrument_is_its_seed_and_its_strokes_differ(name: str) -> None:
    keys = INSTRUMENTS[name][0]
    notes = [Note(0.5 * number, 0.5 * number + 0.2, key, 100) for key in keys for number in (0, 1)]

    def sounds(seed: int, which: slice = slice(None)) -> NDArray[np.float32]:
        settings: dict[str, Any] = {"pan": 0.0, "duration_s": 1.0, "rate_hz": RATE_HZ, "channels": 1, "seed": seed}
        return play_modal(name, notes[which], **settings)[0]

    own = sounds(1)
    assert np.isfinite(own).all()
    np.testing.assert_array_equal(own, sounds(1))
    assert not np.allclose(own, sounds(2), atol=0.01)
    first, second = own[: RATE_HZ // 5], own[RATE_HZ // 2 :][: RATE_HZ // 5]
    assert not np.allclose(first, second, atol=1e-3)
    # Struck instruments are heard at once; shaken ones swell.
    until_s = 0.1 if name in {"shaker", "maracas", "cabasa"} else 0.005
    envelope = np.abs(sounds(1, slice(0, 1)))
    assert np.argmax(envelope > 0.1 * envelope.max()) < until_s * RATE_HZ
