"""The generated pages are what the code says, and their links lead somewhere."""

import re

from tests.docs.formats import BLOCK, BLOCKS, PAGES, made_anew

TEXTS = [page.read_text(encoding="utf-8") for page in PAGES]


def test_the_tables_are_those_of_the_code() -> None:
    for text in TEXTS:
        assert made_anew(text) == text, "make docs"
    assert {block[1] for text in TEXTS for block in BLOCK.finditer(text)} == BLOCKS.keys()


def test_every_link_within_a_page_has_its_heading() -> None:
    for text in TEXTS:
        headings = {
            re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
        }
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings
