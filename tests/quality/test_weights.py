"""`derive weights`: against a slow twin; bounds, boosts, filters, and labels that imply a technique."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quality.files import run, write_lines

from drumline.core.errors import ConfigError, DrumlineError
from drumline.quality.manifests.profiles import ProfileConfig, read_profile
from drumline.quality.manifests.weights import DeriveWeightsConfig, DeriveWeightsFindings
from drumline.quality.manifests.weights import run as check

event = st.fixed_dictionaries(
    {
        "session_id": st.sampled_from("abc"),
        "onset_time": st.sampled_from([0.0, 1.0, 2.0]),
        "components": st.lists(st.sampled_from(["kick", "crash", "crash2"]), min_size=1).map(
            lambda labels: [{"label": label} for label in labels]
        ),
    },
    optional={"techniques": st.lists(st.sampled_from(["flam", "drag"]), max_size=2)},
)  # fmt: skip
rules = st.builds(
    ProfileConfig,
    smoothing=st.sampled_from([0.0, 1.5]),
    exponent=st.sampled_from([0.0, 0.5, 1.0]),
    technique_boosts=st.sampled_from([{}, {"flam": 2.0}, {"flam": 2.0, "crash_dual_label": 0.5}]),
    dedupe_fields=st.sampled_from([None, ("session_id", "onset_time")]),
    max_events_per_group=st.sampled_from([None, 2]),
    min_weight=st.sampled_from([None, 0.6]),
    max_weight=st.sampled_from([None, 0.9]),
)


def derived(folder: Path, events: list[dict[str, Any]], **more: Any) -> tuple[DeriveWeightsFindings, dict[str, Any]]:
    config = DeriveWeightsConfig(events=write_lines(folder / "e.jsonl", events), output=str(folder / "out"), **more)
    findings = check(config).report.findings
    assert isinstance(findings, DeriveWeightsFindings)
    written = json.loads((folder / "out" / "weights.json").read_text())
    assert written["technique_totals"] == findings.techniques
    assert written["parameters"]["exponent"] == findings.rule.exponent
    return findings, written["weights"]


@settings(max_examples=80)
@given(st.lists(event, min_size=1, max_size=15), rules)
def test_weights_are_those_of_a_slow_twin(
    tmp_path_factory: pytest.TempPathFactory, events: list[dict[str, Any]], rule: ProfileConfig
) -> None:
    implied = {"crash_dual_label": ("crash2",)}
    found, written = derived(tmp_path_factory.mktemp("drawn"), events, rule=rule, implied=implied)
    counted: list[dict[str, Any]] = []
    seen = set()
    for each in events:
        key = (each["session_id"], each["onset_time"])
        if rule.dedupe_fields and key in seen:
            continue
        seen.add(key)
        own = [other for other in counted if other["session_id"] == each["session_id"]]
        if rule.max_events_per_group is None or len(own) < rule.max_events_per_group:
            counted.append(each)
    twin = {}
    for session in {each["session_id"] for each in counted}:
        own = [each for each in counted if each["session_id"] == session]
        labels = [{part["label"] for part in each["components"]} for each in own]
        techniques = Counter(t for each in own for t in set(each.get("techniques", [])))
        techniques["crash_dual_label"] = sum("crash2" in each for each in labels)
        weight = (len(own) + rule.smoothing) ** -rule.exponent
        for name, factor in rule.technique_boosts.items():
            weight *= factor if techniques[name] else 1
        weight = max(weight, rule.min_weight or 0)
        weight = min(weight, rule.max_weight or weight)
        twin[session] = {"count": len(own), "weight": pytest.approx(weight, abs=1e-8),
                         "technique_counts": dict(+techniques)}  # fmt: skip
    assert written == twin
    assert (found.counted, found.num_groups) == (len(counted), len(twin))
    assert sum(group.share for group in found.groups.values()) == pytest.approx(1, abs=1e-6)
    for name, group in found.groups.items():
        draws = twin[name]["count"] * written[name]["weight"]
        assert group.share == pytest.approx(draws / sum(w["count"] * w["weight"] for w in written.values()), abs=1e-6)


@pytest.mark.parametrize(("size", "clamped"), [(25, False), (26, True)])
def test_a_bound_holds_from_its_own_value_on(tmp_path: Path, size: int, clamped: bool) -> None:
    events = [{"session_id": "long", "label": "kick"}] * size
    found, written = derived(tmp_path, events, rule=ProfileConfig(min_weight=0.2))
    assert (written["long"]["weight"], found.groups["long"].clamped) == (0.2, clamped)


def test_filters_small_groups_and_what_has_no_group(tmp_path: Path) -> None:
    events = [
        {"session_id": "a", "label": "kick", "techniques": ["Flam", "drag"]},
        {"session_id": "a", "label": "kick", "techniques": ["flam"]},
        {"session_id": "b", "label": "kick"},
        {"label": "kick", "techniques": ["flam"]},
    ]
    any_of, both = ("flam", "drag"), {"filter_match_all": True}
    strict = {"technique_filter": any_of, "include_unmatched": False}
    for rule, counts, unmatched in (
        (ProfileConfig(technique_filter=any_of), {"a": 2, "b": 1}, 1),
        (ProfileConfig(**strict), {"a": 2}, 1),
        (ProfileConfig(**strict, **both), {"a": 1}, 3),
        (ProfileConfig(min_count=2), {"a": 2}, 0),
    ):
        found, written = derived(tmp_path, events, rule=rule)
        assert {name: each["count"] for name, each in written.items()} == counts
        assert found.unmatched == unmatched
    with pytest.raises(DrumlineError, match="no session_id has 3 events or more"):
        derived(tmp_path, events, rule=ProfileConfig(min_count=3))
    with pytest.raises(ConfigError, match="set both profiles and profile"):
        derived(tmp_path, events, profile="x")


def test_the_examples_run_and_a_factor_below_1_is_told(examples: Path, tmp_path: Path) -> None:
    settings = [
        "derive", "weights", f"events={examples}/events_health_example.jsonl",
        f"profiles={examples}/sampling_profiles.json", f"output={tmp_path}/out",
    ]  # fmt: skip
    done = run(*settings, "profile=prod_combined")
    assert done.exit_code == 0
    assert "the factor of crash_dual_label is 0.85" in done.output
    assert run(*settings, "profile=prod_combined", "--strict", "--dry-run").exit_code == 1
    assert run(*settings, "profile=nobody").exit_code == 2
    for name in ("slakh", "groove", "enst"):
        assert read_profile(f"{examples}/sampling_profiles.json", name).group_field == "audio_path"


def test_a_second_crash_is_no_technique_unless_it_is_said_to_be(tmp_path: Path) -> None:
    events = [{"session_id": "a", "label": "crash2"}, {"session_id": "b", "label": "kick"}]
    rule = ProfileConfig(technique_boosts={"crash_dual_label": 0.5})
    _, written = derived(tmp_path, events, rule=rule)
    assert written["a"]["weight"] == written["b"]["weight"]
    _, written = derived(tmp_path, events, rule=rule, implied={"crash_dual_label": ("crash2",)})
    assert written["a"]["weight"] == written["b"]["weight"] / 2
