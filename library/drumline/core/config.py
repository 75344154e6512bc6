"""Strict configuration: one YAML file, ``dotted.name=value`` overrides, and errors that name the nearest key.

A configuration is a tree of frozen pydantic models. Nothing unknown is accepted, and every default is
resolved before any work begins, so that `fingerprint` speaks of the whole and not of the delta.
"""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from drumline.core.documents import DocumentError, parse_yaml
from drumline.core.errors import ConfigError


class Config(BaseModel):
    """The base of every configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    SHOWN_AS: ClassVar[str] = ""
    """Name of the value's type in `core.config_reference`, if it is shown whole instead of as a section."""


C = TypeVar("C", bound=Config)


def load_config(model: type[C], path: str | Path | None, overrides: Sequence[str] = ()) -> C:
    """The configuration of a YAML file, or of the defaults, with overrides such as ``alignment.max_offset_s=3``.

    Raises ConfigError: no such file, not a mapping, an unknown key (with the nearest known one), a bad value.
    """
    if path is None:
        return _overridden(model, {}, overrides, location="configuration")
    tree = read_yaml_file(path)
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: must be a mapping of keys, not {type(tree).__name__}")
    return _overridden(model, tree, overrides, location=str(path))


def read_yaml_file(path: str | Path) -> Any:
    """The value of a YAML file in UTF-8. Raises ConfigError with the place of the first fault."""
    try:
        data = Path(path).read_bytes()
        return parse_yaml(data.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: not UTF-8 (byte {data[error.start]:#04x}; is it Latin-1 or UTF-16?): save it as UTF-8"
        ) from error
    except DocumentError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error


def parse_config(model: type[C], tree: dict[str, Any], location: str) -> C:
    """A configuration from a mapping; ``location`` stands at the head of each error."""
    try:
        return _validated(model, tree)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(model, detail, location) for detail in error.errors())) from error


def _validated(model: type[C], tree: dict[str, Any]) -> C:
    # Through JSON, where strictness still lets a list be a tuple and a whole number a float.
    return model.model_validate_json(json.dumps(tree, default=str))


def changed(config: C, values: Mapping[str, Any], location: str) -> C:
    """A configuration with other values of some keys, by dotted name; items of lists by number (``stages.0.epochs``).

    Raises ConfigError for an unknown key or a bad value; ``location`` stands at the head of each error.
    """
    tree = config.model_dump(mode="json")
    for name, value in values.items():
        _set(tree, name, value, location=location)
    return parse_config(type(config), tree, location)


def fingerprint(*parts: BaseModel | str | bytes | dict[str, Any] | list[Any]) -> str:
    """A short hash of resolved configurations and other facts: equal if and only if all parts are."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else canonical_json(part).encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:16]


def canonical_json(value: BaseModel | str | dict[str, Any] | list[Any], *, indent: int | None = None) -> str:
    """JSON with sorted keys, so that equal values give equal text. Indented JSON is for people, and slow to make."""
    tree = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return json.dumps(tree, sort_keys=True, ensure_ascii=False, indent=indent)


def _overridden(model: type[C], tree: dict[str, Any], overrides: Sequence[str], *, location: str) -> C:
    texts = {name: (value, text) for name, value, text in (_apply(tree, override) for override in overrides)}
    try:
        return _validated(model, tree)
    except ValidationError as error:
        faults = {".".join(map(str, detail["loc"])) for detail in error.errors() if detail["type"] == "string_type"}
    # A name such as 20251109 or no is a number or a boolean in YAML.
    for name in faults & {name for name, (value, _) in texts.items() if isinstance(value, (int, float, date))}:
        _set(tree, name, texts[name][1], location=f"override {name}")
    return parse_config(model, tree, location=location)


def _apply(tree: dict[str, Any], override: str) -> tuple[str, Any, str]:
    """Apply an override to a mapping; gives its name, value and text."""
    name, equals, text = override.partition("=")
    if not equals or not name:
        raise ConfigError(f"override {override!r}: write dotted.name=value")
    try:
        value = parse_yaml(text)
    except DocumentError as error:
        raise ConfigError(f"override {override!r}: the value is not YAML: {error}") from error
    _set(tree, name, value, location=f"override {override!r}")
    return name, value, text


def _set(tree: dict[str, Any], name: str, value: Any, *, location: str) -> None:
    parts = name.split(".")
    node: Any = tree
    for parent, below in pairwise(parts):
        key = _key(node, parent, location)
        child = node.get(key) if isinstance(node, dict) else node[key]
        if child is None:
            child = node[key] = {}
        if not isinstance(child, dict) and not (isinstance(child, list) and below.isdigit()):
            raise ConfigError(f"{location}: {parent} holds a value, not a section")
        node = child
    node[_key(node, parts[-1], location)] = value


def _key(node: dict[str, Any] | list[Any], name: str, location: str) -> Any:
    """Key of a part of a dotted name in a node; items of a list are named by number."""
    if isinstance(node, dict):
        return name
    if int(name) >= len(node):
        raise ConfigError(f"{location}: there is no item {name}, only {len(node)} (counted from 0)")
    return int(name)


def _explain(model: type[BaseModel], detail: Any, location: str) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"{location}: {key}: must be set"
    if detail["type"] != "extra_forbidden":
        return f"{location}: {key}: {detail['msg']} (got {detail['input']!r})"
    known = list(_known_keys(model))
    *section, leaf = (part for part in detail["loc"] if isinstance(part, str))
    # The name counts for more than the place: a key in the wrong section finds its own.
    same_leaf = difflib.get_close_matches(leaf, [key.rsplit(".", 1)[-1] for key in known], n=1, cutoff=0.7)
    candidates = [key for key in known if same_leaf and key.rsplit(".", 1)[-1] == same_leaf[0]] or known
    near = difflib.get_close_matches(".".join([*section, leaf]), candidates, n=1, cutoff=0.0)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{location}: {key}: unknown key{hint}"


def _known_keys(model: type[BaseModel], prefix: str = "") -> Iterable[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _known_keys(kind, f"{prefix}{name}.")
