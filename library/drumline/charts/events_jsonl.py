"""BeatSight's event manifests: one drum event a line, of many recordings in one file.

Each line has ``audio_path``, ``onset_time`` (seconds of that audio) and ``components`` with a label, a
velocity, a hi-hat openness and a dynamic bucket (or, in older files, a single ``label``). Lines of one
recording need not stand together; lines whose ``audio_path`` is null are events without audio, which no recording
has. Events marked ``negative_example`` are sounds that are *not* the named
piece: they give no hit, so that the place counts as silent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.beats import RESOLUTION, parse_metre
from drumline.charts.documents import Tree, read_json_lines
from drumline.charts.drum_maps import component_label
from drumline.core.hits import FLAGS, Hit, sorted_hits
from drumline.core.tempo import TempoMap

_FLAG_OF_BUCKET: Final = {"ghost": "ghost", "accent": "accent"}
_SPLITS: Final = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation",
                  "dev": "validation", "test": "test"}  # fmt: skip
_HIHATS: Final = frozenset({"hihat", "hihat_closed", "hihat_open"})


@dataclass(frozen=True)
class Recording:
    """One audio file of a manifest."""

    audio_path: str
    """As the manifest spells it: relative to the manifest's dataset, or absolute."""
    mix_context: str
    """``full_mix``, ``close_mic``, ``overheads``, or empty; several are joined by commas."""
    song: AnnotatedSong


@dataclass
class _Lines:
    """Events of one recording, collected from its lines."""

    hits: list[Hit] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    words_by_field: dict[str, set[str]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """The word that all lines agree on, else empty."""
        words = self.words_by_field.get(name, set())
        return next(iter(words)) if len(words) == 1 else ""


def read_events_jsonl(data: bytes, location: str) -> tuple[Recording, ...]:
    """Every recording of a manifest, by audio path. Raises ChartError at the first damaged line."""
    recordings: dict[str, _Lines] = {}
    for row in read_json_lines(data, location):
        if "audio_path" in row.values and not row.has("audio_path"):
            continue  # null: an event without audio
        lines = recordings.setdefault(row.text("audio_path"), _Lines())
        for name in ("session_id", "drummer_id", "source_set", "mix_context", "split", "tempo_bpm", "meter"):
            if word := row.text(name, ""):
                lines.words_by_field.setdefault(name, set()).add(word)
        onset_s = row.seconds("onset_time")
        if row.flag("negative_example"):
            lines.repairs.append(f"{row.location.rstrip(': ')}: a negative example, left out")
            continue
        techniques = row.texts("techniques")
        for part in components_of(row):
            lines.hits.append(_hit(part, onset_s, techniques, lines.repairs))
    return tuple(
        Recording(path, ",".join(sorted(lines.words_by_field.get("mix_context", set()))), _song(path, lines))
        for path, lines in sorted(recordings.items())
    )


def components_of(row: Tree) -> list[Tree]:
    """Components of an event, or the event itself where it does not list any; none of a negative example without."""
    return row.trees("components") if row.has("components") else [row]


def _hit(part: Tree, onset_s: float, techniques: Sequence[str], repairs: list[str]) -> Hit:
    name = part.text("label")
    label = component_label(name)
    flags = {_FLAG_OF_BUCKET.get(part.text("dynamic_bucket", ""), "")} | {t for t in techniques if t == "flam"}
    return Hit(
        time_s=onset_s,
        label=label,
        velocity=_fraction(part, "velocity", repairs),
        flags=tuple(flag for flag in FLAGS if flag in flags),
        openness=_fraction(part, "openness", repairs) if label in _HIHATS else None,
        source_name=name,
    )


def _fraction(part: Tree, name: str, repairs: list[str]) -> float | None:
    if not part.has(name):
        return None
    value = part.number(name)
    if not 0.0 <= value <= 1.0:
        repairs.append(f"{part.location}{name}: {value:g} brought into 0..1")
    return min(max(value, 0.0), 1.0)


def _song(path: str, lines: _Lines) -> AnnotatedSong:
    session, corpus = lines.one("session_id"), lines.one("source_set")
    return AnnotatedSong(
        format="events_jsonl",
        hits=sorted_hits(lines.hits),
        metadata=Metadata(
            title=path.rsplit("/", 1)[-1].rsplit(".", 1)[0], artist=corpus, charter=lines.one("drummer_id")
        ),
        tempo=_tempo_map(lines),
        repairs=tuple(lines.repairs),
        official_split=_SPLITS.get(lines.one("split").casefold(), ""),
        group=f"{corpus}:{session}" if session else "",
    )


def _tempo_map(lines: _Lines) -> TempoMap | None:
    """A steady tempo where all lines agree on it. Its phase is not told: beat 0 stands at second 0."""
    text = lines.one("tempo_bpm")
    try:
        tempo_bpm = float(text)
    except ValueError:
        return None
    if not 1.0 <= tempo_bpm <= 3_000.0:
        return None
    return TempoMap(RESOLUTION, ((0, tempo_bpm),), ((0, *(parse_metre(lines.one("meter")) or (4, 4))),))
