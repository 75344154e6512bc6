"""Pseudo-labels: confident hits are labels, doubtful ones are masked, and only who asks learns from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from tests.audio.tiny_demucs import save_bag, save_safetensors, tiny_model
from tests.dataset.test_transcriptions import reasons
from tests.export.tiny import noise, write_package

from drumline.audio.separation.protocol import SeparationConfig
from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.hits_json import read_hits_json
from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.rendering.performances.sources import PerformanceRoot, find_performances, read_source
from drumline.transcription.engine import open_engine
from drumline.transcription.pseudo_labels import PseudoLabelConfig, pseudo_label, spans_without
from drumline.transcription.separate import open_separation
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


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_separated_drums_are_transcribed_and_their_rest_kept_beside_them(
    config: PseudoLabelConfig, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    save_safetensors(tiny_model(seed=0), weights, "tiny")
    save_bag(weights, "htdemucs", ["tiny"])
    separation = SeparationConfig(backend="demucs", weights=str(weights), cache=str(tmp_path / "stems"))
    config = config.model_copy(update={"separation": separation, "performances": True, "labels": False})
    pseudo_label(config)
    folder = tmp_path / "out" / "performances"
    (source,) = find_performances([PerformanceRoot(uri=str(folder))])
    assert source.backing == "music-song.backing.flac"
    performance = read_source(source)
    assert isinstance(performance, AnnotatedSong)
    with open_separation(separation).drums_of([(tmp_path / "music" / "song.flac").read_bytes()], ["song.flac"]) as stem:
        drums = stem.read(0, stem.num_samples)
        engine = open_engine(config.model, precision="float32")
        assert len(performance.hits) == pytest.approx(len(engine.detect(stem, lambda _: None).events), rel=0.05)
    rest, mix = (soundfile.read(path)[0] for path in (folder / source.backing, tmp_path / "music" / "song.flac"))
    fitted = np.linalg.lstsq(np.stack([rest, drums], axis=1), mix, rcond=None)[0]
    assert np.abs(mix - np.stack([rest, drums], axis=1) @ fitted).max() < 0.01  # rest + drums is the recording
    assert not (tmp_path / "out" / "songs").exists()
    assert reasons(folder) == {"music-song.mid": "chart_transcribed"}


def test_a_rest_needs_a_separator(config: PseudoLabelConfig) -> None:
    with pytest.raises(ConfigError, match=r"separation\.backend"):
        parse_config(PseudoLabelConfig, {**config.model_dump(), "performances": True}, "test")
