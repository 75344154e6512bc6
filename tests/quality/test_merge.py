"""`merge manifests`: nothing is lost, provenance is kept, conflicts are told."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quality.files import run, write_lines

from drumline.core.errors import DrumlineError
from drumline.quality.manifests.merge import MergeConfig, MergeFindings
from drumline.quality.manifests.merge import run as check

event = st.fixed_dictionaries(
    {"sample_id": st.sampled_from("abcd"), "onset_time": st.sampled_from([0.0, 1.0])},
    optional={"label": st.sampled_from(["kick", "snare"]), "drummer_id": st.sampled_from("xy")},
)
files = st.lists(st.lists(event, min_size=1, max_size=6), min_size=2, max_size=3)


def merged(folder: Path, *lists: list[dict[str, Any]], **more: Any) -> tuple[MergeFindings, list[dict[str, Any]]]:
    paths = tuple(write_lines(folder / f"{n}.jsonl", rows) for n, rows in enumerate(lists))
    findings = check(MergeConfig(events=paths, output=str(folder / "out"), **more)).report.findings
    assert isinstance(findings, MergeFindings)
    return findings, lines_of(folder / "out" / "events.jsonl")


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@settings(max_examples=80)
@given(files, st.sampled_from(["first", "last"]))
def test_what_stays_is_what_a_slow_twin_keeps(
    tmp_path_factory: pytest.TempPathFactory, lists: list[list[dict[str, Any]]], keep: str
) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    found, written = merged(folder, *lists, keep=keep)
    tellings: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for n, rows in enumerate(lists):
        for number, row in enumerate(rows, start=1):
            tellings.setdefault(row["sample_id"], []).append((f"{folder}/{n}.jsonl:{number}", row))
    twin = {}
    for name, told in tellings.items():
        _, stays = told[0 if keep == "first" else -1]
        twin[name] = stays | {"merged_from": [location for location, _ in told]}
    assert {row["sample_id"]: row for row in written} == twin
    assert len(written) == len(twin) == found.events
    conflicts = {name for name, told in tellings.items() if any(row != told[0][1] for _, row in told)}
    disputes = lines_of(folder / "out" / "conflicts.jsonl")
    assert found.conflicts == len(conflicts) == len(disputes)
    assert {dispute["told"][0]["sample_id"] for dispute in disputes} == conflicts
    alike = sum(row == twin_row for told in tellings.values() for _, row in told
                for twin_row in [{k: v for k, v in twin[row["sample_id"]].items() if k != "merged_from"}])  # fmt: skip
    assert found.duplicates == alike - len(twin)
    assert sum(each.lines for each in found.files.values()) == sum(map(len, lists))
    assert sum(each.kept for each in found.files.values()) == len(twin)


def test_provenance_survives_a_second_merge(tmp_path: Path) -> None:
    one, two = [{"sample_id": "a", "label": "kick"}], [{"sample_id": "b", "label": "kick"}]
    merged(tmp_path / "1", one, two)
    first = lines_of(tmp_path / "1" / "out" / "events.jsonl")
    found, again = merged(tmp_path / "2", first, one)
    assert again[0]["merged_from"] == [f"{tmp_path}/1/0.jsonl:1", f"{tmp_path}/2/0.jsonl:1", f"{tmp_path}/2/1.jsonl:1"]
    assert (found.duplicates, found.conflicts) == (1, 0)


def test_without_ids_the_place_and_the_labels_count(tmp_path: Path) -> None:
    def at(time_s: float, label: str, **more: Any) -> dict[str, Any]:
        return {"audio_path": "a.wav", "onset_time": time_s, "components": [{"label": label}], **more}

    found, _ = merged(tmp_path, [at(1.0, "kick"), at(1.0, "snare")], [at(1.00001, "Kick"), at(1.2, "kick")])
    assert (found.events, found.conflicts, found.fields) == (3, 1, {"components": 1, "onset_time": 1})


@pytest.mark.parametrize(("drummer", "split", "conflicts"), [("x", "train", 0), ("y", "train", 1), ("y", "test", 2)])
def test_sessions_that_are_told_differently(tmp_path: Path, drummer: str, split: str, conflicts: int) -> None:
    one = {"sample_id": "a", "label": "kick", "session_id": "s", "drummer_id": "x", "split": "train"}
    found, _ = merged(tmp_path, [one], [one | {"sample_id": "b", "drummer_id": drummer, "split": split}])
    assert found.num_session_conflicts == conflicts
    paths = [f"{tmp_path}/{n}.jsonl" for n in (0, 1)]
    done = run("merge", "manifests", f"events=[{','.join(paths)}]", f"output={tmp_path}/run", "--dry-run")
    assert done.exit_code == bool(conflicts)
    assert not (tmp_path / "run").exists()


def test_files_that_cannot_be_merged(tmp_path: Path) -> None:
    with pytest.raises(DrumlineError, match="file has no lines"):
        merged(tmp_path, [{"sample_id": "a"}], [])
    with pytest.raises(DrumlineError, match=r"1.jsonl:1: session_id: must be text, not missing"):
        merged(tmp_path, [{"sample_id": "a"}], [{"label": "kick"}])
    assert not (tmp_path / "out").exists()
    assert run("merge", "manifests", f"events=[{tmp_path}/0.jsonl]", "output=x").exit_code == 2


def test_the_examples_run(examples: Path, tmp_path: Path) -> None:
    path = f"{examples}/events_health_example.jsonl"
    done = run("merge", "manifests", f"events=[{path}, {path}]", f"output={tmp_path}", "--strict")
    assert done.exit_code == 0
    assert len(lines_of(tmp_path / "events.jsonl")) == 5
    assert run("check", "health", f"events={tmp_path}/events.jsonl").exit_code == 0
