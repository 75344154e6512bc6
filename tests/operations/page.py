"""docs/operations.md as a program: its blocks by section, and what kind each is."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "operations.md"
_BLOCK: Final = re.compile(
    r"^(?:## (?P<title>[^\n]*)|```bash (?P<kind>\w+)\n(?P<text>.*?)```)$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """Commands of the page."""

    section: str
    """The heading above them; empty before the first."""
    kind: str
    """``run`` for those that `make operations` runs, ``cloud`` for those that need one."""
    text: str

    def commands(self) -> Iterator[list[str]]:
        """Each simple command, as a shell would split it."""
        for line in self.text.splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=";|()&")
            lexer.whitespace_split = True
            lexer.commenters = "#"
            words: list[str] = []
            for word in [*lexer, ";"]:
                if not re.fullmatch(r"[;|()&]+", word):
                    words.append(word)
                elif words := [each for each in words if each not in ("until", "while", "do", "done")]:
                    yield words
                    words = []


def blocks() -> list[Block]:
    """All of the page, in its order."""
    found, section = [], ""
    for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if match["title"]:
            section = match["title"]
        else:
            found.append(Block(section, match["kind"], match["text"]))
    return found
