"""`make boundary-pack` and `check boundaries`: every window that holds an onset near an edge, and what is heard."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import recall_score
from tests.quality.files import run, write_dataset, write_lines

from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.core.vocabularies import LABEL_NAMES
from drumline.decoding.cache import CacheConfig
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import decode
from drumline.evaluation.checkpoint import open_model
from drumline.evaluation.recordings import dataset_recordings
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.quality.boundaries import pack
from drumline.quality.boundaries.check import run as check
from drumline.quality.boundaries.config import BoundariesConfig, CheckpointConfig
from drumline.quality.boundaries.findings import BoundaryFindings
from drumline.quality.boundaries.pack import BoundaryPackConfig, WindowConfig, near_edges
from drumline.rendering.play import render
from drumline.rendering.synth_kit import synth_kit

DRAWS = BootstrapConfig(num_draws=100)
LABELS = ("kick", "snare", "crash")
quarters = st.integers(0, 40_000).map(lambda n: n / 4)


@given(quarters, st.sampled_from([(2048, 512, 40), (1000, 300, 100), (512, 512, 10), (700, 33, 350)]))
def test_every_window_is_looked_at(onset_ms: float, sizes: tuple[int, int, int]) -> None:
    window_ms, hop_ms, margin_ms = sizes
    twin = []
    for index in range(2_000):  # slow and obvious
        start, end = index * hop_ms, index * hop_ms + window_ms
        if start <= onset_ms < end:
            if onset_ms - start <= margin_ms:
                twin.append((index, "leading", onset_ms - start))
            if end - onset_ms <= margin_ms:
                twin.append((index, "trailing", end - onset_ms))
    windows = WindowConfig(window_ms=window_ms, hop_ms=hop_ms, margin_ms=margin_ms)
    assert [tuple(location) for location in near_edges(onset_ms, windows)] == sorted(twin)


def test_what_leads_in_one_window_trails_in_another() -> None:
    assert [(p.window_index, p.edge) for p in near_edges(2053, WindowConfig())] == [(4, "leading")]
    assert [(p.window_index, p.edge) for p in near_edges(2043, WindowConfig())] == [(0, "trailing")]
    assert [(p.window_index, p.edge) for p in near_edges(5, WindowConfig())] == [(0, "leading")]


def test_a_pack_from_events_and_from_a_dataset(tmp_path: Path) -> None:
    times_s = [0.01, 1.0, 2.04]
    lines = [
        {"audio_path": "a.wav", "session_id": "s", "onset_time": t, "components": [{"label": label}]}
        for t in times_s
        for label in ("Kick", "Crash")
    ]
    lines.append({"audio_path": "a.wav", "onset_time": 2.05, "label": "snare", "negative_example": True})
    rows = [
        {"song_id": "1", "domain": "mix", "split": split, "time_s": t, "label": label}
        for split in ("test", "train")
        for t in times_s
        for label in ("crash", "kick")
    ]
    for events, more in (
        (write_lines(tmp_path / "events.jsonl", lines), {}),
        (write_dataset(tmp_path / "set", [{"song_id": "1"}], rows), {"splits": ("test",)}),
    ):
        made = pack.run(BoundaryPackConfig(events=events, output=str(tmp_path / "pack"), **more)).report
        assert (made.findings.onsets, made.findings.samples) == (3, {"leading": 1, "trailing": 1})
        assert (made.verdict, made.findings.labels["kick"]) == ("passed", {"leading": 1, "trailing": 1})
        written = [json.loads(line) for line in (tmp_path / "pack" / "labels.jsonl").read_text().splitlines()]
        assert [(w["labels"], w["edge"], w["window_index"], w["distance_ms"]) for w in written] == [
            (["crash", "kick"], "leading", 0, 10.0),
            (["crash", "kick"], "trailing", 0, 8.0),
        ]
        assert len({w["sample_id"] for w in written}) == 2
    with pytest.raises(DrumlineError, match=r"none of 0 onsets is within 40 ms of an edge \(splits validation\)"):
        pack.run(BoundaryPackConfig(events=events, output=str(tmp_path / "none"), splits=("validation",)))
    assert run("make", "boundary-pack", f"events={tmp_path}", "output=x").exit_code == 2


def found(folder: Path, truth: list[dict], told: list[dict], **more: object) -> BoundaryFindings:
    config = BoundariesConfig(
        labels=write_lines(folder / "labels.jsonl", truth),
        predictions=write_lines(folder / "told.jsonl", told),
        draws=DRAWS,
        **more,
    )
    return check(config).report.findings


sample = st.tuples(
    st.frozensets(st.sampled_from(LABELS), min_size=1), st.frozensets(st.sampled_from(LABELS)),
    st.sampled_from(["leading", "trailing"]), st.integers(1, 3), st.integers(0, 40),
)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(sample, min_size=1, max_size=15))
def test_recall_is_scikit_learns(tmp_path_factory: pytest.TempPathFactory, samples: list) -> None:
    truth = [
        {"sample_id": str(n), "labels": sorted(true), "edge": edge, "weight": weight, "distance_ms": distance}
        for n, (true, _, edge, weight, distance) in enumerate(samples)
    ]
    told = [{"sample_id": str(n), "labels": sorted(heard)} for n, (_, heard, *_) in enumerate(samples)]
    ours = found(tmp_path_factory.mktemp("drawn"), truth, told)
    true, heard = (np.array([[label in row[side] for label in LABELS] for row in samples]) for side in (0, 1))
    weights = [row[3] for row in samples]
    theirs = recall_score(true, heard, average=None, sample_weight=weights, zero_division=0.0)
    occurs = true.any(axis=0)
    for label, recall in zip(np.array(LABELS)[occurs], theirs[occurs], strict=True):
        assert ours.labels[label].recall.value == pytest.approx(recall, abs=1e-6)
    assert ours.values["macro_recall"].value == pytest.approx(theirs[occurs].mean(), abs=1e-6)
    micro = recall_score(true, heard, average="micro", sample_weight=weights)
    assert ours.values["micro_recall"].value == pytest.approx(micro, abs=1e-6)
    assert sum(sum(each.samples.values()) for each in ours.distances) == len(samples)


@pytest.mark.parametrize(("missed", "verdict"), [(1, "passed"), (2, "failed")])
def test_the_gate_closes_at_its_limit(tmp_path: Path, missed: int, verdict: str) -> None:
    truth = [
        {"sample_id": str(n), "labels": ["kick"], "edge": ("leading", "trailing")[n % 2], "distance_ms": n}
        for n in range(20)
    ]
    told = [{"sample_id": str(n), "labels": ["kick"] * (n >= missed)} for n in range(20)]
    config = BoundariesConfig(
        labels=write_lines(tmp_path / "l.jsonl", truth),
        predictions=write_lines(tmp_path / "p.jsonl", told),
        draws=DRAWS,
    )
    report = check(config).report
    assert [(gate.name, gate.verdict) for gate in report.gates] == [("macro_recall", verdict)]
    assert report.findings.distances[0].recall["leading"] < report.findings.distances[1].recall["leading"] == 1


def test_an_edge_that_was_not_tested_is_told(tmp_path: Path) -> None:
    truth = [{"sample_id": "0", "labels": ["kick"], "edge": "leading"}]
    config = BoundariesConfig(
        labels=write_lines(tmp_path / "l.jsonl", truth),
        predictions=write_lines(tmp_path / "p.jsonl", truth),
        draws=DRAWS,
    )
    report = check(config).report
    assert report.notes == ("no sample is trailing: that edge is not tested",)
    assert (report.failed(strict=False), report.failed(strict=True)) == (False, True)
    with pytest.raises(DrumlineError, match=r"labels.jsonl:1: edge: must be leading or trailing, not 'left'"):
        found(tmp_path, [truth[0] | {"edge": "left"}], truth)


def test_the_examples_run(examples: Path, tmp_path: Path) -> None:
    done = run(
        "check", "boundaries", f"labels={examples}/boundary_labels_example.jsonl",
        f"predictions={examples}/boundary_predictions_example.jsonl", f"output={tmp_path}", "--strict",
    )  # fmt: skip
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "boundaries: passed (1 passed)")
    events = f"events={examples}/events_health_example.jsonl"
    settings = ("make", "boundary-pack", events, f"output={tmp_path}/pack", "windows.margin_ms=250")
    assert run(*settings, "--dry-run").exit_code == 0
    assert not (tmp_path / "pack").exists()
    assert run(*settings, "--strict").exit_code == 0
    assert {path.name for path in (tmp_path / "pack").iterdir()} == {"labels.jsonl", "report.json", "report.html"}
    assert run(*settings, "gates.labels.at_least=9").exit_code == 1


def test_whole_recordings_are_compared_with_windows(tmp_path: Path) -> None:
    truth = [
        {"sample_id": str(n), "labels": ["kick"], "edge": ("leading", "trailing")[n % 2], "distance_ms": n}
        for n in range(20)
    ]
    told = [{"sample_id": str(n), "labels": ["kick"] * (n >= 5)} for n in range(20)]
    whole = [{"sample_id": str(n), "labels": ["kick"] * (n >= 1)} for n in range(20)]
    config = BoundariesConfig(
        labels=write_lines(tmp_path / "l.jsonl", truth),
        predictions=write_lines(tmp_path / "p.jsonl", told),
        whole_file=write_lines(tmp_path / "w.jsonl", whole),
        draws=DRAWS,
    )
    found = check(config).report.findings
    values = {name: found.values[name].value for name in ("macro_recall", "macro_whole", "micro_whole", "macro_lost")}
    assert values == {"macro_recall": 0.75, "macro_whole": 0.95, "micro_whole": 0.95, "macro_lost": 0.2}
    assert found.values["macro_lost"].low < 0.2 < found.values["macro_lost"].high
    assert (found.distances[0].whole, found.labels["kick"].whole.value) == (0.666667, 0.95)


def test_a_checkpoint_hears_what_it_hears_of_a_window_alone(songs: str, checkpoint: str, tmp_path: Path) -> None:
    assert run("make", "boundary-pack", f"events={songs}", f"output={tmp_path}/pack", "splits=[train]").exit_code == 0
    labels = f"{tmp_path}/pack/labels.jsonl"
    cache = CacheConfig(uri=f"{tmp_path}/cache")
    model = CheckpointConfig(checkpoint=checkpoint, dataset=songs, decoding=DecodeConfig(threshold=0.2), cache=cache)
    report = check(BoundariesConfig(labels=labels, model=model, threshold=0.0001, draws=DRAWS)).report
    # Slow and obvious: each sample by itself, from the samples of its window.
    network = open_model(checkpoint, CacheConfig(max_gb=0))
    recordings = {each.name: each.read() for each in dataset_recordings(songs, splits=("train",))}
    rows = [json.loads(line) for line in Path(labels).read_text().splitlines()]
    found, lost = Counter[str](), Counter[str]()
    for row in rows:
        samples = recordings[row["audio_path"].replace("/", ".")]
        first, size = (round(row[name] / 1000 * RATE_HZ) for name in ("window_start_ms", "window_size_ms"))
        last = round((row["window_start_ms"] + row["window_size_ms"]) / 1000 * RATE_HZ)
        assert abs(last - first - size) <= 1
        heard = decode([network.infer_samples(samples[first:last].copy())], model.decoding).events
        at_s = (row["onset_ms"] - row["window_start_ms"]) / 1000
        near = {LABEL_NAMES[n] for t, n in zip(heard.time_s, heard.label, strict=True) if abs(t - at_s) <= 0.05}
        for label in row["labels"]:
            (found if label in near else lost)[label] += 1
    assert {name: each.recall.value for name, each in report.findings.labels.items()} == {
        name: pytest.approx(found[name] / (found[name] + lost[name]), abs=1e-6) for name in found | lost
    }
    assert found.total() > 0
    assert report.findings.values["macro_whole"].value is not None
    assert report.inputs[1].role == "checkpoint"


def test_packs_of_files_are_listened_to_and_what_nobody_predicts_is_left_out(checkpoint: str, tmp_path: Path) -> None:
    samples = render([Hit(0.01, "kick", velocity=0.9)], kit=synth_kit(1, rate_hz=RATE_HZ), duration_s=2.5)
    soundfile.write(tmp_path / "a.wav", samples, RATE_HZ)
    event = {"audio_path": "a.wav", "session_id": "s", "onset_time": 0.01}
    parts = [{"label": label} for label in ("Kick", "snare_center", "hihat_pedal", "cowbell")]
    events = write_lines(tmp_path / "events.jsonl", [event | {"components": parts}])
    assert run("make", "boundary-pack", f"events={events}", f"output={tmp_path}/pack", "gates=null").exit_code == 2
    assert run("make", "boundary-pack", f"events={events}", f"output={tmp_path}/pack").exit_code == 1
    settings = (
        f"labels={tmp_path}/pack/labels.jsonl",
        f"model.checkpoint={checkpoint}",
        f"model.audio={tmp_path}",
        "model.cache.max_gb=0",
    )
    done = run("check", "boundaries", *settings, "gates.macro_recall=null")
    assert done.exit_code == 0
    assert "models do not predict cowbell, hihat_pedal: not evaluated" in done.output
    assert run("check", "boundaries", *settings, "predictions=x").exit_code == 2
    assert run("check", "boundaries", *settings, "model.dataset=x").exit_code == 2
    (tmp_path / "a.wav").unlink()
    assert "a.wav: cannot be read" in run("check", "boundaries", *settings).output
