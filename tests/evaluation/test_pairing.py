"""Predictions and songs belong together by name, and by nothing less than a clear one."""

import pytest

from drumline.core.errors import ConfigError
from drumline.evaluation.pairing import Unmatched, pair
from drumline.evaluation.references import ReferenceSong

SONGS = [
    ReferenceSong("set/Band/One", "set", "", ("set/Band/One", "Band/One", "One")),
    ReferenceSong("set/Two.stem", "set", "stem", ("set/Two.stem", "Two.stem", "Two.drums")),
    ReferenceSong("set/Two.mix", "set", "mix", ("set/Two.mix", "Two.mix", "Two.drums")),
]


def paired(*names: str, unmatched: Unmatched = "error") -> dict[str, str]:
    return pair(SONGS, {name: name.upper() for name in names}, system="sys", unmatched=unmatched)


def test_a_name_may_have_other_folders_before_it() -> None:
    assert paired("out/run 3/Band/One", "Two.stem", "x/Two.mix") == {
        "set/Band/One": "OUT/RUN 3/BAND/ONE",
        "set/Two.stem": "TWO.STEM",
        "set/Two.mix": "X/TWO.MIX",
    }


@pytest.mark.parametrize(
    ("names", "unmatched", "message"),
    [
        (["One", "Two.stem"], "error", "1 songs without: set/Two.mix"),
        (["One", "Two.stem", "Two.mix", "Three"], "error", "1 predictions without a song: Three"),
        (["Three"], "ignore", "0 songs have predictions"),
        (["Two.drums"], "ignore", "'Two.drums' may be any of set/Two.mix, set/Two.stem: give it a longer name"),
        (["One", "Band/One"], "ignore", "'One' and 'Band/One' are both predictions of set/Band/One"),
    ],
)
def test_what_does_not_match_is_told(names: list[str], unmatched: Unmatched, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        paired(*names, unmatched=unmatched)


def test_what_does_not_match_may_be_left_out() -> None:
    assert paired("One", "Three", unmatched="ignore") == {"set/Band/One": "ONE"}
