"""`check open-set`: gates at their limits, the variants of its files. (The numbers: tests/metrics/test_open_set.py.)"""

from pathlib import Path

import pytest
from tests.quality.files import run, write_lines

from drumline.core.errors import DrumlineError
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.quality.open_set import OpenSetConfig
from drumline.quality.open_set import run as check

DRAWS = BootstrapConfig(num_draws=100)


def config(folder: Path, known: list[float], unknown: list[float]) -> OpenSetConfig:
    scores = [*known, *unknown]
    truth = [{"sample_id": f"s{n}", "is_known": n < len(known)} for n in range(len(scores))]
    told = [{"sample_id": f"s{n}", "probabilities": {"kick": p, "snare": p / 2}} for n, p in enumerate(scores)]
    return OpenSetConfig(
        truth=write_lines(folder / "truth.jsonl", truth),
        predictions=write_lines(folder / "told.jsonl", told),
        draws=DRAWS,
    )


def verdicts(config: OpenSetConfig) -> dict[str, tuple[float | None, str]]:
    return {gate.name: (gate.value, gate.verdict) for gate in check(config).report.gates}


def test_the_gates_pass_at_their_limits_and_fail_beyond(tmp_path: Path) -> None:
    known = [0.6] * 10
    at = verdicts(config(tmp_path, known, [0.9] + [0.1] * 9))  # one of ten unknown samples above all known ones
    assert at == {"auroc": (0.9, "passed"), "fpr_at_tpr": (0.1, "passed")}
    beyond = verdicts(config(tmp_path, [*known[1:], 0.05], [0.9] + [0.1] * 9))  # and a known one below all others
    assert beyond == {"auroc": (0.81, "failed"), "fpr_at_tpr": (1.0, "failed")}


def test_one_side_alone_is_unknown_and_fails_strictly(tmp_path: Path) -> None:
    report = check(config(tmp_path, [0.5, 0.6], [])).report
    assert report.verdict == "unknown"
    assert (report.failed(strict=False), report.failed(strict=True)) == (False, True)


def test_a_prediction_may_say_itself_how_known_it_is(tmp_path: Path) -> None:
    settings = config(tmp_path, [0.5] * 4, [0.5] * 4)
    told = [{"sample_id": f"s{n}", "scores": {"kick": 0.5}, "unknown_score": float(n >= 4)} for n in range(8)]
    write_lines(tmp_path / "told.jsonl", told)
    assert verdicts(settings) == {"auroc": (1.0, "passed"), "fpr_at_tpr": (0.0, "passed")}


def test_the_truth_must_say_what_is_known(tmp_path: Path) -> None:
    settings = config(tmp_path, [0.5], [0.2])
    write_lines(tmp_path / "truth.jsonl", [{"sample_id": "s0", "labels": ["kick"]}])
    with pytest.raises(DrumlineError, match=r"truth.jsonl:1: is_known: must be true or false"):
        check(settings)


def test_the_examples_run(examples: Path, tmp_path: Path) -> None:
    files = (
        f"truth={examples}/openset_ground_truth_example.jsonl",
        f"predictions={examples}/openset_predictions_example.jsonl",
    )
    done = run("check", "open-set", *files, f"output={tmp_path}", "--strict")
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "open-set: passed (2 passed)")
    assert (tmp_path / "report.html").read_text().count("<svg") == 2
    assert run("check", "open-set", *files[:1], "predictions=nowhere.jsonl").exit_code == 2
