"""What becomes of a song whose audio is out of the ordinary, without Ray."""

from pathlib import Path

import numpy as np
import pytest
from tests.audio.encoding import encode, hits
from tests.audio.muxing import mux

from drumline.core.config import parse_config
from drumline.core.errors import Rejected
from drumline.dataset.config import BuildConfig
from drumline.dataset.find import find_songs
from drumline.dataset.song import build_song

BEATS = 40
RATE = 44_100
EVENTS = "\n".join(f"  {192 * beat} = N {beat % 2} 0" for beat in range(2, BEATS))
CHART = (
    "[Song]\n{\n  Resolution = 192\n}\n[SyncTrack]\n{\n  0 = TS 4\n  0 = B 120000\n}\n"
    f"[ExpertDrums]\n{{\n{EVENTS}\n}}\n"
)


def built(folder: Path, name: str, audio: bytes) -> object:
    """The product of a song folder with one audio file."""
    folder.mkdir()
    (folder / "notes.chart").write_text(CHART)
    (folder / name).write_bytes(audio)
    tree = {"name": "test", "roots": [{"uri": str(folder)}], "output": str(folder / "out")}
    config = parse_config(BuildConfig, tree, "test")
    (source,) = find_songs(config.roots)
    return build_song(source, config, lambda files: None)


@pytest.fixture(scope="module")
def drums() -> np.ndarray:
    return hits(BEATS / 2 + 1, RATE, [beat / 2 for beat in range(2, BEATS)])[:, np.newaxis]


def test_audio_that_games_do_not_play_is_read(drums: np.ndarray, tmp_path: Path) -> None:
    rows = [
        built(tmp_path / kind, f"drums.{kind}", mux(drums, kind, RATE)).to_pylist()[0]  # type: ignore[attr-defined]
        for kind in ("m4a", "flac")
    ]
    assert [row["num_hits"] for row in rows] == [BEATS - 2] * 2
    assert rows[0]["measured_offset_s"] == pytest.approx(rows[1]["measured_offset_s"], abs=0.003)


def test_channels_that_cancel_are_told_in_the_row(drums: np.ndarray, tmp_path: Path) -> None:
    inverted = np.concatenate([drums, -drums], axis=1)
    (row,) = built(tmp_path / "song", "drums.flac", encode(inverted, "flac", RATE)).to_pylist()  # type: ignore[attr-defined]
    assert row["repairs"] == ["drums.flac: the channels cancel in their mean (difference is used)"]
    assert row["num_hits"] == BEATS - 2


@pytest.mark.parametrize("codec", ["ogg", "mp3"])
def test_a_cut_song_is_no_training_data(codec: str, drums: np.ndarray, tmp_path: Path) -> None:
    data = encode(drums, codec, RATE)
    found = built(tmp_path / "song", f"drums.{codec}", data[: len(data) * 3 // 4])
    assert isinstance(found, Rejected)
    assert (found.reason, found.detail.partition(":")[0]) == ("audio_truncated", f"drums.{codec}")
