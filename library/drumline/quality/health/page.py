"""HTML page of `check health`."""

from collections.abc import Mapping
from itertools import pairwise

from drumline.dataset.card_plots import bars, stacked_bars
from drumline.quality.health.findings import BUCKETS, UNSPECIFIED, HealthFindings, Histogram
from drumline.quality.page import Figure, Section, Table

_MOST_BARS = 30


def sections(found: HealthFindings) -> tuple[Section, ...]:
    """Sections of the HTML page; fields that the source lacks are omitted."""
    return _totals(found), _labels(found), _sound(found), _playing(found), _audio(found)


def _totals(found: HealthFindings) -> Section:
    return Section(
        "Totals",
        facts=(
            ("Events", found.events),
            ("Real", found.real),
            ("Synthetic", found.synthetic),
            ("Negative examples", found.negative),
            ("Songs" if found.kind == "dataset" else "Sessions", found.sessions),
            ("Drummers", found.drummers),
            ("Duplicates", found.duplicates),
            ("Unknown labels", sum(found.unknown_labels.values())),
        ),
    )


def _labels(found: HealthFindings) -> Section:
    ordered = sorted(found.labels.items(), key=lambda item: (-item[1].total, item[0]))
    shown = dict(ordered[:_MOST_BARS])
    balance = {name: {"real": float(label.real), "synthetic": float(label.synthetic)} for name, label in shown.items()}
    loud = {name: {b: float(label.dynamics[b]) for b in BUCKETS} for name, label in shown.items()}
    figures = (
        Figure("Labels", "Components by label.", stacked_bars("labels", balance, unit="components")),
        Figure("Dynamics by label", "Grey: unknown velocity.", stacked_bars("dynamics", loud, unit="components")),
    )
    table = Table(
        ("Label", "Total", "Real", "Synthetic", *BUCKETS),
        tuple(
            (name, label.total, label.real, label.synthetic, *(label.dynamics[b] for b in BUCKETS))
            for name, label in ordered
        ),
        title="All labels",
    )
    return Section("Labels", figures=figures, tables=(table,))


def _sound(found: HealthFindings) -> Section:
    quantities = {
        "Bleed": ("bleed", "Events by level of bleed from other drums.", found.bleed),
        "Mix context": ("context", "Events by kind of audio.", found.mix_context),
        "Sources": ("sources", "Events by source.", found.sources),
        "Splits": ("splits", "Events by split.", found.splits),
    }
    return Section("Sources", figures=_bars(quantities, unit="events"))


def _playing(found: HealthFindings) -> Section:
    quantities = {
        "Techniques": ("techniques", "Events by technique.", found.techniques),
        "Crash variants": (
            "crashes",
            f"By variant or name. {found.several_crashes:,} events have two or more simultaneous crashes.",
            found.crash_variants,
        ),
        "Unknown labels": ("unknown", "Not in the label set.", found.unknown_labels),
        "Unknown techniques": ("strange", "Not in the taxonomy.", found.unknown_techniques),
        "Openness of hi-hats": ("openness", "0 closed, 1 open.", _named(found.openness)),
    }
    return Section("Playing", figures=_bars(quantities, unit="events"))


def _audio(found: HealthFindings) -> Section:
    figures = _bars(
        {"Loudness": ("loudness", "Integrated, in LUFS.", _named(found.loudness))},
        unit="recordings" if found.kind == "dataset" else "events",
    )
    hours = {"By split": ("hours", "Hours of audio.", found.hours_by_split),
             "By source": ("hours_source", "Hours of audio.", found.hours_by_source)}  # fmt: skip
    return Section("Audio", figures=(*figures, *_bars(hours, unit="hours")))


def _bars(quantities: Mapping[str, tuple[str, str, Mapping[str, float]]], *, unit: str) -> tuple[Figure, ...]:
    """One drawing for each quantity that has values."""
    return tuple(
        Figure(title, caption, bars(name, dict(list(values.items())[:_MOST_BARS]), unit=unit))
        for title, (name, caption, values) in quantities.items()
        if any(values.values()) and values.keys() != {UNSPECIFIED}
    )


def _named(histogram: Histogram) -> dict[str, int]:
    """Counts by bin name, without the empty bins at either end."""
    names = [f"{low:g} to {high:g}" for low, high in pairwise(histogram.edges)]
    used = [index for index, count in enumerate(histogram.counts) if count]
    if not used:
        return {}
    return {names[index]: histogram.counts[index] for index in range(used[0], used[-1] + 1)}
