"""The tables of docs/formats.md and docs/configuration.md that are made from the code.

    python -m tests.docs.formats      # writes them anew (`make docs`)

A table stands between ``<!-- made: name -->`` and ``<!-- end -->``.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pydantic import BaseModel
from serve.settings import Settings

from drumline.charts.animations import ANIMATIONS
from drumline.charts.corpora import CORPORA
from drumline.charts.drum_maps import COMPONENTS, GENERAL_MIDI, ROLAND, DrumMap
from drumline.charts.elite_drums import ELITE
from drumline.charts.enst import LABELS_OF_WORDS
from drumline.charts.general_midi import PITCHES
from drumline.charts.mdb import SUBCLASSES
from drumline.charts.midi_json import LANES
from drumline.core.config import Config
from drumline.core.config_reference import sections
from drumline.core.errors import REASONS
from drumline.core.interval_value import Value
from drumline.core.taxonomy import CLASSES, LABELS
from drumline.dataset import sampling_weights, tables
from drumline.dataset.config import BuildConfig
from drumline.dataset.manifest import Manifest
from drumline.evaluation.calibrate import CalibrationConfig
from drumline.evaluation.config import EvaluationConfig
from drumline.evaluation.predict import PredictConfig
from drumline.export.config import ExportConfig
from drumline.quality.alignment.check import AlignmentCheckConfig
from drumline.quality.alignment.findings import AlignmentFindings
from drumline.quality.bootstrap.check import BootstrapCheckConfig
from drumline.quality.bootstrap.findings import BootstrapFindings
from drumline.quality.boundaries.config import BoundariesConfig
from drumline.quality.boundaries.findings import BoundaryFindings
from drumline.quality.boundaries.pack import BoundaryPackConfig, PackFindings
from drumline.quality.collect.add import AddConfig
from drumline.quality.collect.export import ExportCollectionConfig, ExportFindings
from drumline.quality.collect.extract import ExtractConfig
from drumline.quality.collect.importing import ImportConfig
from drumline.quality.collect.outcome import AddSamplesFindings
from drumline.quality.collect.stats import StatsConfig, StatsFindings
from drumline.quality.compare_manifests import CompareManifestsConfig, CompareManifestsFindings
from drumline.quality.gates import Gate
from drumline.quality.health.check import HealthConfig
from drumline.quality.health.compare import CompareHealthConfig, CompareHealthFindings
from drumline.quality.health.findings import HealthFindings
from drumline.quality.manifests.merge import MergeConfig, MergeFindings
from drumline.quality.manifests.openness import OpennessConfig, OpennessFindings
from drumline.quality.manifests.weights import DeriveWeightsConfig, DeriveWeightsFindings
from drumline.quality.negatives.findings import NegativeFindings
from drumline.quality.negatives.mine import MineNegativesConfig
from drumline.quality.open_set import OpenSetConfig, OpenSetFindings
from drumline.quality.ready import ReadyConfig, ReadyFindings
from drumline.quality.report import Input, Report
from drumline.quality.techniques.annotate import AnnotateConfig, AnnotateFindings
from drumline.quality.techniques.rules import RULES, rule_description
from drumline.rendering.corpus.config import CorpusConfig
from drumline.training.config import TrainConfig
from drumline.transcription import table as transcription_table
from drumline.transcription.library.config import LibraryConfig
from drumline.transcription.pseudo_labels import PseudoLabelConfig
from drumline.tuning import table as trials_table
from drumline.tuning.config import ParameterConfig, SweepConfig

PAGES: Final = tuple(
    Path(__file__).parents[2] / "docs" / name for name in ("formats.md", "configuration.md", "reports.md")
)
BLOCK: Final = re.compile(r"<!-- made: (\S+) -->\n(.*?)<!-- end -->", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def columns(of_table: Iterable[tables.Column]) -> str:
    return table(
        ("column", "type", "unit", "meaning"),
        (
            (f"`{column.name}`", f"{type_name(column.type)}{' or null' * column.nullable}", column.unit, column.meaning)
            for column in of_table
        ),
    )


def type_name(kind: pa.DataType) -> str:
    """An Arrow type as a reader calls it."""
    if pa.types.is_dictionary(kind):
        return f"{kind.value_type} (dictionary)"
    if pa.types.is_map(kind):
        return f"map of {kind.key_type} to {kind.item_type}"
    if pa.types.is_fixed_size_list(kind):
        return f"{kind.list_size} × {kind.value_type}"
    if pa.types.is_list(kind):
        return "list of hits" if kind.value_type == tables.HIT else f"list of {type_name(kind.value_type)}"
    return {"double": "float64", "float": "float32"}.get(str(kind), str(kind))


def keys(model: type[Config]) -> str:
    """A table for each section of a configuration."""
    parts = []
    for section in sections(model):
        name = section.name.rpartition(".")[2] and f"**`{section.name}`** "
        rows = (
            (f"`{key.name}`", key.type, f"`{key.default}`" if key.default else "", key.description.replace("``", "`"))
            for key in section.keys
        )
        parts.append(f"{name}{section.description}\n\n{table(('key', 'type', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


def parts_of_json(model: type[BaseModel]) -> str:
    """A table of what stands in a JSON file, and one for each kind of object in it."""
    schema = model.model_json_schema(mode="serialization")
    parts = [_properties(schema)]
    for name, own in schema.get("$defs", {}).items():
        if "properties" in own and name not in _FRAME:
            parts.append(f"**{name}**: {_line(own.get('description', ''))}\n\n{_properties(own)}")
    return "\n".join(parts)


def _properties(schema: Mapping[str, Any]) -> str:
    rows = (
        (f"`{name}`", _json_kind(own), _line(own.get("description", ""))) for name, own in schema["properties"].items()
    )
    return table(("key", "type", "meaning"), rows)


def _json_kind(schema: Mapping[str, Any]) -> str:
    """A JSON type as a reader calls it."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1].removesuffix("_")
    if "anyOf" in schema:
        return " or ".join(_json_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'"{word}"' for word in schema["enum"])
    if schema.get("type") == "array":
        items = [*dict.fromkeys(map(_json_kind, schema.get("prefixItems", [schema.get("items", {})])))]
        return f"list of {' and '.join(items)}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {_json_kind(schema['additionalProperties'])}"
    names = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "object"}
    return names.get(schema.get("type", "object"), schema.get("type", "object"))


def _line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def pieces(drum_map: DrumMap) -> str:
    """One row a piece: what most pitches mean is said once."""
    pitches: dict[tuple[str, str], list[int]] = {}
    for pitch, piece in drum_map.items():
        pitches.setdefault(piece, []).append(pitch)
    by_label = sorted(pitches.items(), key=lambda item: [*LABELS].index(item[0][0]))
    return table(("label", "piece", "pitch"), ((label, name, _listed(own)) for (label, name), own in by_label))


def general_midi() -> str:
    """What General MIDI's percussion is beyond the twelve classes is ``other``."""
    return pieces({pitch: piece for pitch, piece in GENERAL_MIDI.items() if piece[0] != "other"})


def words_by_label(labels: Mapping[str, str]) -> str:
    rows = ((label, _listed(f"`{word}`" for word, own in labels.items() if own == label)) for label in LABELS)
    return table(("label", "source's words"), (row for row in rows if row[1]))


def strokes(notes: Mapping[int, tuple[str, str]], *, base: int = 0) -> str:
    rows = ((str(base + pitch), label, name) for pitch, (label, name) in notes.items())
    return table(("pitch", "label", "stroke"), rows)


def _listed(items: Iterable[object]) -> str:
    return ", ".join(str(item) for item in items)


FINDINGS: Final[Mapping[str, type[Config]]] = {
    "alignment": AlignmentFindings,
    "bootstrap": BootstrapFindings,
    "boundaries": BoundaryFindings,
    "health": HealthFindings,
    "open-set": OpenSetFindings,
    "ready": ReadyFindings,
    "compare-health": CompareHealthFindings,
    "compare-manifests": CompareManifestsFindings,
    "boundary-pack": PackFindings,
    "merge-manifests": MergeFindings,
    "annotate-techniques": AnnotateFindings,
    "normalize-openness": OpennessFindings,
    "derive-weights": DeriveWeightsFindings,
    "mine-negatives": NegativeFindings,
    "collect": AddSamplesFindings,
    "collect-stats": StatsFindings,
    "collect-export": ExportFindings,
}
"""Of each command of the quality suite: what its report's ``findings`` hold."""

_FRAME: Final = ("Gate", "Input", "Value")
"""Described with the frame of all reports."""

BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "songs": lambda: columns(tables.SONGS_COLUMNS),
    "events": lambda: columns(tables.EVENTS_COLUMNS),
    "rejected": lambda: columns(tables.REJECTED_COLUMNS),
    "shard": lambda: columns(tables.shard_columns("flac", ())[len(tables.SONG_COLUMNS) :]),
    "logmel": lambda: columns(tables.PAYLOAD_COLUMNS["logmel"]),
    "grid": lambda: columns(tables.GRID_COLUMNS),
    "work": lambda: columns(tables.WORK_COLUMNS),
    "manifest": lambda: keys(Manifest),
    "reasons": lambda: table(("reason", "meaning"), ((f"`{name}`", text) for name, text in REASONS.items())),
    "labels": lambda: table(
        ("label", "may be"),
        ((f"`{name}`", _listed(c for c in CLASSES if c in LABELS[name])) for name in LABELS if name not in CLASSES),
    ),
    "animations": lambda: strokes(ANIMATIONS),
    "elite": lambda: strokes(ELITE, base=74),
    "class-order": lambda: table(
        ("code", *LANES), ((f"`{code}`", *(own[code] for own in LANES.values())) for code in LANES["true"])
    ),
    "components": lambda: words_by_label(COMPONENTS),
    "roland": lambda: pieces(ROLAND),
    "general-midi": general_midi,
    "written-pitches": lambda: table(
        ("label", "pitch"), ((f"`{label}`", str(pitch)) for label, pitch in PITCHES.items())
    ),
    "mdb": lambda: words_by_label(SUBCLASSES),
    "enst": lambda: words_by_label(LABELS_OF_WORDS),
    "corpora": lambda: table(
        ("name", "corpus", "licence", "trained on", "reference"),
        (
            (f"`{c.name}`", f"[{c.title}]({c.url})", c.licence, "yes" if c.may_train else "no", c.citation)
            for c in CORPORA.values()
        ),
    ),
    "sampling-weights": lambda: columns(sampling_weights.COLUMNS),
    "trials": lambda: columns(trials_table.COLUMNS),
    "transcriptions": lambda: columns(transcription_table.COLUMNS),
    "untranscribed": lambda: columns(transcription_table.REJECTED_COLUMNS),
    "config-build": lambda: keys(BuildConfig),
    "config-render": lambda: keys(CorpusConfig),
    "config-train": lambda: keys(TrainConfig),
    "config-tune": lambda: keys(SweepConfig),
    "config-tune-space": lambda: keys(ParameterConfig),
    "config-predict": lambda: keys(PredictConfig),
    "config-evaluate": lambda: keys(EvaluationConfig),
    "config-pseudo-label": lambda: keys(PseudoLabelConfig),
    "config-calibrate": lambda: keys(CalibrationConfig),
    "config-export": lambda: keys(ExportConfig),
    "config-library": lambda: keys(LibraryConfig),
    "config-serve": lambda: keys(Settings),
    "config-check-bootstrap": lambda: keys(BootstrapCheckConfig),
    "config-check-open-set": lambda: keys(OpenSetConfig),
    "config-check-alignment": lambda: keys(AlignmentCheckConfig),
    "config-check-boundaries": lambda: keys(BoundariesConfig),
    "config-boundary-pack": lambda: keys(BoundaryPackConfig),
    "config-check-health": lambda: keys(HealthConfig),
    "config-check-ready": lambda: keys(ReadyConfig),
    "config-compare-health": lambda: keys(CompareHealthConfig),
    "config-compare-manifests": lambda: keys(CompareManifestsConfig),
    "config-merge-manifests": lambda: keys(MergeConfig),
    "config-annotate-techniques": lambda: keys(AnnotateConfig),
    "config-normalize-openness": lambda: keys(OpennessConfig),
    "config-derive-weights": lambda: keys(DeriveWeightsConfig),
    "config-mine-negatives": lambda: keys(MineNegativesConfig),
    "config-collect-add": lambda: keys(AddConfig),
    "config-collect-extract": lambda: keys(ExtractConfig),
    "config-collect-import": lambda: keys(ImportConfig),
    "config-collect-stats": lambda: keys(StatsConfig),
    "config-collect-export": lambda: keys(ExportCollectionConfig),
    "techniques": lambda: table(("technique", "rule"), ((f"`{name}`", rule_description(name)) for name in RULES)),
    "report": lambda: _properties(Report[Config].model_json_schema(mode="serialization")),
    "report-gate": lambda: _properties(Gate.model_json_schema(mode="serialization")),
    "report-input": lambda: _properties(Input.model_json_schema(mode="serialization")),
    "report-value": lambda: _properties(Value.model_json_schema(mode="serialization")),
    **{f"report-{name}": partial(parts_of_json, model) for name, model in FINDINGS.items()},
}


def made_anew(page: str) -> str:
    """The page with every table made from the code as it is now. Raises KeyError for a table nobody makes."""
    return BLOCK.sub(lambda block: f"<!-- made: {block[1]} -->\n\n{BLOCKS[block[1]]()}\n<!-- end -->", page)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(made_anew(page.read_text(encoding="utf-8")), encoding="utf-8")
