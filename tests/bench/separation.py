"""What separation gains: SI-SDR of the drums before and after, and its cost.

The rebuilt MDB mixes hold exactly the drum track they are judged against. (An original mix does not: its drums went
through the engineer's equaliser, sometimes with inverted polarity.)
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.bench.tables import table
from tests.conftest import CORPUS

from drumline.audio.decode import SEPARATION_RATE_HZ, AudioConfig, decode_stereo
from drumline.audio.separation.protocol import SeparationConfig, open_separator, stem_to_mix_db
from drumline.audio.separation.weights import VARIABLE, resolve
from drumline.metrics.separation import si_sdr_db

_TOLD = {
    "mix_db": "SI-SDR of mix, dB",
    "drums_db": "of separated drums, dB",
    "stem_to_mix_db": "stem to mix, dB",
    "cpu_speed": "audio s a CPU s",
}


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """One row a track."""
    if not os.environ.get(VARIABLE):
        return {"skipped": f"separation: {VARIABLE} is not set (the path of htdemucs.onnx)"}
    paths = sorted((CORPUS / "mdb").glob("*.rebuilt.flac"))
    if not paths:
        return {"skipped": "separation: the corpus is not beside this checkout (../shared/corpus)"}
    config = SeparationConfig(backend="onnx", num_cpus=2)
    separator = open_separator(config, resolve("onnx", path="", model="", download=False, environment=os.environ))
    tracks = []
    for path in paths[:1] if quick else paths:
        mix, drums = _stereo(path), _stereo(path.with_name(path.name.replace(".rebuilt.", ".drums.")))
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        (found,) = separator.separate(mix)
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
        duration_s, length = mix.shape[1] / SEPARATION_RATE_HZ, min(mix.shape[1], drums.shape[1])
        tracks.append(
            {
                "track": path.name.split(".")[0].removeprefix("MusicDelta_"),
                "duration_s": duration_s,
                "mix_db": si_sdr_db(drums[:, :length], mix[:, :length]),
                "drums_db": si_sdr_db(drums[:, :length], found[:, :length]),
                "stem_to_mix_db": stem_to_mix_db(found, mix),
                "speed": duration_s / wall_s,
                "cpu_speed": duration_s / cpu_s,
            }
        )
        say(f"{tracks[-1]['track']}: {wall_s:.0f} s")
    return {"tracks": tracks}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """The tracks and their median."""
    if "skipped" in found:
        return str(found["skipped"])
    tracks = found["tracks"]
    rows = [[track["track"], *(track[name] for name in _TOLD)] for track in tracks]
    rows.append(["median", *(median(track[name] for track in tracks) for name in _TOLD)])
    return table(["rebuilt MDB mix", *_TOLD.values()], rows, markdown=markdown)


def _stereo(path: Path) -> NDArray[np.float32]:
    return decode_stereo(path.read_bytes(), name=path.name, config=AudioConfig()).samples
