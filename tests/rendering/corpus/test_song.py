"""One rendered song: the labels are what sounds, the stems add up, and the same draw gives the same bytes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.rendering.accompaniment.tiny_soundfont import tiny_soundfont

from drumline.alignment.align import AlignmentConfig, align
from drumline.charts.general_midi import write_performance
from drumline.charts.hits_json import read_hits_json
from drumline.core.errors import Rejected
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.rendering.corpus.config import CorpusConfig, KitConfig
from drumline.rendering.corpus.plan import SongSpec, plan
from drumline.rendering.corpus.song import RenderedSong, render_song, save_song
from drumline.rendering.performances.sources import PerformanceRoot
from drumline.rendering.production import presets


@pytest.fixture(scope="module")
def config() -> CorpusConfig:
    tree = {
        "name": "test",
        "output": "out",
        "kits": [{"uri": "synth#0"}, {"uri": "synth#1", "licence": "CC BY 4.0"}],
        "kit_use": {"mixed": 0.5},
        "hours": 0.05,
        "etudes": 1.0,
        "rate_hz": RATE_HZ,
        "vary": {"duration_s": (15.0, 20.0)},
    }
    return CorpusConfig.model_validate(tree, strict=False)


def rendered(spec: SongSpec, config: CorpusConfig) -> RenderedSong:
    song = render_song(spec, config)
    assert not isinstance(song, Rejected)
    return song


def test_what_is_written_is_read_back_and_adds_up_to_the_mix(config: CorpusConfig, tmp_path: Path) -> None:
    spec = next(spec for spec in plan(config) if spec.has_backing and len(spec.setups) == 2)
    song = rendered(spec, config)
    save_song(song, str(tmp_path), rate_hz=config.rate_hz)
    assert read_hits_json((tmp_path / "hits.json").read_bytes(), "hits.json") == song.song
    assert song.song.licence == "kit CC BY 4.0; kit CC0"
    stems = [soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("drums.flac", "song.flac")]
    assert song.backing is not None
    np.testing.assert_allclose(stems[0] + stems[1], (song.drums + song.backing)[0], atol=2**-14)
    assert np.abs(stems[0] + stems[1]).max() <= 1.0
    assert json.loads((tmp_path / "made.json").read_text())["labels"].keys() == {hit.label for hit in song.song.hits}


def test_the_same_draw_gives_the_same_samples(config: CorpusConfig) -> None:
    spec = plan(config)[0]
    np.testing.assert_array_equal(rendered(spec, config).drums, rendered(spec, config).drums)
    other = rendered(replace(spec, seed=spec.seed + 1), config)
    assert other.drums.shape != rendered(spec, config).drums.shape or other.song != rendered(spec, config).song


@pytest.mark.parametrize("kits", [("synth#0", "synth#1"), ("modal#0", "synth#1")])
def test_labels_lie_where_the_strokes_are_heard(config: CorpusConfig, kits: tuple[str, str]) -> None:
    """Dry songs, on kits as they are and altered, heard by the aligner, which knows nothing of how they were made."""
    played = tuple(KitConfig(uri=uri) for uri in kits)
    dry = config.model_copy(update={"production": presets.OFF, "kits": played})
    for spec in (*plan(dry)[:2], replace(plan(dry)[2], altered=True)):
        song = rendered(spec, dry)
        found = align(song.drums[0], song.song.hits, prior_offset_s=0.0, config=AlignmentConfig())
        assert not isinstance(found, Rejected)
        assert abs(found.offset_s) < 0.001


def test_a_percussionist_is_in_the_stem_and_labelled_as_no_drum(config: CorpusConfig, tmp_path: Path) -> None:
    pytest.importorskip("tinysoundfont", reason="tinysoundfont is not installed")
    (tmp_path / "tiny.sf2").write_bytes(tiny_soundfont((0,), drums=True))
    heard = {"percussion": {"probability": 1.0}, "accompaniment": {"soundfonts": [str(tmp_path / "tiny.sf2")]}}
    with_one = CorpusConfig.model_validate({**config.model_dump(), **heard}, strict=False)
    alone, together = (rendered(plan(config)[0], each) for each in (config, with_one))
    assert together.made["percussion"]
    places = {(hit.time_s, hit.label) for hit in alone.song.hits}
    assert {hit.label for hit in together.song.hits if (hit.time_s, hit.label) not in places} == {"other"}
    assert not np.array_equal(alone.drums, together.drums)


def test_a_performance_with_a_recording_of_its_own_stays_in_time_with_it(config: CorpusConfig, tmp_path: Path) -> None:
    """Clicks at the performance's hits, cut and stretched, still fall on the labels."""
    random = np.random.default_rng(0)
    times_s = np.cumsum(random.uniform(0.3, 0.7, 120))
    hits = [Hit(float(time_s), "snare_head", velocity=0.8) for time_s in times_s]
    clicks = np.zeros(round((times_s[-1] + 1) * RATE_HZ), dtype=np.float32)
    clicks[np.round(times_s * RATE_HZ).astype(int)] = 0.9
    (tmp_path / "song.mid").write_bytes(write_performance(hits))
    soundfile.write(tmp_path / "song.backing.flac", clicks, RATE_HZ)
    still = {"jitter_s": (0.0, 0.0), "lag_s": 0.0, "left_out": 0.0, "rests": 0.0, "revoiced": 0.0}
    played = config.model_copy(
        update={
            "performances": (PerformanceRoot(uri=str(tmp_path)),),
            "etudes": 0.0,
            "vary": config.vary.model_copy(update={**still, "stretch": (0.8, 1.25)}),
            "production": presets.OFF,
        }
    )
    for spec in plan(played)[:3]:
        song = rendered(spec, played)
        assert song.backing is not None
        found = np.flatnonzero(song.backing[0] > 0.5 * song.backing.max()) / RATE_HZ
        labels_s = np.array([hit.time_s for hit in song.song.hits])
        assert 20 < len(labels_s) < len(times_s)
        assert all(np.abs(found - time_s).min() < 0.002 for time_s in labels_s)
        assert song.made["backing"].startswith("own: song.backing.flac")
