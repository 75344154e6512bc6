"""The dataset card: counts that agree with the tables, one self-contained page, the same bytes for the same dataset."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from drumline.core.errors import REASONS
from drumline.core.svg import DARK, LIGHT
from drumline.dataset.card import Card, CardData, SourceTerms, card_data, render_card
from drumline.dataset.card_plots import histogram

TERMS = (
    SourceTerms("groove", "CC BY 4.0", "Gillick et al., ICML 2019", True),
    SourceTerms("mdb", "CC BY-NC-SA 4.0", "Southall et al., ISMIR 2017", False),
)
SONGS = [
    # song_id, domain, key, split, duration_s, hits by label, tempo_bpm, residual_ms
    ("a", "stem", "charts/a", "train", 3600.0, {"kick": 10, "cymbal": 5}, 120.0, 2.0),
    ("a", "mix", "charts/a", "train", 3600.0, {"kick": 10, "cymbal": 5}, 120.0, 6.0),
    ("b", "stem", "groove/b", "test", 1800.0, {"kick": 4, "snare_rim": 1}, None, float("nan")),
]
REJECTED = [("charts/c", "duplicate_near"), ("charts/d", "audio_silent"), ("sng/e", "duplicate_near")]


def tables(order: tuple[int, ...] = (0, 1, 2)) -> CardData:
    songs = [SONGS[index] for index in order]
    song_id, domain, key, split, duration_s, labels, tempo_bpm, residual_ms = zip(*songs, strict=True)
    return card_data(
        pa.table(
            {
                "song_id": song_id,
                "domain": domain,
                "key": key,
                "split": split,
                "duration_s": duration_s,
                "num_hits": [sum(counts.values()) for counts in labels],
                "label_counts": pa.array([list(c.items()) for c in labels], pa.map_(pa.string(), pa.int32())),
                "tempo_bpm": tempo_bpm,
                "loudness_lufs": [-12.0] * len(songs),
                "offset_s": [0.01] * len(songs),
                "residual_ms": residual_ms,
                "alignment": ["aligned"] * len(songs),
            }
        ),
        pa.table({"key": [key for key, _ in REJECTED], "reason": [reason for _, reason in REJECTED]}),
        name="Tom & <Snare>",
        fingerprint="0123456789abcdef",
        code_version="1.0",
        schema_version=1,
        target_lufs=-14.0,
        terms=TERMS,
    )


@pytest.fixture(scope="module")
def card() -> Card:
    return render_card(tables())


def test_counts_are_the_tables(card: Card) -> None:
    markdown = card.markdown
    assert "2 songs, 2.50 hours of recordings, 20 hits. 3 songs were rejected." in markdown
    assert "| charts | 1 | 2 | 2.00 | 15 | 4.0 | 2 |" in markdown
    assert "| groove | 1 | 1 | 0.50 | 5 | – | 0 |" in markdown
    assert "| sng | 0 | 0 | 0.00 | 0 | – | 1 |" in markdown
    assert "| validation | 0 | 0 | 0.00 | 0 |" in markdown
    assert "5 of 20 hits have a label that leaves the class open" in markdown
    assert f"| duplicate_near | 2 | {REASONS['duplicate_near']} |" in markdown
    assert "| mdb | CC BY-NC-SA 4.0 | **not allowed** |" in markdown


def test_the_rows_order_changes_no_byte(card: Card) -> None:
    assert render_card(tables((2, 1, 0))) == card


def test_the_markdown_shows_the_plots_that_there_are(card: Card) -> None:
    assert re.findall(r"\]\((card/\w+\.svg)\)", card.markdown) == list(card.plots)
    assert len(card.plots) == 8


def test_plots_are_whole_drawings_that_follow_the_colour_scheme(card: Card) -> None:
    for svg in card.plots.values():
        ElementTree.fromstring(svg)
        used = set(re.findall(r"var\((--[a-z0-9-]+)\)", svg))
        assert used <= LIGHT.keys() == DARK.keys()
        assert "prefers-color-scheme:dark" in svg
        assert not re.search(r"(fill|stroke): #", svg)


def test_the_page_stands_alone_and_escapes_what_sources_say(card: Card) -> None:
    html = card.html
    assert "<title>Tom &amp; &lt;Snare&gt; – dataset card</title>" in html

    class Page(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.outside: list[str] = []
            self.ids: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            for name, value in attrs:
                if name in ("src", "href", "xlink:href") and not str(value).startswith("#"):
                    self.outside.append(str(value))
                if name == "id":
                    self.ids.append(str(value))

    page = Page()
    page.feed(html)
    assert not page.outside
    assert "url(http" not in html
    assert "<script" not in html
    assert len(page.ids) == len(set(page.ids))


def test_a_dataset_of_nothing_has_a_card() -> None:
    empty = tables()
    nothing = {name: value[:0] for name, value in vars(empty).items() if isinstance(value, np.ndarray)}
    card = render_card(CardData(**{**vars(empty), **nothing, "label_counts": {}}))
    assert "0 songs, 0.00 hours" in card.markdown
    assert card.html.count("nothing to show") == len(card.plots)


def test_a_histogram_says_where_its_outermost_bins_hold_more() -> None:
    edges = [0, 1, 2, 3, 4]
    assert "≥ 4" in histogram("h", np.array([1.5, 9.0]), edges=edges, unit="ms")
    assert "≤ 0" in histogram("h", np.array([1.5, -9.0]), edges=edges, unit="ms")
    inside = histogram("h", np.array([1.5, np.nan]), edges=edges, unit="ms")
    assert "≥" not in inside
    assert "≤" not in inside
