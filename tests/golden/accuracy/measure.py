"""How accurate the released model is on recordings that every machine has, or that stand beside the checkout.

Rendered songs are the torture sets on two of drumline's own kits, which need no material and which it never heard; real
ones are MDB Drums (evaluation only). Scores are micro F of 5 classes at 50 ms, with the package's own preset and
thresholds, on the path that `drumline transcribe` takes.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from drumline.audio.recording import Recording
from drumline.charts.mdb import CLASS_WORDS
from drumline.core.errors import Rejected
from drumline.core.grid import RATE_HZ
from drumline.metrics.events import Events
from drumline.metrics.scores import micro
from drumline.metrics.tally import columns_of, tally
from drumline.rendering.corpus.config import CorpusConfig, KitConfig
from drumline.rendering.corpus.plan import plan
from drumline.rendering.corpus.song import render_song
from drumline.transcription.engine import Engine

Songs = Iterator[tuple[Recording, Events]]


def rendered() -> Songs:
    """The torture sets, dry."""
    kits = tuple(KitConfig(uri=f"synth#{number}") for number in range(2))
    config = CorpusConfig(name="golden", output="", kits=kits, torture_takes=1, mixes=0.0, rate_hz=RATE_HZ)
    for spec in plan(config):
        song = render_song(spec, config)
        assert not isinstance(song, Rejected)
        hits = song.song.hits
        yield Recording([song.drums[0]]), Events.of([hit.time_s for hit in hits], [hit.judged_label for hit in hits])


def mdb(folder: Path, kind: str) -> Songs:
    """``drums`` or ``rebuilt`` (mixes) of MDB Drums, with its class annotation."""
    for path in sorted(folder.glob(f"*.{kind}.flac")):
        lines = path.with_name(path.name.replace(f".{kind}.flac", "_class.txt")).read_text().splitlines()
        rows = [line.split() for line in lines if line.strip()]
        with path.open("rb") as file:
            recording = Recording.of_file(file, name=path.name)
        yield recording, Events.of([float(time_s) for time_s, _ in rows], [CLASS_WORDS[word] for _, word in rows])


def f5(engine: Engine, songs: Songs) -> float:
    """Micro F of 5 classes at 50 ms, counts summed over songs."""
    counts = np.zeros((5, 3), np.int64)
    for recording, reference in songs:
        with recording:
            found = engine.strokes(recording, lambda seconds: None)
        counts += tally(reference, found.events, windows_s=(0.05,))[0, columns_of("5")]
    return float(micro(counts).f)
