"""Dataset card: contents, sources and rejections of a dataset as Markdown and as one HTML page.

Numbers and plots are computed from `songs.parquet` and `rejected.parquet` and hold no date: equal datasets have equal
cards. Hits are counted once per song; hours, levels and alignment once per recording.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from drumline.core.errors import REASONS
from drumline.core.page import page_environment
from drumline.core.svg import standalone
from drumline.core.taxonomy import CLASSES, LABELS
from drumline.dataset import card_plots
from drumline.dataset.duplicates import DOMAINS_BY_PURITY
from drumline.dataset.splits import SPLITS

_TEMPO_EDGES_BPM: Final = tuple(range(40, 261, 10))
_LOUDNESS_EDGES_LUFS: Final = tuple(range(-40, 1, 2))
_RESIDUAL_EDGES_MS: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
_OFFSET_EDGES_S: Final = (-2, -1, -0.5, -0.2, -0.1, -0.05, -0.02, -0.01, 0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)


@dataclass(frozen=True)
class SourceTerms:
    """Licence, citation and permitted use of a source."""

    name: str
    """Name of the source: first part of its songs' keys."""
    licence: str
    citation: str
    may_train: bool


@dataclass(frozen=True)
class CardData:
    """Table columns that a card summarises; arrays over recordings have equal lengths."""

    name: str
    fingerprint: str
    """Fingerprint of the resolved configuration."""
    code_version: str
    schema_version: int
    target_lufs: float
    """Loudness that every recording was normalised to [LUFS]."""
    terms: tuple[SourceTerms, ...]
    first: NDArray[np.bool_]
    """True for the first recording of each song."""
    source: NDArray[np.str_]
    split: NDArray[np.str_]
    domain: NDArray[np.str_]
    alignment: NDArray[np.str_]
    duration_s: NDArray[np.float64]
    num_hits: NDArray[np.int64]
    tempo_bpm: NDArray[np.float64]
    """Mean tempo [beats/min]; NaN where unknown, as in the following arrays."""
    loudness_lufs: NDArray[np.float64]
    """Integrated loudness before normalisation [LUFS]."""
    offset_s: NDArray[np.float64]
    residual_ms: NDArray[np.float64]
    label_counts: Mapping[str, int]
    """Number of hits by label, counted once per song."""
    rejected_source: NDArray[np.str_]
    rejected_reason: NDArray[np.str_]


@dataclass(frozen=True)
class Card:
    """A rendered dataset card; the Markdown refers to its plots as files."""

    markdown: str
    html: str
    plots: Mapping[str, str]
    """SVG text by path relative to the Markdown file, such as ``card/tempo.svg``."""


def card_data(
    songs: pa.Table,
    rejected: pa.Table,
    *,
    name: str,
    fingerprint: str,
    code_version: str,
    schema_version: int,
    target_lufs: float,
    terms: Sequence[SourceTerms],
) -> CardData:
    """Extract the columns of a card from the tables (`tables.SONGS`, `tables.REJECTED`), by song id and domain."""
    songs = songs.sort_by([("song_id", "ascending"), ("domain", "ascending")])
    song_ids = _words(songs["song_id"])
    first = np.ones(len(song_ids), dtype=bool)
    first[1:] = song_ids[1:] != song_ids[:-1]
    counts: Counter[str] = Counter()
    for is_first, labels in zip(first, songs["label_counts"].to_pylist(), strict=True):
        if is_first:
            counts.update(dict(labels))
    return CardData(
        name=name,
        fingerprint=fingerprint,
        code_version=code_version,
        schema_version=schema_version,
        target_lufs=target_lufs,
        terms=tuple(sorted(terms, key=lambda source: source.name)),
        first=first,
        source=_heads(songs["key"]),
        split=_words(songs["split"]),
        domain=_words(songs["domain"]),
        alignment=_words(songs["alignment"]),
        duration_s=_numbers(songs["duration_s"]),
        num_hits=_numbers(songs["num_hits"]).astype(np.int64),
        tempo_bpm=_numbers(songs["tempo_bpm"]),
        loudness_lufs=_numbers(songs["loudness_lufs"]),
        offset_s=_numbers(songs["offset_s"]),
        residual_ms=_numbers(songs["residual_ms"]),
        label_counts={label: counts[label] for label in LABELS if counts[label]},
        rejected_source=_heads(rejected["key"]),
        rejected_reason=_words(rejected["reason"]),
    )


def render_card(data: CardData) -> Card:
    """Render a dataset card as Markdown and HTML."""
    environment = page_environment("dataset/templates")
    plots = _plots(data)
    facts: dict[str, Any] = {
        "data": data,
        "totals": _counts(data, np.ones(len(data.first), dtype=bool), np.ones(len(data.rejected_reason), dtype=bool)),
        "splits": {s: _counts(data, data.split == s, np.zeros(len(data.rejected_reason), dtype=bool)) for s in SPLITS},
        "sources": {s: _counts(data, data.source == s, data.rejected_source == s) for s in _source_names(data)},
        "rejections": [(reason, count, REASONS[reason]) for reason, count in _tally(data.rejected_reason).items()],
        "verdicts": _tally(data.alignment),
        "partial": sum(count for label, count in data.label_counts.items() if label not in CLASSES),
        "labelled": sum(data.label_counts.values()),
        "plots": plots,
    }
    return Card(
        markdown=environment.get_template("card.md.j2").render(facts),
        html=environment.get_template("card.html.j2").render(facts),
        plots={f"card/{plot['name']}.svg": standalone(plot["svg"]) for plot in plots},
    )


def _plots(data: CardData) -> list[dict[str, str]]:
    """Name, title, caption and drawing of each plot."""
    partial = [label for label in data.label_counts if label not in CLASSES]
    by_source = {s: int(data.num_hits[data.first & (data.source == s)].sum()) for s in _source_names(data)}
    hours = {
        split: {
            domain: float(data.duration_s[(data.split == split) & (data.domain == domain)].sum() / 3600)
            for domain in DOMAINS_BY_PURITY
            if domain in data.domain
        }
        for split in SPLITS
        if len(data.split)
    }
    drawings = {
        "classes": card_plots.bars("classes", data.label_counts, unit="hits", faint=partial),
        "sources": card_plots.bars("sources", dict(Counter(by_source).most_common()), unit="hits"),
        "hours": card_plots.stacked_bars("hours", hours, unit="hours of recordings"),
        "tempo": card_plots.histogram("tempo", data.tempo_bpm, edges=_TEMPO_EDGES_BPM, unit="beats per minute"),
        "loudness": card_plots.histogram(
            "loudness",
            data.loudness_lufs,
            edges=_LOUDNESS_EDGES_LUFS,
            unit="LUFS before the gain",
            mark=data.target_lufs,
        ),
        "residuals": card_plots.histogram("residuals", data.residual_ms, edges=_RESIDUAL_EDGES_MS, unit="milliseconds"),
        "offsets": card_plots.histogram("offsets", data.offset_s, edges=_OFFSET_EDGES_S, unit="seconds"),
        "rejections": card_plots.bars("rejections", _tally(data.rejected_reason), unit="songs"),
    }
    captions = {
        "classes": ("Class balance", "Hits of each label, each song once. Grey: labels that leave the class open."),
        "sources": ("Hits by source", "Each song once."),
        "hours": ("Hours by split and domain", "The domain is what a recording holds: drums alone, or a mix."),
        "tempo": ("Tempo", "Mean tempo of each recording. Songs without a tempo map are left out."),
        "loudness": ("Loudness", f"As found. The line is the target, {data.target_lufs:g} LUFS."),
        "residuals": ("Alignment residuals", "Median distance of chart and audio onsets after alignment."),
        "offsets": ("Alignment offsets", "Positive: the audio starts later than the chart says. Bins are not even."),
        "rejections": ("Rejected songs by reason", "Every one has a row, with its detail, in rejected.parquet."),
    }
    return [
        {"name": name, "title": captions[name][0], "caption": captions[name][1], "svg": svg}
        for name, svg in drawings.items()
    ]


def _counts(data: CardData, chosen: NDArray[np.bool_], rejected: NDArray[np.bool_]) -> dict[str, Any]:
    """Counts in one row of a card's table."""
    residuals_ms = data.residual_ms[chosen & np.isfinite(data.residual_ms)]
    return {
        "songs": int(np.sum(chosen & data.first)),
        "recordings": int(np.sum(chosen)),
        "duration_s": float(data.duration_s[chosen].sum()),
        "hits": int(data.num_hits[chosen & data.first].sum()),
        "residual_ms": f"{np.median(residuals_ms):.1f}" if len(residuals_ms) else "–",
        "rejected": int(np.sum(rejected)),
    }


def _source_names(data: CardData) -> list[str]:
    return sorted({*data.source.tolist(), *data.rejected_source.tolist()})


def _tally(words: NDArray[np.str_]) -> dict[str, int]:
    """Counts of values in decreasing order, ties in alphabetical order."""
    return dict(sorted(Counter(words.tolist()).items(), key=lambda item: (-item[1], item[0])))


def _words(column: pa.ChunkedArray) -> NDArray[np.str_]:
    return np.array(column.to_pylist(), dtype=np.str_)


def _heads(column: pa.ChunkedArray) -> NDArray[np.str_]:
    return np.array([key.split("/", 1)[0] for key in column.to_pylist()], dtype=np.str_)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in column.to_pylist()], dtype=np.float64)
