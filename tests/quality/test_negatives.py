"""`mine negatives`: false alarms are mir_eval's, the worst come first, limits hold, and training takes the result."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.conftest import told, write_predictions
from tests.evaluation.conftest import write_songs as write_charts
from tests.quality.files import run, write_lines
from tests.training.songs import train_config

from drumline.core.config import parse_config
from drumline.core.hits import Hit
from drumline.dataset.sampling_weights import read_hard_windows, sampling_weights
from drumline.evaluation.predict import PredictConfig, predict
from drumline.quality.negatives.collecting import CandidatePool, CapConfig
from drumline.quality.negatives.findings import Candidate
from drumline.quality.negatives.mine import HardWindowConfig, MineNegativesConfig, hard_windows
from drumline.quality.negatives.mine import run as check

LABELS = ("kick", "snare_head", "crash")
strokes = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(LABELS), st.integers(50, 100)), max_size=15,
    unique_by=lambda s: s[:2],
)  # fmt: skip


def mined(folder: Path, **tree: Any) -> tuple[Any, list[dict[str, Any]]]:
    config = parse_config(MineNegativesConfig, {"output": str(folder / "out"), **tree}, location="test")
    report = check(config).report
    lines = (folder / "out" / "negatives.jsonl").read_text().splitlines()
    return report, [json.loads(line) for line in lines]


def of_song(folder: Path, truth: list[Hit], heard: list[dict[str, Any]], **tree: Any) -> tuple[Any, list[dict]]:
    songs = write_charts(folder / "songs", {"one": truth})
    system = {"name": "s", "predictions": str(write_predictions(folder / "told", {"one": heard}))}
    return mined(folder, truth={"roots": [{"uri": str(songs)}]}, system=system, **tree)


@settings(max_examples=60)
@given(strokes, strokes)
def test_false_alarms_are_mir_evals(
    tmp_path_factory: pytest.TempPathFactory, truth: list[tuple[int, str, int]], heard: list[tuple[int, str, int]]
) -> None:
    told_hits = [{"time_s": at / 20, "label": name, "confidence": sure / 100} for at, name, sure in heard]
    report, lines = of_song(
        tmp_path_factory.mktemp("drawn"),
        [Hit(at / 20 + 0.001, name) for at, name, _ in truth] or [Hit(500.0, "ride_bell")],
        told_hits,
        caps={"min_confidence": 0.0},
    )
    for label in LABELS:
        theirs, ours = (np.sort([at / 20 + off for at, name, _ in part if name == label])
                        for part, off in ((truth, 0.001), (heard, 0.0)))  # fmt: skip
        pairs = mir_eval.util.match_events(theirs, ours, 0.05) if len(theirs) and len(ours) else []
        alarms = len(ours) - len(pairs)
        assert sum(line["predicted_label"] == label for line in lines) == alarms
        if label in report.findings.labels:
            assert report.findings.labels[label].false_alarms == alarms
    assert [line["confidence"] for line in lines] == sorted((line["confidence"] for line in lines), reverse=True)


candidates = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 10)), max_size=40)


@given(candidates, st.integers(1, 4), st.integers(1, 3), st.integers(1, 6))
def test_limits_are_those_of_a_slow_twin(drawn: list[tuple[str, str, int]], label: int, song: int, total: int) -> None:
    mine = CandidatePool(CapConfig(min_confidence=0.3, max_per_label=label, max_per_recording=song, max_total=total))
    every = [Candidate(sure / 10, name, location, 0.0, "", "", "", "", "", True) for location, name, sure in drawn]
    for location in "ab":
        mine.add([each for each in every if each.recording == location])
    kept: list[Candidate] = []
    for each in sorted((e for e in every if e.confidence >= 0.3), key=lambda e: -e.confidence):
        own = [k for k in kept if k.label == each.label]
        if len([k for k in own if k.recording == each.recording]) < song and len(own) < label:
            kept.append(each)
    twin = [each.confidence for each in sorted(kept, key=lambda e: -e.confidence)[:total]]
    assert [each.confidence for each in mine.chosen()] == twin
    counts = Counter((each.label, each.recording) for each in mine.chosen())
    assert max(counts.values(), default=0) <= song


@given(st.lists(st.integers(0, 200), min_size=1, max_size=12))
def test_windows_that_touch_are_one(tenths: list[int]) -> None:
    every = [Candidate(1.0, "kick", "r", at / 10, "", "song", "", "", "", True) for at in tenths]
    windows = hard_windows(every, HardWindowConfig(around_s=1.0, weight=2.0))
    inside = {t for t in range(0, 220) if any(w.start_s * 10 <= t <= w.end_s * 10 for w in windows)}
    assert inside == {t for t in range(0, 220) if any(abs(t - at) <= 10 for at in tenths)}
    assert all(b.start_s > a.end_s for a, b in pairwise(windows))


@pytest.mark.parametrize(("confidence", "number"), [(0.6, 1), (0.59, 0)])
def test_confident_from_the_limit_on(tmp_path: Path, confidence: float, number: int) -> None:
    heard = [*told([Hit(1.0, "kick")], confidence=0.9), *told([Hit(2.0, "crash")], confidence=confidence)]
    report, lines = of_song(tmp_path, [Hit(1.0, "kick"), Hit(2.01, "ride_body")], heard)
    assert len(lines) == number
    assert (report.findings.estimates, report.findings.false_alarms) == (2, 1)
    if lines:
        assert lines[0]["instead_of"] == "ride_body"
    assert "no hard windows" in report.notes[0] if number else not report.notes


def test_what_the_truth_cannot_deny_is_no_false_alarm(tmp_path: Path) -> None:
    heard = told([Hit(1.0, "crash"), Hit(2.0, "hihat_open"), Hit(3.0, "tom_high")], confidence=0.9)
    truth = [Hit(1.0, "cymbal"), Hit(2.0, "hihat"), Hit(3.0, "tom_high", flags=("faint",)), Hit(5.0, "kick")]
    report, lines = of_song(tmp_path, truth, heard)
    assert (lines, report.findings.estimates) == ([], 0)


@pytest.mark.parametrize(("broken", "verdict"), [(False, "passed"), (True, "failed")])
def test_a_song_that_cannot_be_read_fails(tmp_path: Path, broken: bool, verdict: str) -> None:
    songs = write_charts(tmp_path / "songs", {"one": [Hit(1.0, "kick")], "two": [Hit(1.0, "kick")]})
    heard = write_predictions(tmp_path / "told", {"one": [], "two": told([Hit(9.0, "kick")])})
    if broken:
        (heard / "one.json").write_text("{")
    report, lines = mined(
        tmp_path, truth={"roots": [{"uri": str(songs)}]}, system={"name": "s", "predictions": str(heard)}
    )
    assert (report.verdict, lines, report.findings.without_confidence) == (verdict, [], 1)


def test_a_checkpoint_is_mined_like_its_predictions_and_training_takes_it(
    songs: str, checkpoint: str, tmp_path: Path
) -> None:
    decoding, cache = {"threshold": 0.2}, {"max_gb": 0}
    told = {"checkpoint": checkpoint, "dataset": songs, "splits": ["train"], "decoding": decoding, "cache": cache}
    predict(parse_config(PredictConfig, told | {"output": str(tmp_path / "told")}, location="test"))
    truth, caps = {"dataset": songs, "splits": ["train"]}, {"min_confidence": 0.3, "max_total": 20}
    system = {"name": "s", "predictions": str(tmp_path / "told" / "predictions")}
    one, listened = mined(tmp_path / "1", truth=truth, checkpoint=checkpoint, decoding=decoding, cache=cache, caps=caps)
    two, read = mined(tmp_path / "2", truth=truth, system=system, caps=caps)
    for label, own in one.findings.labels.items():  # but for the digits that a file keeps
        assert own.model_dump(exclude={"confidence"}) == two.findings.labels[label].model_dump(exclude={"confidence"})
    assert [(line["song_id"], line["predicted_label"]) for line in listened] == [
        (line["song_id"], line["predicted_label"]) for line in read
    ]
    assert 0 < one.findings.mined == len(listened) <= 20
    hard = read_hard_windows(str(tmp_path / "1" / "out" / "hard_windows.jsonl"))
    assert len(hard) == one.findings.windows > 0
    config = train_config(songs, tmp_path)
    table = sampling_weights(songs, config.weights, hard=hard).to_pylist()
    factors = {row["hard"] for row in table}
    assert factors == {1.0, 3.0}
    for row in table:
        near = any(
            window.song_id == row["song_id"]
            and row["start_s"] < window.end_s
            and row["start_s"] + config.weights.window_s > window.start_s
            for window in hard
        )
        assert row["hard"] == (3.0 if near else 1.0)


def test_the_examples_run(examples: Path, tmp_path: Path) -> None:
    settings = [f"samples.predictions={examples}/hard_negative_predictions_example.jsonl", f"output={tmp_path}"]
    done = run("mine", "negatives", *settings, f"samples.events={examples}/hard_negative_events_example.jsonl")
    assert done.exit_code == 0
    lines = [json.loads(line) for line in (tmp_path / "negatives.jsonl").read_text().splitlines()]
    assert [(line["predicted_label"], line["reason"]) for line in lines] == [
        ("snare", "high_confidence_false_positive"),
        ("hihat_closed", "high_confidence_candidate"),
    ]
    assert run("mine", "negatives", *settings, "caps.exclude_labels=[snare]").exit_code == 0
    assert (tmp_path / "negatives.jsonl").read_text().count("candidate") == 1
    twice = write_lines(tmp_path / "both.jsonl", [{"sample_id": "a", "predicted_labels": ["kick"], "confidence": 2}])
    assert run("mine", "negatives", f"samples.predictions={twice}", "output=x", "--dry-run").exit_code == 0
    for wrong in (["truth.dataset=x"], ["truth.dataset=x", "checkpoint=y", "system={name: a, predictions: b}"], []):
        assert run("mine", "negatives", *wrong, "output=x").exit_code == 2
