"""Pseudo-labels: confident hits are labels, doubtful ones are masked, and only who asks learns from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from tests.dataset.test_transcriptions import reasons
from tests.export.tiny import noise, write_package

from drumline.charts.hits_json import read_hits_json
from drumline.core.config import parse_config
from drumline.transcription.engine import open_engine
from drumline.transcription.pseudo_labels import PseudoLabelConfig, pseudo_label, spans_without
from drumline.transcription.transcribe import hits_of


@pytest.fixture
def config(tmp_path: Path) -> PseudoLabelConfig:
    for name, seed in (("song", 0), ("guitar", 1)):
        (tmp_path / "music").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "music" / f"{name}.flac", noise(6.0, seed), 22_050)
    package = write_package(tmp_path / "tiny-1", "float32")
    tree = {
        "songs": [{"teacher": str(tmp_path / "music" / "song.flac"), "student": ["guitar.flac"]}],
        "output": str(tmp_path / "out"),
        "model": str(package),
    }
    return parse_config(PseudoLabelConfig, tree, "test")


def test_labels_come_from_the_teacher_and_audio_from_all_files(config: PseudoLabelConfig, tmp_path: Path) -> None:
    pseudo_label(config)
    folder = tmp_path / "out" / "songs" / "music-song"
    hits = read_hits_json((folder / "hits.json").read_bytes(), "hits.json").hits
    engine = open_engine(config.model, precision="float32")
    stricter = engine.decoding.model_copy(update={"threshold_log_odds": config.confident_log_odds})
    plain, _ = hits_of([tmp_path / "music" / "song.flac"], detector=replace(engine, decoding=stricter))
    certain = [hit for hit in hits if "faint" not in hit.flags]
    assert 0 < len(certain) < len(hits)
    assert {round(hit.time_s, 6) for hit in certain} >= set(np.round(plain.time_s, 6).tolist())
    assert all(hit.evidence == "transcription" for hit in hits)
    together, _ = soundfile.read(folder / "song.flac")
    alone, _ = soundfile.read(tmp_path / "music" / "song.flac")
    assert len(together) == len(alone)
    assert abs(np.corrcoef(together, alone)[0, 1]) < 0.9


def test_a_build_learns_from_them_only_when_asked(config: PseudoLabelConfig, tmp_path: Path) -> None:
    pseudo_label(config)
    assert reasons(tmp_path / "out" / "songs") == {"music-song/hits.json": "chart_transcribed"}


@given(st.lists(st.floats(0, 100)), st.floats(1, 20))
def test_spans_without_hits_hold_none(times: list[float], shortest_s: float) -> None:
    times_s = np.sort(np.array(times))
    for start, end in spans_without(times_s, 100.0, shortest_s=shortest_s):
        assert end - start >= shortest_s
        assert not ((times_s > start - 0.29) & (times_s < end + 0.29)).any()
