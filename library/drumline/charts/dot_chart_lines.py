"""The skeleton of a .chart: sections, and lines ``tick = code values``.

White space is free here, though the games want exactly one space; what is mended is told with ``file:line``.
"""

import re
from collections.abc import Sequence
from typing import Final

from drumline.charts.chart import DIFFICULTIES, MAX_TICK
from drumline.charts.text import leading_number, split_lines, trimmed
from drumline.core.errors import ChartError

SECTION_OF: Final = {f"{difficulty.title()}Drums": difficulty for difficulty in DIFFICULTIES}

_HEADER: Final = re.compile(r"\[([^\]]*)\]\s*(\{)?$")
_EVENT: Final = re.compile(r"\+?([0-9]{1,10})(?:[.,]([0-9]*))?\s*=\s*([A-Za-z]+)\s*(.*)$")

Line = tuple[int, str]
"""(number from 1, text without outer white space)"""
Event = tuple[int, int, str, str]
"""(line number, tick, code, values)"""
MAX_VALUE: Final = 10**10
"""Largest number in an event: ten digits, beyond any length or tempo."""


def unquoted(value: str) -> str:
    """A value without its outer quotes: inner ones belong to it."""
    return trimmed(value).removeprefix('"').removesuffix('"')


def numbers(values: str) -> list[float]:
    """The numbers that the values of an event begin with, at most two; what follows them means nothing."""
    found = []
    for word in values.split(maxsplit=2)[:2]:
        value = float(word) if word.isdecimal() else leading_number(word)
        if value is None or abs(value) >= MAX_VALUE:
            break
        found.append(value)
    return found


def sections(text: str, name: str, repairs: list[str]) -> dict[str, list[Line]]:
    """The lines of the sections we read. Only a line-leading brace or header ends one: values may hold either."""
    wanted = {"song": "Song", "synctrack": "SyncTrack", "events": "Events"}
    wanted |= {section.casefold(): section for section in SECTION_OF}
    found: dict[str, list[Line]] = {}
    current: list[Line] | None = None
    section: str | None = None
    title, is_open = "", False
    for number, line in enumerate(map(trimmed, split_lines(text)), start=1):
        if line.startswith("["):
            header = _HEADER.match(line)
            if header is None:
                repairs.append(f"{name}:{number}: not a section header: {line[:40]!r} (left out)")
                continue
            if is_open:
                repairs.append(f"{name}:{number}: section [{title[:40]}] was not closed before this one")
            title, is_open = header[1].strip(), header[2] is not None
            section = wanted.get(title.casefold())
            if found.get(section or ""):
                repairs.append(f"{name}:{number}: [{section}] stands twice (the last that holds anything is read)")
            current = None if section is None else []
            if section is not None:
                found.setdefault(section, [])
        elif line.startswith("{"):
            is_open = True
        elif line.startswith("}"):
            current, is_open = None, False
        elif current is not None and section is not None and line:
            current.append((number, line))
            found[section] = current
    if is_open:
        repairs.append(f"{name}: section [{title[:40]}] is not closed at the end (was the file cut?)")
    return found


def song_values(lines: Sequence[Line]) -> dict[str, str]:
    """[Song] by lower-case key, outer quotes removed: inner ones belong to the value."""
    values = {}
    for _, line in lines:
        key, equals, value = line.partition("=")
        if equals:
            values[trimmed(key).casefold()] = unquoted(value)
    return values


def events(lines: Sequence[Line], name: str, repairs: list[str]) -> list[Event]:
    """Lines ``tick = code values`` in order of tick. What is not one is left out, with a repair."""
    found: list[Event] = []
    is_sorted = True
    for number, line in lines:
        match = _EVENT.match(line)
        if match is None:
            repairs.append(f"{name}:{number}: not understood: {line[:40]!r} (left out)")
            continue
        tick = int(match[1]) + ((match[2] or "0")[0] >= "5")
        if tick > MAX_TICK:
            raise ChartError(f"{name}:{number}", f"tick {tick} is beyond {MAX_TICK}")
        if is_sorted and found and tick < found[-1][1]:
            is_sorted = False
            repairs.append(f"{name}:{number}: tick {tick} is out of order after {found[-1][1]} (sorted)")
        found.append((number, tick, match[3].upper(), match[4]))
    found.sort(key=lambda event: event[1])
    return found
