"""Comparisons and readiness: what was lost is told, what fails stops a release."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quality.files import run, write_dataset, write_lines

from drumline.core.config import load_config, parse_config
from drumline.core.errors import ConfigError, DrumlineError
from drumline.quality import compare_manifests
from drumline.quality.compare_manifests import CompareManifestsConfig
from drumline.quality.health import check as health
from drumline.quality.health import compare as compare_health
from drumline.quality.health.check import HealthConfig
from drumline.quality.health.compare import CompareHealthConfig
from drumline.quality.outcome import publish
from drumline.quality.ready import ReadyConfig
from drumline.quality.ready import run as check

ROOT = Path(__file__).parents[2]


def event(label: str = "kick", at_s: float = 0.0, session: str = "s1", **more: object) -> dict[str, object]:
    told = {"audio_path": f"{session}.wav", "session_id": session, "onset_time": at_s}
    return {**told, "components": [{"label": label}], **more}


def many(**counts: int) -> list[dict[str, object]]:
    return [event(label, float(n)) for label, number in counts.items() for n in range(number)]


def health_report(folder: Path, lines: list[dict], **more: object) -> str:
    config = HealthConfig(events=write_lines(folder / "events.jsonl", lines), **more)
    publish(health.run(config), str(folder))
    return str(folder / "report.json")


def compared(folder: Path, before: list[dict], now: list[dict], **more: object) -> dict[str, str]:
    config = CompareHealthConfig(
        baseline=health_report(folder / "old", before, **more), candidate=health_report(folder / "new", now, **more)
    )
    return {gate.name: gate.verdict for gate in compare_health.run(config).report.gates}


@pytest.mark.parametrize(("left", "verdict"), [(90, "passed"), (89, "failed")])
def test_a_label_may_drop_by_a_tenth(tmp_path: Path, left: int, verdict: str) -> None:
    told = compared(tmp_path, many(kick=100, snare=10), many(kick=left, snare=30, crash=1))
    assert told == {
        "events_drop": "passed", "new_failures": "passed", "new_unknown_labels": "passed",
        "unknown_label_growth": "passed", "label_drop.kick": verdict, "label_drop.snare": "passed",
    }  # fmt: skip


def test_more_of_known_unknown_labels_fails_unless_ignored(tmp_path: Path) -> None:
    before, now = many(kick=50, gong=3), many(kick=45, gong=30)
    folders = {name: health_report(tmp_path / name, lines) for name, lines in (("old", before), ("new", now))}

    def verdicts(**more: object) -> dict[str, str]:
        config = {"baseline": folders["old"], "candidate": folders["new"], **more}
        report = compare_health.run(parse_config(CompareHealthConfig, config, "test")).report
        return {gate.name: gate.verdict for gate in report.gates}

    assert verdicts()["unknown_label_growth"] == "failed"
    assert "label_loss.kick" not in verdicts()
    strict = verdicts(ignore_labels=["gong"], gates={"label_loss": {"at_most": 4}})
    assert (strict["unknown_label_growth"], strict["label_loss.kick"]) == ("passed", "failed")
    assert "label_drop.gong" not in strict


def test_new_failures_and_new_unknown_labels(tmp_path: Path) -> None:
    limits = {"min_counts": {"kick": 5, "snare": 5}}
    told = compared(tmp_path, many(kick=10, gong=1, snare=4), many(kick=10, gong=1, snare=5), **limits)
    assert (told["new_failures"], told["new_unknown_labels"]) == ("passed", "passed")
    told = compared(tmp_path, many(kick=10, snare=5), many(kick=10, snare=4, gong=1), **limits)
    assert (told["new_failures"], told["new_unknown_labels"]) == ("failed", "failed")
    findings = json.loads((tmp_path / "new" / "report.json").read_text())["findings"]
    assert findings["unknown_labels"] == {"gong": 1}


def test_only_reports_of_health_are_compared(tmp_path: Path) -> None:
    report = health_report(tmp_path, many(kick=3))
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"check": "open-set", "schema_version": 1}))
    with pytest.raises(DrumlineError, match=r"baseline: .* not a report of `check health`"):
        compare_health.run(CompareHealthConfig(candidate=report, baseline=str(other)))
    assert (
        run("compare", "health", f"candidate={report}", f"baseline={report}", f"output={tmp_path}/out").exit_code == 0
    )
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()


events = st.lists(
    st.builds(
        event,
        st.sampled_from(["kick", "snare", "crash"]),
        st.integers(0, 2).map(float),
        st.sampled_from(["a", "b", "c"]),
        techniques=st.lists(st.sampled_from(["flam", "drag"]), max_size=1),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=60)
@given(events, events, st.randoms(use_true_random=False))
def test_differences_are_those_of_a_slow_twin(
    tmp_path_factory: pytest.TempPathFactory, before: list[dict], now: list[dict], random: object
) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    config = CompareManifestsConfig(
        baseline=write_lines(folder / "old.jsonl", before), candidate=write_lines(folder / "new.jsonl", now)
    )
    found = compare_manifests.run(config).report.findings

    def sessions(lines: list[dict]) -> dict[str, list[str]]:
        names = {line["session_id"] for line in lines}
        return {s: sorted(json.dumps(x, sort_keys=True) for x in lines if x["session_id"] == s) for s in names}

    old, new = sessions(before), sessions(now)
    assert (set(found.sessions.added), set(found.sessions.removed)) == (
        new.keys() - old.keys(),
        old.keys() - new.keys(),
    )
    assert set(found.sessions.changed) == {s for s in old.keys() & new.keys() if old[s] != new[s]}
    for quantity, of in (
        ("components", lambda line: [part["label"] for part in line["components"]]),
        ("techniques", lambda line: line["techniques"]),
    ):
        one, two = (Counter(name for line in lines for name in of(line)) for lines in (before, now))
        difference = getattr(found, quantity)
        assert difference.added == {name: two[name] for name in two.keys() - one.keys()}
        assert difference.removed == {name: one[name] for name in one.keys() - two.keys()}
        assert set(difference.changed) == {name for name in one.keys() & two.keys() if one[name] != two[name]}
    shuffled = random.sample(before, len(before))
    write_lines(folder / "new.jsonl", shuffled)
    assert compare_manifests.run(config).report.findings.sessions.changed == {}


def test_components_are_counted_and_negatives_apart(tmp_path: Path) -> None:
    twice = {"session_id": "a", "onset_time": 0.0, "components": [{"label": "kick"}, {"label": "kick"}]}
    nothing = {"session_id": "a", "onset_time": 1.0, "negative_example": True, "components": []}
    old = write_lines(tmp_path / "old.jsonl", [twice])
    new = write_lines(tmp_path / "new.jsonl", [twice, twice, nothing])
    found = compare_manifests.run(CompareManifestsConfig(candidate=new, baseline=old)).report.findings
    assert found.components.changed["kick"].model_dump() == {"baseline": 2, "candidate": 4}
    assert found.negatives.model_dump() == {"baseline": 0, "candidate": 1}


@pytest.mark.parametrize(("sessions", "code"), [("ab", 0), ("b", 1)])
def test_a_session_that_is_gone_fails(tmp_path: Path, sessions: str, code: int) -> None:
    old = write_lines(tmp_path / "old.jsonl", [event(session=name) for name in "ab"])
    new = write_lines(tmp_path / "new.jsonl", [event(session=name) for name in sessions])
    done = run("compare", "manifests", f"candidate={new}", f"baseline={old}", f"output={tmp_path}/out")
    assert done.exit_code == code


def test_datasets_are_compared_song_by_song(tmp_path: Path) -> None:
    song = {"song_id": "1", "key": "r/1", "domain": "mix", "chart_sha256": "c", "audio_sha256": "a", "num_hits": 5,
            "label_counts": [("kick", 5)], "split": "train"}  # fmt: skip
    old = write_dataset(tmp_path / "old", [song, song | {"key": "r/2"}])
    new = write_dataset(tmp_path / "new", [song, song | {"key": "r/2", "audio_sha256": "b"}, song | {"key": "r/3"}])
    found = compare_manifests.run(CompareManifestsConfig(candidate=new, baseline=old)).report.findings
    assert (list(found.sessions.added), list(found.sessions.changed), found.sessions.unchanged) == (["r/3"], ["r/2"], 1)
    assert found.components.changed["kick"].candidate == 15


def ready(folder: Path, least: int, **more: object) -> ReadyConfig:
    lines = write_lines(folder / "events.jsonl", many(kick=10))
    tree = {
        "output": str(folder / "ready"),
        "steps": [
            {"health": {"events": lines, "min_counts": {"kick": least}}},
            {"compare_manifests": {"name": "same", "candidate": lines, "baseline": lines}},
        ],
        **more,
    }
    return parse_config(ReadyConfig, tree, location="ready.yaml")


def test_all_steps_run_and_report(tmp_path: Path) -> None:
    report = check(ready(tmp_path, 10)).report
    assert report.verdict == "passed"
    assert [gate.name for gate in report.gates if "kick" in gate.name] == ["1-health.label.kick"]
    for step in report.findings.steps:
        assert Path(step.report).exists()
        assert step.verdict == "passed"


@pytest.mark.parametrize(("halt", "second"), [(True, "not run"), (False, "passed")])
def test_a_failure_halts(tmp_path: Path, halt: bool, second: str) -> None:
    report = check(ready(tmp_path, 11, halt=halt)).report
    assert report.verdict == "failed"
    assert [step.verdict for step in report.findings.steps] == ["failed", second]
    assert (tmp_path / "ready" / "same").exists() is not halt
    assert ("same: not run" in report.notes) is halt


def test_a_step_that_cannot_be_read_fails_and_the_others_run(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "events.jsonl", many(kick=1))
    steps = [{"health": {"events": path}} for path in ("nowhere.jsonl", events)]
    (tmp_path / "ready.yaml").write_text(json.dumps({"steps": steps, "output": str(tmp_path / "out")}))
    result = run("check", "ready", tmp_path / "ready.yaml")
    assert result.exit_code == 2
    assert "step 1-health: nowhere.jsonl: cannot be read" in result.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [step["verdict"] for step in report["findings"]["steps"]] == ["unreadable", "passed"]
    assert report["verdict"] == "failed"


def test_an_ingest_runs_through_and_its_steps_read_each_others_files(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "a.jsonl", [event(session="a"), event(session="a", at_s=1.0)])
    second = write_lines(tmp_path / "b.jsonl", [event(session="b")])
    out = tmp_path / "out"
    steps = [
        {"merge_manifests": {"name": "merged", "events": [first, second]}},
        {"health": {"events": "nowhere.jsonl"}},
        {"health": {"name": "health", "events": f"{out}/merged/events.jsonl", "min_counts": {"snare": 1}}},
        {"derive_weights": {"name": "weights", "events": f"{out}/merged/events.jsonl"}},
        {"compare_manifests": {"name": "same", "candidate": f"{out}/merged/events.jsonl", "baseline": first}},
    ]
    (tmp_path / "ingest.yaml").write_text(json.dumps({"output": str(out), "steps": steps}))
    result = run("ingest-check", tmp_path / "ingest.yaml")
    assert "nowhere" in result.stderr, result.output
    assert result.exit_code == 2  # a step could not be read, and the others ran
    report = json.loads((out / "report.json").read_text())
    verdicts = {step["name"]: step["verdict"] for step in report["findings"]["steps"]}
    assert verdicts == {
        "merged": "passed", "2-health": "unreadable", "health": "failed", "weights": "passed", "same": "passed"
    }  # fmt: skip
    assert set(json.loads((out / "weights" / "weights.json").read_text())["weights"]) == {"a", "b"}


def test_what_is_no_list_of_steps_is_told() -> None:
    for bad, message in (
        ([{}], "a step names one of"),
        ([{"health": {"events": "x", "gates": {"evnts": None}}}], "did you mean"),
        ([{"health": {"events": "x", "name": "a"}}, {"health": {"events": "y", "name": "a"}}], "same name"),
    ):
        with pytest.raises(ConfigError, match=message):
            parse_config(ReadyConfig, {"steps": bad}, location="ready.yaml")


def test_readiness_by_command(tmp_path: Path) -> None:
    file = tmp_path / "ready.yaml"
    file.write_text(json.dumps(ready(tmp_path, 10).model_dump(mode="json")))
    assert run("check", "ready", file).exit_code == 0
    html = (tmp_path / "ready" / "report.html").read_text()
    assert all("<svg" in (tmp_path / "ready" / f"{step}report.html").read_text() for step in ("", "1-health/", "same/"))
    assert '<a href="1-health/report.html">1-health</a>' in html
    assert (tmp_path / "ready" / "1-health" / "report.html").exists()
    assert run("check", "ready", file, "steps=[]").exit_code == 2
    load_config(ReadyConfig, ROOT / "configs" / "check_ready" / "demo.yaml")
