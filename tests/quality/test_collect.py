"""`collect`: strokes are cut where they are, told once, and no session is on both sides of an export."""

import io
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audio.muxing import mux
from tests.quality.files import run, write_lines
from tests.quality.phrases import KIT

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.beatsight import Audio, write_bsm
from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.quality.collect import add, export, extract, importing, stats
from drumline.quality.collect.cutting import CutConfig, DecodedAudio, cut
from drumline.quality.health import check as health
from drumline.rendering.play import render

HITS = tuple(
    Hit(time_s, label, velocity=0.6, source_name=name)
    for time_s, label, name in (
        (0.5, "kick", "kick"), (1.0, "snare_rim", "rimshot"), (1.5, "kick", "kick"), (1.505, "crash", "china"),
        (2.0, "other", "theremin"), (9.0, "kick", "kick"),
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered song with its beatmap: one stroke lies behind the audio's end, one has a name that nobody knows."""
    folder = tmp_path_factory.mktemp("song")
    soundfile.write(folder / "song.wav", render(HITS[:4], kit=KIT, duration_s=3.0), RATE_HZ)
    about = Audio("song.wav", "0" * 64, 3.0, RATE_HZ)
    written = json.loads(write_bsm(AnnotatedSong("test", HITS, Metadata("T", "A")), audio=about, created_at="2026"))
    for row, hit in zip(written["hitObjects"], HITS, strict=True):
        row["component"] = hit.source_name
    (folder / "song.bsm").write_text(json.dumps(written))
    return folder


def lines_of(collection: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (collection / "events.jsonl").read_text().splitlines()]


@settings(max_examples=50)
@given(st.integers(0, 900), st.integers(0, 60), st.integers(1, 200))
def test_a_cut_is_a_slice_of_the_recording(at: int, pre: int, post: int) -> None:
    samples = np.linspace(0.1, 0.9, 1_000, dtype=np.float32)
    found = cut(DecodedAudio("x", samples, 1_000, ""), at / 1_000, CutConfig(pre_ms=float(pre), post_ms=float(post)))
    assert found is not None
    heard, rate_hz = soundfile.read(io.BytesIO(found), dtype="float32")
    padded = np.concatenate([np.zeros(pre, np.float32), samples])[at : at + pre + post]
    assert rate_hz == 1_000
    np.testing.assert_allclose(heard, padded, atol=1e-4)


def test_one_stroke_added_twice_is_one_sample(song: Path, tmp_path: Path) -> None:
    config = add.AddConfig(
        collection=str(tmp_path / "c"), audio=f"{song}/song.wav", onset_s=0.5, components=("Kick",), velocity=0.6
    )
    first, second = (add.run(config).report.findings for _ in range(2))
    assert (first.added, first.present, second.added, second.present) == ({"kick": 1}, 0, {}, 1)
    (line,) = lines_of(tmp_path / "c")
    assert line["components"] == [{"label": "kick", "velocity": 0.6}]
    assert line["cut_from"]["onset_time"] == 0.5
    clip, rate_hz = soundfile.read(tmp_path / "c" / line["audio_path"])
    # It begins where the onset is said to be: silence before, the stroke behind.
    onset = round(line["onset_time"] * rate_hz)
    assert np.abs(clip[: onset - 8]).max() < 0.01 < np.abs(clip[onset : onset + 400]).max()
    with pytest.raises(DrumlineError, match=r"no sound at 7 s \(the recording lasts 3 s\)"):
        add.run(config.model_copy(update={"onset_s": 7.0}))


def test_a_beatmap_gives_all_its_strokes(song: Path, tmp_path: Path) -> None:
    config = extract.ExtractConfig(collection=str(tmp_path / "c"), beatmap=f"{song}/song.bsm")
    report = extract.run(config).report
    found = report.findings
    assert found.added == {"kick": 2, "china": 1, "rimshot": 1}
    assert (found.rejected, found.unknown_labels, found.samples) == ({"nothing sounds there": 1}, {"theremin": 1}, 3)
    assert [gate.verdict for gate in report.gates] == ["failed", "failed"]
    together = next(line for line in lines_of(tmp_path / "c") if len(line["components"]) == 2)
    assert [part["label"] for part in together["components"]] == ["kick", "china"]
    assert "china+kick" in together["audio_path"]
    assert {line["session_id"] for line in lines_of(tmp_path / "c")} == {"A - T"}
    # What was collected is a manifest like any other.
    told = health.run(health.HealthConfig(events=f"{tmp_path}/c/events.jsonl")).report
    assert (told.verdict, told.findings.events) == ("passed", 3)
    dry = run("collect", "extract", f"collection={tmp_path}/none", f"beatmap={song}/song.bsm", "--dry-run")
    assert (dry.exit_code, (tmp_path / "none").exists()) == (1, False)


def wav(path: Path, level: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(800, level), 8_000)


def test_folders_of_all_shapes_are_imported(song: Path, tmp_path: Path) -> None:
    wav(tmp_path / "shots" / "BD" / "1.wav", 0.1)
    phone = np.full((8_000, 1), 0.3, dtype=np.float32)
    (tmp_path / "shots" / "china").mkdir()
    (tmp_path / "shots" / "china" / "phone.m4a").write_bytes(mux(phone, "m4a", 48_000))
    wav(tmp_path / "shots" / "crash" / "1.wav", 0.2)
    wav(tmp_path / "shots" / "crash" / "2.wav", 0.0)
    wav(tmp_path / "shots" / "gong" / "1.wav", 0.3)
    (tmp_path / "shots" / "crash" / "3.wav").write_bytes(b"no audio")
    wav(tmp_path / "seed" / "hihat_half" / "x.wav", 0.4)
    sample = {
        "id": "x", "component": "hihat_half", "source_audio": "take.wav", "onset_time": 3.5, "window_ms": 100.0,
        "path": "hihat_half\\x.wav",
    }  # fmt: skip
    (tmp_path / "seed" / "metadata.json").write_text(json.dumps({"samples": [sample], "version": "1.0.0"}))
    extract.run(extract.ExtractConfig(collection=str(tmp_path / "ours"), beatmap=f"{song}/song.bsm"))
    config = importing.ImportConfig(
        collection=str(tmp_path / "all"),
        folders=tuple(str(tmp_path / name) for name in ("shots", "seed", "ours")),
        aliases={"bd": "kick"},
    )
    found = importing.run(config).report.findings
    assert found.added == {"crash": 1, "hihat_half": 1, "kick": 3, "china": 2, "rimshot": 1}
    assert found.rejected == {"no audio": 1, "nothing sounds there": 1}
    assert found.unknown_labels == {"gong": 1}
    lines = {line["components"][0]["label"]: line for line in lines_of(tmp_path / "all")}
    assert lines["hihat_half"]["onset_time"] == 0.025
    assert {line["sample_id"] for line in lines_of(tmp_path / "ours")} <= {
        line["sample_id"] for line in lines_of(tmp_path / "all")
    }
    again = importing.run(config).report
    assert (again.findings.added, again.findings.present, len(again.notes)) == ({}, 7, 3)
    with pytest.raises(DrumlineError, match="no folder named by a label"):
        importing.run(config.model_copy(update={"folders": (str(tmp_path / "shots" / "BD"),)}))


@pytest.mark.parametrize(("least", "verdict"), [(2, "passed"), (3, "failed")])
def test_stats(song: Path, tmp_path: Path, least: int, verdict: str) -> None:
    extract.run(extract.ExtractConfig(collection=str(tmp_path), beatmap=f"{song}/song.bsm"))
    config = stats.StatsConfig(collection=str(tmp_path), min_counts={"kick": least})
    report = stats.run(config).report
    assert report.gates[-1].verdict == verdict
    assert (report.findings.samples, report.findings.several_labels, report.findings.num_stray_files) == (3, 1, 0)
    (tmp_path / lines_of(tmp_path)[0]["audio_path"]).unlink()
    wav(tmp_path / "audio" / "kick" / "stray.wav", 0.1)
    found = stats.run(config).report
    assert (found.findings.num_missing_files, found.findings.num_stray_files, found.verdict) == (1, 1, "failed")
    assert run("collect", "stats", f"collection={tmp_path}/nowhere").exit_code == 2


def test_an_export_keeps_sessions_together(tmp_path: Path) -> None:
    rows = []
    for n in range(60):
        path = f"audio/kick/{n}.wav"
        wav(tmp_path / "c" / path, 0.1)
        label = ("kick", "snare")[n % 2]
        rows.append({"sample_id": str(n), "session_id": f"s{n % 20}", "source_set": "x", "audio_path": path,
                     "onset_time": 0, "components": [{"label": label}, {"label": "crash"}][: 1 + n % 2]})  # fmt: skip
    write_lines(tmp_path / "c" / "events.jsonl", [*rows, rows[0] | {"sample_id": "lost", "audio_path": "audio/no.wav"}])
    config = export.ExportCollectionConfig(
        collection=str(tmp_path / "c"), output=str(tmp_path / "out"), validation_share=0.3
    )
    report = export.run(config).report
    out = tmp_path / "out"
    labels = {split: json.loads((out / f"{split}_labels.json").read_text()) for split in export.SPLITS}
    sessions = {split: {row["session_id"] for row in rows} for split, rows in labels.items()}
    assert sessions["train"].isdisjoint(sessions["val"])
    assert sessions["train"] | sessions["val"] == {f"s{n}" for n in range(20)}
    assert {f"{split}/{row['file']}" for split, own in labels.items() for row in own} == {
        str(path.relative_to(out)) for path in out.rglob("*.wav")
    }
    components = json.loads((out / "components.json").read_text())
    assert components["counts"] == {"crash": 30, "kick": 30, "snare": 30}
    assert all(components["components"][row["component_idx"]] == row["label"] for own in labels.values() for row in own)
    seconds = json.loads((out / "metadata.json").read_text())["split_durations_seconds"]
    assert sum(seconds.values()) == pytest.approx(60 * 0.1)
    assert (report.findings.missing_files, report.verdict) == (1, "failed")
    # More sessions move no other.
    write_lines(tmp_path / "c" / "events.jsonl", [row for row in rows if row["session_id"] != "s3"])
    fewer = export.run(config).report
    assert fewer.verdict == "passed"
    assert {r["session_id"] for r in json.loads((out / "val_labels.json").read_text())} == (sessions["val"] - {"s3"})


def test_a_recording_is_on_one_side_whatever_its_sessions_are_called(tmp_path: Path) -> None:
    rows = []
    for n in range(40):
        wav(tmp_path / "c" / f"audio/kick/{n}.wav", 0.1)
        rows.append(
            {"sample_id": str(n), "session_id": f"s{n}", "source_set": "x", "audio_path": f"audio/kick/{n}.wav",
             "onset_time": 0, "components": [{"label": "kick"}], "cut_from": {"sha256": f"recording {n // 4}"}}
        )  # fmt: skip
    write_lines(tmp_path / "c" / "events.jsonl", rows)
    export.run(
        export.ExportCollectionConfig(
            collection=str(tmp_path / "c"), output=str(tmp_path / "out"), validation_share=0.5
        )
    )
    sides = {
        split: {
            int(row["event_id"]) // 4 for row in json.loads((tmp_path / "out" / f"{split}_labels.json").read_text())
        }
        for split in export.SPLITS
    }
    assert sides["train"]
    assert sides["val"]
    assert sides["train"].isdisjoint(sides["val"])


def test_a_dataset_for_beatsights_training_is_imported_and_read_back(tmp_path: Path, corpus: Path) -> None:
    """BeatSight's own tables; its audio is made by its own generator, so ours stands in."""
    dataset = tmp_path / "dev_dataset"
    shutil.copytree(corpus / "beatsight_real" / "dev_dataset", dataset)
    expected = Counter[str]()
    for number, split in enumerate(("train", "val")):
        for index, row in enumerate(json.loads((dataset / f"{split}_labels.json").read_text())):
            wav(dataset / split / row["file"], 0.1 + 0.001 * (100 * number + index))
            expected[row["label"]] += 1
    config = importing.ImportConfig(
        collection=str(tmp_path / "c"), folders=(str(dataset),), source_set="beatsight", output=str(tmp_path / "report")
    )
    assert importing.run(config).report.findings.added == expected
    exported = export.ExportCollectionConfig(collection=str(tmp_path / "c"), output=str(tmp_path / "out"))
    export.run(exported)
    again = config.model_copy(update={"collection": str(tmp_path / "d"), "folders": (str(tmp_path / "out"),)})
    assert importing.run(again).report.findings.added == expected
