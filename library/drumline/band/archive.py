"""ZIP of a band: a MIDI file for each instrument, all of them in one, and a manifest."""

import json
from typing import Any

from drumline.band.midi import part_track
from drumline.band.transcribe import DRUMS, Band
from drumline.charts.general_midi import drum_track, storable, write_tracks
from drumline.charts.provenance import BLANK, KEY, seal
from drumline.core.zip_file import zip_files
from drumline.transcription.result import RAW_TEMPO


def pack_band(band: Band) -> bytes:
    """Archive with ``<part>.mid``, ``all.mid`` and ``manifest.json``; equal bands give equal bytes.

    All files have the same tempo map, 120 bpm where none is known. Drums are on channel 10.
    """
    tempo = storable((band.drums.tempo if band.drums else None) or RAW_TEMPO)
    tracks = {} if band.drums is None else {DRUMS: drum_track(band.drums.song().hits, tempo)}
    tracks |= {name: part_track(part, tempo, index=index) for index, (name, part) in enumerate(band.parts.items())}
    files = {f"{name}.mid": seal(write_tracks([track], tempo, mark=BLANK)) for name, track in tracks.items()}
    files["all.mid"] = seal(write_tracks(list(tracks.values()), tempo, mark=BLANK))
    files["manifest.json"] = json.dumps(manifest(band), indent=1).encode()
    return seal(zip_files(files, comment=BLANK))


def manifest(band: Band) -> dict[str, Any]:
    """Contents of ``manifest.json``: recording, tempo, and each part with its confidence."""
    audio, drums = band.audio, band.drums
    parts: list[dict[str, Any]] = []
    if drums is not None:
        confidences = [hit.confidence for hit in drums.hits if hit.confidence is not None]
        parts.append(
            {
                "file": f"{DRUMS}.mid",
                "instrument": DRUMS,
                "num_notes": len(drums.hits),
                "confidence": round(sum(confidences) / len(confidences), 4) if confidences else None,
            }
        )
    parts += [
        {
            "file": f"{name}.mid",
            "instrument": part.instrument.name,
            "program": part.instrument.program,
            "num_notes": len(part.notes),
            "confidence": round(part.confidence, 4),
            "level_db": round(part.level_db, 1),
        }
        for name, part in band.parts.items()
    ]
    tempo_bpm = None
    if drums is not None and drums.tempo is not None:
        tempo_bpm = round(drums.tempo.mean_tempo_bpm(float(drums.tempo.ticks(audio.duration_s))), 2)
    return {
        "format": "drumline-band",
        "version": 1,
        KEY: BLANK.partition(":")[0],
        "audio": {"name": audio.name, "duration_s": audio.duration_s, "sha256": audio.sha256},
        "tempo_bpm": tempo_bpm,
        "parts": parts,
        "silent": list(band.silent),
    }
