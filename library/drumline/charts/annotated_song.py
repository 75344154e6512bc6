"""A song as any source annotates it: hits, tempo, metadata, and labels that the source lacks."""

from dataclasses import dataclass, field

from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap


@dataclass(frozen=True)
class Metadata:
    """The words about a song. Empty where the source is silent; style tags removed."""

    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: str = ""
    charter: str = ""
    """Who charted or performed it: the person whose habits must not cross a split."""


@dataclass(frozen=True)
class AnnotatedSong:
    """One song as its source annotates it. Times are on the source's clock."""

    format: str
    """``chart``, ``mid``, ``midi_json``, ``beatsight``, ``events_jsonl``, ``rendered`` or the name of a corpus."""
    hits: tuple[Hit, ...]
    """In time order (`core.hits.sorted_hits`)."""
    metadata: Metadata = field(default_factory=Metadata)
    tempo: TempoMap | None = None
    """None where the source has no tempo map."""
    offset_s: float = 0.0
    """The source's own claim: ``audio_s = chart_s + offset_s``."""
    drum_type: str = ""
    """Game charts: ``four_lane``, ``pro`` or ``five_lane``."""
    unannotated: tuple[str, ...] = ()
    """Classes that this source leaves out even where they sound (game charts: hihat_pedal)."""
    repairs: tuple[str, ...] = ()
    """Repairs that were needed to read it, each with its location."""
    official_split: str = ""
    """``train``, ``validation`` or ``test`` where a corpus defines it."""
    group: str = ""
    """Songs with the same non-empty group share a split (one performance rendered twice, say)."""
    licence: str = ""
    """Licence of the annotation and of the audio beside it; empty if the source states none."""
    unsuitable: str = ""
    """Why it must not be trained on (a modchart); empty where it may."""
    note_signature: bytes = b""
    """Identifies the performance: equal for two copies of the same chart whatever their format or metadata."""
