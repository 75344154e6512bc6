"""The list of keys says what the configuration accepts."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import yaml
from click.testing import CliRunner
from pydantic import Field

from drumline.cli import main
from drumline.core.config import Config
from drumline.core.config_reference import Key, sections
from drumline.dataset.config import BuildConfig


class Inner(Config):
    """A place."""

    uri: str
    """Where it is."""


class Outer(Config):
    """All of it."""

    share: float = Field(default=0.5, gt=0, le=1)
    """How much
    of it."""
    size: int | None = None
    """How large."""
    places: tuple[Inner, ...]
    """Where to look."""
    home: Inner = Inner(uri="x")


class Point(Config):
    """Shown whole."""

    SHOWN_AS: ClassVar[str] = "point"
    x: int = 0
    """Right."""
    y: int = 0
    """Up."""


class Plane(Config):
    """Points."""

    here: Point | None = Point(x=1)
    """A point."""
    named: dict[str, Point] = Field(default={})
    """Points by name."""


def test_small_models_are_shown_whole() -> None:
    (plane,) = sections(Plane)
    assert plane.keys == (
        Key("here", "point or null", '{"x": 1}', "A point."),
        Key("named", "map of text to point", "{}", "Points by name."),
    )


def test_types_limits_defaults_and_nesting() -> None:
    top, location, home = sections(Outer)
    assert (top.name, location.name, home.name) == ("", "places[]", "home")
    assert top.keys == (
        Key("share", "number > 0 and ≤ 1", "0.5", "How much of it."),
        Key("size", "whole number or null", "null", "How large."),
        Key("places", "list of sections", "", "Where to look."),
    )
    assert location.keys == (Key("places[].uri", "text", "", "Where it is."),)
    assert [key.name for key in home.keys] == ["home.uri"]


def test_the_defaults_told_are_the_defaults_in_force() -> None:
    tree: dict[str, Any] = {"name": "x", "roots": [{"uri": "a"}], "output": "b"}
    told = {key.name: key for section in sections(BuildConfig) for key in section.keys}
    assert all(key.description for key in told.values())
    in_force = dict(leaves(BuildConfig.model_validate(tree, strict=False).model_dump(mode="json")))
    silent_when_off = {"shards.logmel.extra_n_ffts", "shards.logmel.flux_lag"}
    assert in_force.keys() == told.keys() - silent_when_off
    for name, value in in_force.items():
        if told[name].default:
            assert yaml.safe_load(told[name].default) == value, name


def leaves(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in tree.items():
        if name == "roots":
            found += [(name, value), *leaves(value[0], "roots[].")]
        elif isinstance(value, dict) and name != "widen":
            found += leaves(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found


@pytest.mark.parametrize("line", ["alignment.max_residual_ms: number > 0 = 30.0", "roots[].uri: text  (required)"])
def test_explain_needs_no_configuration(line: str) -> None:
    result = CliRunner().invoke(main, ["build-dataset", "--explain"])
    assert result.exit_code == 0
    assert line in result.output.splitlines()
