"""docs/formats.md is what the code says, and its links lead somewhere."""

import re

from tests.docs.formats import BLOCK, BLOCKS, PAGE, made_anew

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_code() -> None:
    assert made_anew(TEXT) == TEXT, "make docs"
    assert {block[1] for block in BLOCK.finditer(TEXT)} == BLOCKS.keys()


def test_every_link_within_the_page_has_its_heading() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", BLOCK.sub("", TEXT), re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
