"""`check bootstrap`: scikit-learn's scores, and intervals that know their songs."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, mean_absolute_error
from tests.quality.files import run, write_lines

from drumline.core.errors import DrumlineError
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.quality.bootstrap.check import BootstrapCheckConfig
from drumline.quality.bootstrap.check import run as check
from drumline.quality.bootstrap.findings import BootstrapFindings

LABELS = ("kick", "snare", "hihat_closed")
DRAWS = BootstrapConfig(num_draws=100)

share = st.floats(0, 1).map(lambda value: round(value, 3))
sample = st.tuples(st.frozensets(st.sampled_from(LABELS), min_size=1), st.tuples(*[share] * 3), share, share)


def found(folder: Path, truth: list[dict], predictions: list[dict], **more: object) -> BootstrapFindings:
    config = BootstrapCheckConfig(
        truth=write_lines(folder / "truth.jsonl", truth),
        predictions=write_lines(folder / "predictions.jsonl", predictions),
        draws=DRAWS,
        **more,
    )
    findings = check(config).report.findings
    assert isinstance(findings, BootstrapFindings)
    return findings


@settings(max_examples=40)
@given(st.lists(sample, min_size=1, max_size=12))
def test_values_are_scikit_learns(tmp_path_factory: pytest.TempPathFactory, samples: list) -> None:
    truth = [
        {"sample_id": str(n), "labels": sorted(labels), "openness": openness}
        for n, (labels, _, openness, _) in enumerate(samples)
    ]
    predictions = [
        {"sample_id": str(n), "scores": dict(zip(LABELS, scores, strict=True)), "openness_pred": heard}
        for n, (_, scores, _, heard) in enumerate(samples)
    ]
    ours = found(tmp_path_factory.mktemp("drawn"), truth, predictions)
    true = np.array([[label in labels for label in LABELS] for labels, *_ in samples])
    told = np.array([scores for _, scores, *_ in samples]) >= 0.5
    occurs = true.any(axis=0)
    theirs = f1_score(true, told, average=None, zero_division=0.0)
    for label, f, known in zip(LABELS, theirs, occurs, strict=True):
        if known:
            assert ours.labels[label].f.value == pytest.approx(f, abs=1e-6)
    assert ours.values["f_macro"].value == pytest.approx(theirs[occurs].mean(), abs=1e-6)
    assert ours.values["f_micro"].value == pytest.approx(f1_score(true, told, average="micro"), abs=1e-6)
    assert ours.values["openness_mae"].value == pytest.approx(
        mean_absolute_error([s[2] for s in samples], [s[3] for s in samples]), abs=1e-6
    )
    assert ours.values["velocity_mae"].value is None


def lines(num: int, quality: float, *, per_song: int = 1) -> tuple[list[dict], list[dict]]:
    """Samples of a system that is right with a probability, songs being right or wrong as a whole."""
    rng = np.random.default_rng(3)
    right = np.repeat(rng.random(num // per_song) < quality, per_song)
    truth = [
        {"sample_id": str(n), "song_id": f"song {n // per_song}", "components": [{"label": "kick", "velocity": 0.5}]}
        for n in range(num)
    ]
    return truth, [{"event_id": str(n), "labels": ["Kick"] if ok else []} for n, ok in enumerate(right)]


def test_samples_of_one_song_are_no_independent_witnesses(tmp_path: Path) -> None:
    widths = []
    for per_song in (1, 10):
        f = found(tmp_path, *lines(200, 0.7, per_song=per_song)).labels["kick"].recall
        widths.append(f.high - f.low)
    assert widths[1] > 2 * widths[0]


def test_two_systems_are_compared_song_by_song(tmp_path: Path) -> None:
    truth, worse = lines(60, 0.6)
    _, better = lines(60, 1.0)
    baseline = write_lines(tmp_path / "baseline.jsonl", worse)
    delta = found(tmp_path, truth, better, baseline=baseline).comparison["f.kick"]
    assert delta.low > 0
    assert delta.p_value == pytest.approx(2 / 101, abs=1e-6)
    same = found(tmp_path, truth, worse, baseline=baseline).comparison["f_macro"]
    assert (same.delta, same.p_value) == (0, 1)
    alone = found(tmp_path, truth[:1], worse[:1], baseline=baseline).comparison["f_macro"]
    assert (alone.delta, alone.low, alone.p_value) == (0, None, None)


def test_samples_may_be_called_events(tmp_path: Path) -> None:
    truth = [{"event_id": str(n), "label": "Kick", "velocity": 0.5} for n in range(3)]
    told = [{"sample_id": str(n), "predicted_label": "kick", "confidence": 0.4 + n / 10} for n in range(3)]
    ours = found(tmp_path, truth, told)
    assert (ours.group_by, ours.groups, ours.labels["kick"].tp, ours.labels["kick"].fn) == ("sample_id", 3, 2, 1)


def test_what_was_not_predicted_was_not_heard(tmp_path: Path) -> None:
    truth, told = lines(4, 1.0)
    config = BootstrapCheckConfig(
        truth=write_lines(tmp_path / "truth.jsonl", truth),
        predictions=write_lines(tmp_path / "told.jsonl", [*told[:3], {"sample_id": "x", "labels": []}]),
        draws=DRAWS,
    )
    report = check(config).report
    assert report.findings.labels["kick"].fn == 1
    assert [note.split(" (")[0] for note in report.notes] == [
        "1 of 4 samples have no line in predictions and count as silent",
        "1 samples of predictions are not in the truth",
    ]
    assert not report.failed(strict=False)
    assert report.failed(strict=True)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    truth, told = lines(2, 1.0)
    with pytest.raises(DrumlineError, match=r"jsonl:2: sample id '0' occurs twice"):
        found(tmp_path, [truth[0], truth[0]], told)
    with pytest.raises(DrumlineError, match="none of its 1 samples is in"):
        found(tmp_path, truth, [{"sample_id": "x", "labels": []}])
    with pytest.raises(DrumlineError, match=r"truth.jsonl:1: label: must be text, not missing"):
        found(tmp_path, [{"sample_id": "0"}], told)


@pytest.mark.parametrize(("limit", "code"), [(1.0, 0), (1.1, 1)])
def test_the_examples_run_and_gates_decide(examples: Path, tmp_path: Path, limit: float, code: int) -> None:
    done = run(
        "check", "bootstrap", f"truth={examples}/bootstrap_ground_truth_example.jsonl",
        f"predictions={examples}/bootstrap_predictions_example.jsonl", f"gates.f_macro.at_least={limit}",
        f"output={tmp_path}",
    )  # fmt: skip
    assert done.exit_code == code
    assert done.output.startswith("bootstrap: passed (1 passed)" if code == 0 else "bootstrap: FAILED (1 failed)")
    assert "<h2>Labels</h2>" in (tmp_path / "report.html").read_text()
