"""`annotate techniques`: every rule finds its technique in a rendered phrase, and not in one that is near it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quality.files import run, write_lines
from tests.quality.phrases import played

from drumline.charts.documents import as_tree
from drumline.core.errors import ConfigError
from drumline.quality.techniques import drums
from drumline.quality.techniques.annotate import AnnotateConfig, AnnotateFindings
from drumline.quality.techniques.annotate import run as check
from drumline.quality.techniques.hit_collector import HitCollector
from drumline.quality.techniques.rules import RULES, rule_description

ROCK = played(
    """
    kick         X...............X...............
    snare        ........X...............X.......
    hihat_closed x...x...x...x...x...x...x...x...
    """
)
"""Straight, plain, and without any technique at all."""

# Technique -> (a phrase that has it, how often, a phrase that is near it and has it not).
PHRASES: dict[str, tuple[list[dict[str, Any]], int, list[dict[str, Any]]]] = {
    "flam": (
        played("snare ......3X...............3X......................5X...............5X............", bar_s=2.5),
        4,
        played("snare ......X...X.........X...X.......................X..X............X..X..........", bar_s=2.5),
    ),
    "drag": (
        played("snare .....33X...............33X.......", bar_s=1.2),
        2,
        played("snare ......3X................3X.......", bar_s=1.2),
    ),
    "double_stroke": (played("snare 7777777777777777", bar_s=1.0), 16, played("snare 7777777777777777", bar_s=2.0)),
    "buzz_roll": (
        played("snare 7777777777......", bar_s=0.6),
        10,
        played("snare 7.7.7.7.7.7.7.7.", bar_s=0.8),
    ),
    "ghost_note": (
        played("snare o.o.X..o.o..X..o\nkick X.......X......."),
        5,
        played("snare x.x.X..x.x..X..x\nkick X.......X......."),
    ),
    "rimshot": (played("rimshot ....X.......X..."), 2, played("cross_stick ....X.......X...")),
    "cross_stick": (played("cross_stick ....X.......X..."), 2, played("rimshot ....X.......X...")),
    "snares_off": (played("snare_off ....X.......X..."), 2, played("snare ....X.......X...")),
    "cowbell": (played("cowbell x...x...x...x..."), 4, played("ride x...x...x...x...")),
    "double_kick_burst": (played("kick xxxxxxxx........"), 8, played("kick xx..xx..x.x.x.x.")),
    "feathering": (played("kick 2...2...2...2...", repeat=2), 8, played("kick x...x...x...x...", repeat=2)),
    "floor_tom_ride": (
        played("tom_low x.x.x.x.x.x.x.x.\nsnare ....X.......X..."),
        8,
        played("tom_low x.x.x.x.x.x.x.x.\nride x.x.x.x.x.x.x.x."),
    ),
    "bonham_triplet": (
        played("snare xx.xx.xx.xx.\nkick ..x..x..x..x", bar_s=1.6),
        12,
        played("snare x..x..x..x..\nkick .xx.xx.xx.xx", bar_s=1.6),
    ),
    "blast_beat": (
        played("snare .x.x.x.x.x.x.x.x\nkick x.x.x.x.x.x.x.x.\nride x.x.x.x.x.x.x.x.", bar_s=1.0),
        16,
        played("snare .x.x.x.x.x.x.x.x\nkick x...............\nride x.x.x.x.x.x.x.x.", bar_s=1.0),
    ),
    "linear_drumming": (
        played("kick x..x..x..x..x..x\nsnare .x..x..x..x..x..\nhihat_closed ..x..x..x..x..x.", repeat=2),
        32,
        played("kick x...x...x...x...\nsnare ....x.......x...\nhihat_closed x.x.x.x.x.x.x.x.", repeat=2),
    ),
    "hihat_bark": (
        played("hihat_closed x.x.x..xx.x.x..x\nhihat_open ......X.......X."),
        2,
        played("hihat_closed x.x...x.x.x...x.\nhihat_open ....X.......X..."),
    ),
    "hihat_foot_chick": (played("hihat_pedal ....x.......x..."), 2, played("hihat_closed ....x.......x...")),
    "hihat_splash": (played("hihat_foot_splash ....x.......x..."), 2, played("hihat_open ....x.......x...")),
    "hihat_half_open": (
        played("hihat_open:0.5 x.x.x.x.\nhihat_half .x.....x"),
        6,
        played("hihat_open:0.9 x.x.x.x.\nhihat_closed:0.1 .x.x.x.x"),
    ),
    "ride_bell_accent": (
        played("ride_bow xxx.xxx.\nride_bell ...x...x"),
        2,
        played("ride_bell x...x...\nhihat_closed .xxx.xxx"),
    ),
    "crash_riding": (played("crash x.x.x.x.x.x.x.x."), 8, played("crash x.......x......."),),
    "crash_build": (played("crash 3.4.5.6.7.8.9.X."), 8, played("crash 7.7.7.7.7.7.7.7."),),
    "multi_cymbal_same_class": (
        played("crash X.......\ncrash2 X...X..."),
        1,
        played("crash X.......\nchina X...X...\nride_bow x.x.x.x.\nride_bell x......."),
    ),
    "cymbal_choke": (
        [event | {"offset_time": event["onset_time"] + 0.2} for event in played("crash X...X...")],
        2,
        [event | {"offset_time": event["onset_time"] + 2.0} for event in played("crash X...X...")],
    ),
    "cymbal_stack_hit": (played("crash:stack X...X..."), 2, played("crash:low X...X...")),
    "variable_meter": (
        [*played("kick x...x...", meter="4/4"),
         *({**e, "onset_time": e["onset_time"] + 4} for e in played("kick x..x..", meter="7/8"))],
        1,
        played("kick x...x...", meter="7/8"),
    ),
    "metric_modulation": (
        [*played("kick x...x...", tempo_bpm=120.0),
         *({**e, "onset_time": e["onset_time"] + 4} for e in played("kick x..x..", tempo_bpm=180.0))],
        1,
        [*played("kick x...x...", tempo_bpm=120.0),
         *({**e, "onset_time": e["onset_time"] + 4} for e in played("kick x..x..", tempo_bpm=131.0))],
    ),
    "tempo_change": (
        [*played("kick x...x...", tempo_bpm=120.0),
         *({**e, "onset_time": e["onset_time"] + 4} for e in played("kick x..x..", tempo_bpm=131.0))],
        1,
        [*played("kick x...x...", tempo_bpm=120.0),
         *({**e, "onset_time": e["onset_time"] + 4} for e in played("kick x..x..", tempo_bpm=160.0))],
    ),
    "shuffle_feel": (
        played("hihat_closed x.xx.xx.xx.x", repeat=2),
        15,
        played("hihat_closed x.x.x.x.x.x.", repeat=2),
    ),
    "spang_a_lang": (
        played("ride_bow x..x.xx..x.x", repeat=3),
        16,
        played("ride_bow x..x..x..x..", repeat=3),
    ),
    "swing_feel": (
        played("ride_bow x..x.xx..x.x", repeat=3),
        16,
        played("ride_bow x..x..x..x..", repeat=3),
    ),
    **{
        f"{family}_{location}": (
            played(f"{family}:{location} X...X..."),
            2,
            played(f"{family}:{dict(high='low', low='mid', mid='high')[location]} X...X..."),
        )
        for family in ("crash", "china")
        for location in ("high", "mid", "low")
    },
}  # fmt: skip


def annotated(folder: Path, events: list[dict[str, Any]], **more: Any) -> tuple[AnnotateFindings, list[dict[str, Any]]]:
    config = AnnotateConfig(events=write_lines(folder / "events.jsonl", events), output=str(folder / "out"), **more)
    findings = check(config).report.findings
    assert isinstance(findings, AnnotateFindings)
    written = (folder / "out" / "events.jsonl").read_text().splitlines()
    return findings, [json.loads(line) for line in written]


def test_every_rule_has_its_phrases_and_says_what_it_does() -> None:
    assert PHRASES.keys() == RULES.keys()
    assert all(len(rule_description(name)) > 20 for name in RULES)


@pytest.mark.parametrize("technique", PHRASES)
def test_a_phrase_that_has_it_and_one_that_has_not(technique: str, tmp_path: Path) -> None:
    with_it, times, without = PHRASES[technique]
    found, lines = annotated(tmp_path, with_it)
    assert found.techniques[technique].inferred == times
    assert sum(technique in line.get("techniques_inferred", []) for line in lines) == times
    assert technique not in annotated(tmp_path, without)[0].techniques
    assert technique not in annotated(tmp_path, ROCK)[0].techniques


def test_what_was_told_stays_and_what_was_inferred_is_inferred_anew(tmp_path: Path) -> None:
    taxonomy = tmp_path / "taxonomy.json"
    known = [{"id": "flam"}, {"id": "drag", "aliases": ["Ruff"]}, {"id": "moon_walk"}]
    taxonomy.write_text(json.dumps({"techniques": known}))
    events = [{**event, "Techniques": ["Ruff", "xyz"]} for event in PHRASES["flam"][0]]
    found, once = annotated(tmp_path / "1", events, taxonomy=str(taxonomy), gates={"unknown_techniques": None})
    assert (found.unknown_techniques, found.without_rule) == ({"xyz": len(events)}, ("moon_walk",))
    assert "rimshot" in found.left_out
    assert once[1] == events[1] | {"Techniques": ["drag", "xyz", "flam"], "techniques_inferred": ["flam"]}
    again, twice = annotated(tmp_path / "2", once, taxonomy=str(taxonomy))
    assert (twice, again.techniques) == (once, found.techniques)
    _, without = annotated(tmp_path / "3", once, taxonomy=str(taxonomy), rules=("drag",))
    assert without[1] == events[1] | {"Techniques": ["drag", "xyz"], "techniques_inferred": []}
    with pytest.raises(ConfigError, match="no rule for 'paradiddle'"):
        annotated(tmp_path / "4", once, rules=("paradiddle",))


def test_sessions_are_apart_and_lines_need_no_order(tmp_path: Path) -> None:
    grace, main = PHRASES["flam"][0][:2]
    apart = [main, grace | {"session_id": "another"}]
    assert annotated(tmp_path / "1", apart)[0].techniques == {}
    found, lines = annotated(tmp_path / "2", [main, grace])
    assert [line.get("techniques", []) for line in lines] == [["flam"], []]
    assert (found.performances, found.annotated) == (1, 1)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 120), st.sampled_from([0.2, 0.5, 0.9]), st.booleans()), max_size=12),
)
def test_flams_are_those_of_a_slow_twin(strokes: list[tuple[int, float, bool]]) -> None:
    gathering = HitCollector()
    times = sorted({(at * 10, on_snare): velocity for at, velocity, on_snare in strokes}.items())
    for (at_ms, on_snare), velocity in times:
        part = {"label": "snare" if on_snare else "tom_high", "velocity": velocity}
        gathering.add(as_tree({"onset_time": at_ms / 1000, "components": [part]}, "x: "), "one")
    ours = {
        times[int(lines[event])][0]
        for lines, found in (gathering.recordings() if times else [])
        for event in np.unique(drums.flam(found))
    }
    twin = set()
    for on_snare in (True, False):
        own = [(at_ms, velocity) for (at_ms, drum), velocity in times if drum == on_snare]
        for i, (at_ms, velocity) in enumerate(own):
            before = [other for other in own[:i] if at_ms - other[0] <= 45]
            chain = before and i >= 2 and own[i - 1][0] - own[i - 2][0] <= 45
            leads = i + 1 < len(own) and own[i + 1][0] - at_ms <= 45
            if before and not chain and not leads and own[i - 1][1] <= 0.8 * velocity:
                twin.add((at_ms, on_snare))
    assert ours == twin


@pytest.mark.parametrize(("asked", "code"), [("flam", 0), ("drag", 1)])
def test_required_techniques(tmp_path: Path, asked: str, code: int) -> None:
    events = write_lines(tmp_path / "events.jsonl", PHRASES["flam"][0])
    done = run(
        "annotate", "techniques", f"events={events}", f"output={tmp_path}/out", f"required=[{asked}]", "--dry-run"
    )
    assert done.exit_code == code
    assert not (tmp_path / "out").exists()


def test_the_examples_run(examples: Path, tmp_path: Path) -> None:
    done = run(
        "annotate", "techniques", f"events={examples}/events_health_example.jsonl",
        f"taxonomy={examples}/technique_taxonomy.json", f"output={tmp_path}", "--strict",
        "required=[hihat_bark, metric_modulation, variable_meter, multi_cymbal_same_class]",
    )  # fmt: skip
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "annotate-techniques: passed (5 passed)")
    assert set(RULES) <= {t["id"] for t in json.loads((examples / "technique_taxonomy.json").read_text())["techniques"]}
