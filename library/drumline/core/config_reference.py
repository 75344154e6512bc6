"""Reference of configuration keys with their types, defaults and descriptions.

All of it is read off the models (`core.config.Config`): a key's description is the docstring under its field.
"""

import json
import textwrap
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeGuard

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from drumline.core.config import Config

_KINDS: Final = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    types.NoneType: "null",
    Any: "anything",
}
_LIMITS: Final = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


@dataclass(frozen=True)
class Key:
    """One key of a configuration."""

    name: str
    """Dotted, as in an override: ``alignment.max_offset_s``. A part ``roots[]`` stands for each item of a list."""
    type: str
    default: str
    """As JSON, which is also YAML; empty where the key is required."""
    description: str


@dataclass(frozen=True)
class Section:
    """The keys of one model."""

    name: str
    """Dotted; empty for the top."""
    description: str
    keys: tuple[Key, ...]


def sections(model: type[BaseModel], name: str = "") -> Iterator[Section]:
    """The sections of a configuration, each before those below it."""
    prefix = f"{name}." if name else ""
    inner = {
        prefix + key: section
        for key, field in model.model_fields.items()
        if (section := _section_of(field)) is not None
    }
    keys = [
        Key(prefix + key, _type(field), _default(field), _line(field.description))
        for key, field in model.model_fields.items()
        if prefix + key not in inner or _is_list(field)
    ]
    yield Section(name, _line(model.__doc__), tuple(keys))
    for key, section in inner.items():
        yield from sections(section, f"{key}[]" if _is_list(model.model_fields[key.removeprefix(prefix)]) else key)


def as_text(model: type[BaseModel]) -> str:
    """All keys for a terminal: ``name: type = default`` and the description below."""
    lines = []
    for section in sections(model):
        lines += [f"# {section.description}", ""]
        for key in section.keys:
            default = f" = {key.default}" if key.default else "  (required)"
            description = textwrap.fill(
                key.description.replace("``", ""), 100, initial_indent="    ", subsequent_indent="    "
            )
            lines += [f"{key.name}: {key.type}{default}", description, ""]
    return "\n".join(lines[:-1])


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a section, or of the items of a list of them."""
    candidates = [field.annotation, *typing.get_args(field.annotation)]
    return next((each for each in candidates if _is_section(each) and not _shown_as(each)), None)


def _is_section(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _shown_as(annotation: Any) -> str:
    """The one word for a small model that is shown whole; empty for anything else."""
    return annotation.SHOWN_AS if isinstance(annotation, type) and issubclass(annotation, Config) else ""


def _is_list(field: FieldInfo) -> bool:
    return typing.get_origin(field.annotation) is tuple


def _type(field: FieldInfo) -> str:
    limits = [
        f"{sign} {getattr(limit, name):g}"
        for limit in field.metadata
        for name, sign in _LIMITS.items()
        if getattr(limit, name, None) is not None
    ]
    return " ".join([_kind(field.annotation), *([" and ".join(limits)] if limits else [])])


def _kind(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " or ".join(json.dumps(choice) for choice in arguments)  # quoted: YAML's bare true is no text
    if origin is tuple:
        return "list of sections" if _is_section(arguments[0]) else f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"map of {_kind(arguments[0])} to {_kind(arguments[1])}"
    if origin is types.UnionType:
        return " or ".join(_kind(each) for each in arguments)
    return _shown_as(annotation) or _KINDS[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    return json.dumps(field.get_default(call_default_factory=True), ensure_ascii=False, default=_plain)


def _plain(value: BaseModel) -> dict[str, Any]:
    """A model that is shown whole, less what it leaves at its defaults."""
    return value.model_dump(mode="json", exclude_defaults=True)


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
