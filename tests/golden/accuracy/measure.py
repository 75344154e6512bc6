"""How accurate the released model is on songs that every machine can render, and on the development set.

Rendered songs are the torture sets on two of drumline's own kits, which need no material and are in no training song.
The development set is that of configs/evaluate_model/dev.yaml (evaluation only). Scores are micro F of 5 classes
at 50 ms, with the package's own preset and thresholds, on the path that `drumline transcribe` takes.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from drumline.audio.recording import Recording
from drumline.core.config import load_config
from drumline.core.errors import Rejected
from drumline.core.grid import RATE_HZ
from drumline.core.hit_arrays import Events
from drumline.evaluation.conditions import ConditionsConfig, judge_conditions
from drumline.metrics.scores import micro
from drumline.metrics.tally import columns_of, tally
from drumline.rendering.corpus.config import CorpusConfig, KitConfig
from drumline.rendering.corpus.plan import plan
from drumline.rendering.corpus.song import render_song
from drumline.transcription.engine import Engine
from drumline.transcription.transcribe import hits_of

DEVELOPMENT: Final = Path("configs/evaluate_model/dev.yaml")
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


def development(engine: Engine, output: Path) -> float:
    """The mean over conditions of the development set (`evaluation.conditions`); the working folder is the checkout."""
    config = load_config(ConditionsConfig, DEVELOPMENT, ["drumless=[]", f"output={output}", "bootstrap.num_draws=100"])
    return judge_conditions(config, partial(hits_of, detector=engine), system="released").headline["f"]


def f5(engine: Engine, songs: Songs) -> float:
    """Micro F of 5 classes at 50 ms, counts summed over songs."""
    counts = np.zeros((5, 3), np.int64)
    for recording, reference in songs:
        with recording:
            found = engine.detect(recording, lambda seconds: None)
        counts += tally(reference, found.events, windows_s=(0.05,))[0, columns_of("5")]
    return float(micro(counts).f)
