"""BeatSight beatmaps: ``.bsm`` (camelCase, components such as ``hihat_closed``) and ``.bs`` (PascalCase, ``HiHat``).

JSON, times in whole milliseconds of the audio. ``timing.offset`` is where the first beat sounds, not a shift:
in the specification's own example it is 170 ms, the first timing point stands there, and the hits lie on that
grid. Names match whatever their case. Lanes are ignored: the specification and its sample number them
differently. Velocity 0.8 is the default that editors write, and means nothing.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from drumline.charts import provenance
from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.beats import parse_metre, tempo_from_marks
from drumline.charts.documents import Tree, read_json
from drumline.charts.drum_maps import component_label
from drumline.charts.text import plain
from drumline.core.hits import Hit, sorted_hits
from drumline.core.tempo import TempoMap

_DEFAULT_VELOCITY: Final = 0.8

_COMPONENTS: Final = {
    "kick": "kick", "snare": "snare", "snare_head": "snare", "snare_rim": "snare",
    "tom_high": "tom_high", "tom_mid": "tom_mid", "tom_floor": "tom_low", "tom": "tom",
    "hihat_closed": "hihat_closed", "hihat_open": "hihat_open", "hihat_pedal": "hihat_pedal", "hihat": "hihat",
    "ride_body": "ride", "ride_bell": "ride_bell", "ride": "ride", "crash": "crash",
    "cymbal": "cymbal", "tom_or_cymbal": "tom_or_cymbal", "unclear": "unclear",
    "other": "aux_percussion",
}  # fmt: skip
"""Label -> component. The specification's sixteen where they say it, custom names for what is only half known."""

_KEPT_NAMES: Final = frozenset({"crash2", "china", "splash", "cowbell", "tambourine"})
"""Components of the specification that our labels merge: written again where the source named them."""


@dataclass(frozen=True)
class Audio:
    """The audio that a beatmap is written for."""

    filename: str
    """Relative to the beatmap."""
    sha256: str
    duration_s: float
    rate_hz: int
    drum_stem: str = ""
    """File name of the isolated drums, if any."""


def read_beatsight(data: bytes, location: str) -> AnnotatedSong:
    """A ``.bsm`` or ``.bs`` file. Raises ChartError where it breaks the format."""
    tree = read_json(data, location)
    words = tree.tree("metadata")
    if not tree.has("hitObjects"):
        raise tree.fault("hitObjects", "missing")
    repairs: list[str] = []
    return AnnotatedSong(
        format="beatsight",
        hits=sorted_hits([_hit(each, repairs) for each in tree.trees("hitObjects")]),
        metadata=Metadata(
            title=plain(words.text("title", "")),
            artist=plain(words.text("artist", "")),
            album=plain(words.text("source", "")),
            genre=plain(", ".join(words.texts("tags"))),
            charter=plain(words.text("creator", "")),
        ),
        tempo=_tempo_map(tree.tree("timing")),
        repairs=tuple(repairs),
    )


def audio_filenames(data: bytes, location: str) -> tuple[str, str]:
    """(mix, drum stem) file names that a beatmap asks for; empty where it names none."""
    audio = read_json(data, location).tree("audio")
    return audio.text("filename", ""), audio.text("drumStem", "")


def write_bsm(song: AnnotatedSong, *, audio: Audio, created_at: str, difficulty: float = 5.0, mark: str = "") -> bytes:
    """A ``.bsm`` file; ``created_at`` in ISO 8601, ``difficulty`` 0 to 10, ``mark`` a key of its own.

    Read back, times are the same to half a millisecond, and labels the same or wider: the format has one
    snare and one ride, and no flags. Equal inputs give equal bytes.
    """
    hits = [
        {
            "time": round(hit.time_s * 1000),
            "component": _component(hit),
            "velocity": _DEFAULT_VELOCITY if hit.velocity is None else hit.velocity,
        }
        for hit in song.hits
    ]
    tempo = song.tempo or TempoMap(480)
    points = _timing_points(tempo)
    words = song.metadata
    content = json.dumps([hits, points, audio.sha256, words.title, words.artist])
    document: dict[str, Any] = {
        "version": "1.0.0",
        "metadata": {
            "title": words.title,
            "artist": words.artist,
            "creator": words.charter,
            "source": words.album,
            "tags": [tag.strip() for tag in words.genre.split(",") if tag.strip()],
            "difficulty": difficulty,
            "beatmapId": str(uuid.UUID(bytes=hashlib.sha256(content.encode()).digest()[:16], version=4)),
            "createdAt": created_at,
            "modifiedAt": created_at,
        },
        "audio": {
            "filename": audio.filename,
            "hash": f"sha256:{audio.sha256}",
            "duration": round(audio.duration_s * 1000),
            "sampleRate": audio.rate_hz,
        },
        "timing": {
            "bpm": points[0]["bpm"],
            "offset": 0,
            "timeSignature": points[0]["timeSignature"],
            "timingPoints": points,
        },
        "drumKit": {"components": sorted({hit["component"] for hit in hits}), "layout": "standard_5piece"},
        "hitObjects": hits,
    }
    if mark:
        document[provenance.KEY] = mark
    if audio.drum_stem:
        document["audio"]["drumStem"] = audio.drum_stem
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _hit(tree: Tree, repairs: list[str]) -> Hit:
    name = tree.text("component")
    velocity = tree.number("velocity", _DEFAULT_VELOCITY)
    if not 0.0 <= velocity <= 1.0:
        repairs.append(f"{tree.location}velocity: {velocity:g} brought into 0..1")
        velocity = min(max(velocity, 0.0), 1.0)
    return Hit(
        time_s=tree.seconds("time", unit_s=0.001),
        label=component_label(name),
        velocity=None if velocity == _DEFAULT_VELOCITY else velocity,
        source_name=name,
    )


def _component(hit: Hit) -> str:
    name = hit.source_name.strip().casefold()
    if name in _KEPT_NAMES and component_label(name) == hit.label:
        return name
    return _COMPONENTS[hit.label]


def _tempo_map(timing: Tree) -> TempoMap | None:
    if not timing.has("timingPoints") and not timing.has("bpm"):
        return None
    first_s = timing.seconds("offset", unit_s=0.001) if timing.has("offset") else 0.0
    timed = [(point.seconds("time", unit_s=0.001), point) for point in timing.trees("timingPoints")]
    timed.sort(key=lambda pair: pair[0])
    if timing.has("bpm") and not (timed and timed[0][0] <= first_s):
        timed.insert(0, (first_s, timing))
    marks = [(time_s, point.number("bpm")) for time_s, point in timed]
    metres = [(i, parse_metre(point.text("timeSignature", ""))) for i, (_, point) in enumerate(timed)]
    return tempo_from_marks(marks, [(i, *metre) for i, metre in metres if metre])


def _timing_points(tempo: TempoMap) -> Sequence[dict[str, Any]]:
    """Tempo and metre marks together, one for each tick where either changes."""
    ticks = sorted({tick for tick, _ in tempo.tempos} | {tick for tick, _, _ in tempo.time_signatures})
    points = []
    for tick in ticks:
        metre = [(n, d) for at, n, d in tempo.time_signatures if at <= tick]
        numerator, denominator = metre[-1] if metre else (4, 4)
        points.append(
            {
                "time": round(float(tempo.seconds(tick)) * 1000),
                "bpm": tempo.tempo_bpm_at(tick),
                "timeSignature": f"{numerator}/{denominator}",
            }
        )
    return points
