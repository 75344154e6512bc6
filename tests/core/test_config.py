"""Overrides by dotted names, and fingerprints of resolved configurations."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.core.config import Config, canonical_json, changed, fingerprint, load_config
from drumline.core.errors import ConfigError


class Stage(Config):
    epochs: int = 1


class Example(Config):
    rate_hz: float = 100.0
    stage: Stage = Stage()
    stages: tuple[Stage, ...] = (Stage(), Stage(epochs=2))
    name: str | None = None


def test_overrides_win_over_the_file_and_reach_into_sections_and_lists(tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    file.write_text("rate_hz: 50\nstages: [{epochs: 3}, {epochs: 4}]\n")
    found = load_config(Example, file, ["stage.epochs=7", "stages.1.epochs=9", "rate_hz=25"])
    assert found == Example(rate_hz=25.0, stage=Stage(epochs=7), stages=(Stage(epochs=3), Stage(epochs=9)))
    assert changed(Example(), {"stages.0.epochs": 5}, "test").stages == (Stage(epochs=5), Stage(epochs=2))


@pytest.mark.parametrize("text", ["20251109", "no", "2025-11-09", "007", "1e3"])
def test_a_name_that_yaml_takes_for_a_number_or_a_truth_value_is_a_name(text: str) -> None:
    assert load_config(Example, None, [f"name={text}"]).name == text
    assert load_config(Example, None, ["name=null"]).name is None
    with pytest.raises(ConfigError, match="name: Input should be a valid string"):
        load_config(Example, None, ["name=[1]"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stage.epochs", "write dotted.name=value"),
        ("=3", "write dotted.name=value"),
        ("stage.epoch=3", "stage.epoch: unknown key; did you mean stage.epochs?"),
        ("stage.epochs=many", "stage.epochs: .*'many'"),
        ("rate_hz=[1", "not YAML"),
    ],
)
def test_a_wrong_override_is_named_with_the_nearest_key(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(Example, None, [override])


def test_overrides_do_not_reach_through_values_or_beyond_lists() -> None:
    with pytest.raises(ConfigError, match="there is no item 2, only 2"):
        changed(Example(), {"stages.2.epochs": 1}, "test")
    with pytest.raises(ConfigError, match="rate_hz holds a value, not a section"):
        changed(Example(), {"rate_hz.low": 1}, "test")


def test_a_fingerprint_covers_defaults_and_not_the_way_they_were_set(tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    file.write_text("rate_hz: 100\n")
    assert fingerprint(load_config(Example, file)) == fingerprint(Example())
    assert fingerprint(Example(name="x")) != fingerprint(Example())


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_the_order_of_keys_does_not_matter(values: dict[str, object]) -> None:
    backwards = dict(reversed(list(values.items())))
    assert canonical_json(values) == canonical_json(backwards)
    assert fingerprint(values) == fingerprint(backwards)


def test_parts_of_a_fingerprint_do_not_run_together() -> None:
    assert len({fingerprint(*parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), ("c", "ab"))}) == 4
