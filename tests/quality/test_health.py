"""`check health`: counts against a slow twin, each gate at its limit, files of events and datasets alike."""

import json
import pickle
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quality.files import run, write_dataset, write_lines

from drumline.charts.documents import as_tree
from drumline.charts.events_jsonl import read_events_jsonl
from drumline.core.errors import ChartError, DrumlineError
from drumline.quality.health.check import HealthConfig
from drumline.quality.health.check import run as check
from drumline.quality.health.files import read_label_set, read_taxonomy
from drumline.quality.health.findings import BUCKETS, HealthFindings
from drumline.quality.health.tally import Tally, bucket_of

BEATSIGHT = Path(__file__).parents[3] / "shared" / "corpus" / "beatsight_real"

component = st.fixed_dictionaries(
    {"label": st.sampled_from(["kick", "Snare", "crash", "crash2", "hihat_open", "gong"])},
    optional={
        "velocity": st.sampled_from([0.0, 0.15, 0.3, 0.35, 0.5, 0.65, 1.0]),
        "openness": st.sampled_from([0.0, 0.45, 1.0]),
    },
)
event = st.fixed_dictionaries(
    {
        "audio_path": st.sampled_from(["a.wav", "b.wav"]),
        "onset_time": st.integers(0, 5).map(float),
        "components": st.lists(component, min_size=1, max_size=3),
    },
    optional={
        "session_id": st.sampled_from(["s1", "s2"]),
        "is_synthetic": st.booleans(),
        "negative_example": st.booleans(),
        "techniques": st.lists(st.sampled_from(["flam", "Ruff"]), max_size=2),
        "bleed_level": st.sampled_from(["low", "high"]),
        "loudness": st.fixed_dictionaries({"LUFS_i": st.floats(-60, 5)}),
    },
)


def found(events: str, **more: object) -> HealthFindings:
    findings = check(HealthConfig(events=events, **more)).report.findings
    assert isinstance(findings, HealthFindings)
    return findings


def verdicts(events: str, **more: object) -> dict[str, str]:
    return {gate.name: gate.verdict for gate in check(HealthConfig(events=events, **more)).report.gates}


def hit(label: str = "kick", at_s: float = 0.0, **more: object) -> dict[str, object]:
    return {"audio_path": "a.wav", "onset_time": at_s, "components": [{"label": label}], **more}


@settings(max_examples=60)
@given(st.lists(event, min_size=1, max_size=15))
def test_counts_are_those_of_a_slow_twin(tmp_path_factory: pytest.TempPathFactory, events: list[dict]) -> None:
    ours = found(write_lines(tmp_path_factory.mktemp("drawn") / "events.jsonl", events))
    sounding = [e for e in events if not e.get("negative_example")]
    parts = [(e, c) for e in sounding for c in e["components"]]
    assert (ours.events, ours.negative) == (len(events), len(events) - len(sounding))
    assert ours.synthetic == sum(e.get("is_synthetic", False) for e in events)
    assert ours.sessions == len({e["session_id"] for e in events if "session_id" in e})
    totals = Counter(c["label"].lower() for _, c in parts)
    assert {name: label.total for name, label in ours.labels.items()} == totals
    real = Counter(c["label"].lower() for e, c in parts if not e.get("is_synthetic"))
    assert {name: label.real for name, label in ours.labels.items() if label.real} == real
    assert ours.dynamics == {
        name: sum((bucket_of(c["velocity"]) if "velocity" in c else "unknown") == name for _, c in parts)
        for name in BUCKETS
    }
    distinct = {
        (e["audio_path"], e["onset_time"], tuple(sorted(c["label"].lower() for c in e["components"]))) for e in events
    }
    assert ours.duplicates == len(events) - len(distinct)
    assert sum(ours.openness.counts) == sum("openness" in c for _, c in parts)
    assert sum(ours.loudness.counts) == sum("loudness" in e for e in events)
    assert ours.unknown_labels.get("gong", 0) == totals["gong"]
    assert ours.techniques == Counter(t.lower() for e in events for t in e.get("techniques", []))
    assert ours.several_crashes == sum(
        sum(c["label"].startswith("crash") for c in e["components"]) > 1 for e in sounding
    )


@settings(max_examples=40)
@given(st.lists(event, min_size=1, max_size=12), st.integers(0, 12))
def test_what_is_counted_in_parts_is_counted_alike(events: list[dict], at: int) -> None:
    def tally(part: list[dict]) -> Tally:
        found = Tally("events", frozenset({"kick"}), frozenset())
        for each in part:
            found.add_line(as_tree(each, "x: "), {})
        return found

    parts, whole = tally(events[:at]), tally(events)
    parts.merge(pickle.loads(pickle.dumps(tally(events[at:]))))
    assert parts.findings() == whole.findings()


def test_dynamics_begin_at_their_edges() -> None:
    velocities = (0.0, 0.149, 0.15, 0.349, 0.35, 0.649, 0.65, 1.0)
    assert [bucket_of(v) for v in velocities] == [bucket for bucket in BUCKETS[:4] for _ in range(2)]


def test_a_dataset_counts_like_the_events_it_came_from(tmp_path: Path) -> None:
    hits = [(label, n / 10, [None, 0.1, 0.65][n % 3]) for n, label in enumerate(["kick", "crash", "ride_bell"] * 20)]
    lines = [
        {**hit(at_s=t), "components": [{"label": label} | ({"velocity": v} if v is not None else {})]}
        for label, t, v in hits
    ]
    rows = [
        {"song_id": "1", "domain": "mix", "split": "train", "time_s": t, "label": label, "velocity": v,
         "flags": ["flam"], "source_name": label}
        for label, t, v in hits
    ]  # fmt: skip
    song = {
        "song_id": "1", "domain": "mix", "key": "root/song", "charter": "", "artist": "Band", "duration_s": 3600.0,
        "loudness_lufs": -14.0, "alignment": "aligned", "split": "train",
    }  # fmt: skip
    dataset = write_dataset(tmp_path / "set", [song], rows)
    of_file, of_dataset = found(write_lines(tmp_path / "events.jsonl", lines)), found(dataset)
    for name in ("events", "synthetic", "duplicates", "labels", "dynamics", "crash_variants", "unknown_labels"):
        assert getattr(of_file, name) == getattr(of_dataset, name), name
    assert (of_dataset.techniques, of_dataset.hours_by_split) == ({"flam": 60}, {"train": 1.0})
    assert found(dataset, synthetic_sources=("root",)).synthetic == 60
    # What is asked for in a wider word, or in BeatSight's, is counted in ours.
    assert verdicts(dataset, min_counts={"ride": 20, "crash2": 20, "cymbal": 40, "tom_low": 1}) == {
        "events": "passed", "duplication_rate": "passed", "unknown_labels": "passed", "label.ride": "passed",
        "label.crash2": "passed", "label.cymbal": "passed", "label.tom_low": "failed",
    }  # fmt: skip


@pytest.mark.parametrize(("copies", "verdict"), [(1, "passed"), (2, "failed")])
def test_duplication(tmp_path: Path, copies: int, verdict: str) -> None:
    lines = [hit(at_s=float(n)) for n in range(100 - copies)]
    events = write_lines(tmp_path / "events.jsonl", [*lines, *lines[:copies]])
    assert verdicts(events)["duplication_rate"] == verdict


@pytest.mark.parametrize(("label", "verdict"), [("splash", "passed"), ("gong", "failed")])
def test_unknown_labels(tmp_path: Path, label: str, verdict: str) -> None:
    assert verdicts(write_lines(tmp_path / "events.jsonl", [hit(label)]))["unknown_labels"] == verdict


@pytest.mark.parametrize(("least", "verdict"), [(3, "passed"), (4, "failed")])
def test_least_numbers(tmp_path: Path, least: int, verdict: str) -> None:
    lines = [hit(at_s=float(n), is_synthetic=n == 3) for n in range(4)]
    events = write_lines(tmp_path / "events.jsonl", lines)
    assert verdicts(events, min_counts={"Kick": least}, count_by="real")["label.kick"] == verdict
    assert verdicts(events, min_counts={"kick": least + 1})["label.kick"] == verdict


def test_every_label_has_a_least_number(tmp_path: Path) -> None:
    lines = [hit("kick", float(n)) for n in range(5)] + [hit("snare", 9.0)]
    gates = verdicts(write_lines(tmp_path / "events.jsonl", lines), min_class_count=2, min_counts={"kick": 9})
    assert (gates["label.kick"], gates["label.snare"]) == ("failed", "failed")


@pytest.mark.parametrize("name", ["events_real_v1.jsonl", "events_real_v1.norm.jsonl"])
def test_the_manifest_of_beatsights_own_checks_passes(name: str) -> None:
    manifest = BEATSIGHT / name
    if not manifest.is_file():
        pytest.skip("needs ../shared/corpus/beatsight_real")
    findings = found(str(manifest))
    assert (findings.events, findings.negative, findings.unknown_labels) == (5, 1, {})


def test_a_negative_example_and_an_event_without_audio_are_rows(tmp_path: Path) -> None:
    lines = [hit(), hit(at_s=1.0) | {"components": [], "negative_example": True}, hit(at_s=2.0) | {"audio_path": None}]
    path = write_lines(tmp_path / "events.jsonl", lines)
    assert (found(path).events, found(path).negative, found(path).labels["kick"].total) == (3, 1, 2)
    (recording,) = read_events_jsonl(Path(path).read_bytes(), "events.jsonl")
    assert [each.time_s for each in recording.song.hits] == [0.0]


def test_required_labels_and_techniques(tmp_path: Path) -> None:
    taxonomy = tmp_path / "taxonomy.json"
    taxonomy.write_text(json.dumps({"techniques": [{"id": "drag", "aliases": ["Ruff"]}, {"id": "flam"}]}))
    events = write_lines(tmp_path / "events.jsonl", [hit(techniques=["Ruff", "moon walk"])])
    asked = {"required_labels": ("kick", "snare"), "required_techniques": ("drag", "flam")}
    told = verdicts(events, taxonomy=str(taxonomy), **asked)
    assert [told[name] for name in ("label.kick", "label.snare")] == ["passed", "failed"]
    assert [told[name] for name in ("technique.drag", "technique.flam")] == ["passed", "failed"]
    assert found(events, taxonomy=str(taxonomy)).unknown_techniques == {"moon_walk": 1}


def test_label_sets_come_in_three_shapes(tmp_path: Path) -> None:
    file = tmp_path / "components.json"
    for tree in (
        {"components": ["kick", "Cross-Stick"], "num_classes": 2},
        {"components": [{"label": "kick"}, {"name": "cross_stick"}], "component_index": {}, "counts": {}},
        {"classes": [{"id": "kick"}, {"id": "cross_stick"}]},
    ):
        file.write_text(json.dumps(tree))
        assert read_label_set(str(file)) == {"kick", "cross_stick"}
    file.write_text("{}")
    with pytest.raises(ChartError, match="must list the labels"):
        read_label_set(str(file))


def test_events_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(DrumlineError, match="file has no lines"):
        found(write_lines(tmp_path / "empty.jsonl", []))
    with pytest.raises(ChartError, match=r"events.jsonl:2: components\[0\].label: must be text, not missing"):
        found(write_lines(tmp_path / "events.jsonl", [hit(), hit() | {"components": [{"velocity": 1}]}]))
    assert run("check", "health", f"events={tmp_path}/nowhere.jsonl").exit_code == 2


def test_the_examples_run(examples: Path, tmp_path: Path) -> None:
    settings = [
        f"events={examples}/events_health_example.jsonl", f"metadata={examples}/metadata_health_example.json",
        f"required_techniques_file={examples}/health_required_techniques_prod.txt",
        f"taxonomy={examples}/technique_taxonomy.json", f"output={tmp_path}",
    ]  # fmt: skip
    done = run("check", "health", *settings, "gates.hours.train.at_least=0.5", "gates.unknown_techniques.at_most=0")
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "health: passed (9 passed)")
    strict = (
        f"min_counts_file={examples}/health_min_counts_example.json",
        f"required_labels_file={examples}/health_require_labels_example.txt",
    )
    done = run("check", "health", *settings, *strict)
    assert done.exit_code == 1
    assert "'basic' is required, but is not in the label set" in done.output
    findings = json.loads((tmp_path / "report.json").read_text())["findings"]
    assert (findings["synthetic"], findings["negative"], findings["several_crashes"]) == (1, 1, 1)
    assert findings["hours_by_source"] == {"BeatSight": 0.25, "ENST": 0.083333, "Groove": 0.166667}
    assert len(set(read_taxonomy(str(examples / "technique_taxonomy.json")).values())) == 72


def test_chinas_and_splashes_are_no_crashes() -> None:
    tally = Tally("events", frozenset(), frozenset())
    parts = [{"label": name} for name in ("china", "splash", "crash", "crash2")]
    for chosen in (parts[:3], parts[2:]):
        tally.add_line(as_tree({"session_id": "a", "onset_time": 0.0, "components": chosen}, "x: "), {})
    found = tally.findings()
    assert found.several_crashes == 1
    assert found.crash_variants == {"crash": 2, "crash2": 1}
