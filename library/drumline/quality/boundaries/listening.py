"""A checkpoint at the edges of windows: what it hears of a window alone, and there of the whole recording.

Both ways the hits are those of the decoder; a label of the pack is heard where a hit of a class that it may stand for
lies within the tolerance of its onset.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from tqdm import tqdm

from drumline.charts.documents import Tree
from drumline.charts.drum_maps import component_label
from drumline.core.artifacts import STORAGE_ERRORS, join, read_bytes
from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.core.taxonomy import LABELS
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import read_calibration
from drumline.decoding.strokes import strokes
from drumline.evaluation.checkpoint import open_model
from drumline.evaluation.recordings import Recorded, dataset_recordings, recording_of
from drumline.metrics.events import Events
from drumline.metrics.vocabulary import LABEL_NAMES
from drumline.model.branches import PREDICTED
from drumline.quality.boundaries.config import ListeningConfig
from drumline.quality.lines import digest_of
from drumline.quality.samples import labels_of, sample_id
from drumline.training.checkpoints import best_of

Scores = Mapping[str, float]
"""Of each label of a sample: the confidence of the hit that it was heard by, 0 where it was not."""


@dataclass
class Heard:
    """What a checkpoint heard, by sample."""

    streaming: dict[str, Scores] = field(default_factory=dict)
    """Of the sample's window alone."""
    whole: dict[str, Scores] = field(default_factory=dict)
    """Of the whole recording."""
    checkpoint: str = ""
    """SHA-256 of the weights that listened."""
    notes: list[str] = field(default_factory=list)
    """What was left out."""


def predicted(label: str) -> bool:
    """Whether a label may stand for a class that models predict."""
    return not LABELS[component_label(label)].isdisjoint(PREDICTED)


def listen(config: ListeningConfig, samples: tuple[Tree, ...]) -> Heard:
    """Listen to all samples. Raises DrumlineError where the checkpoint or a recording cannot be used."""
    if bool(config.dataset) == bool(config.audio):
        raise DrumlineError("model: set either `dataset` or `audio`")
    of_recording: dict[str, list[Tree]] = defaultdict(list)
    for tree in samples:
        of_recording[tree.text("audio_path")].append(tree)
    names = sorted(of_recording)
    heard = Heard()
    if len(names) > config.most_recordings:
        chosen = np.linspace(0, len(names) - 1, config.most_recordings).round().astype(int)
        heard.notes.append(f"{len(chosen)} of {len(names)} recordings were listened to (model.most_recordings)")
        names = [names[i] for i in chosen]
    model = open_model(config.checkpoint, config.cache)
    heard.checkpoint = digest_of(best_of(config.checkpoint))
    calibration = read_calibration(config.calibration) if config.calibration else None

    def hits(told: Activations) -> Events:
        return strokes([told], config.decoding, calibration).events

    for name, recorded in tqdm(_recordings(config, names), total=len(names), unit="song", desc="listening"):
        of_window: dict[float, list[Tree]] = defaultdict(list)
        for tree in of_recording[name]:
            of_window[_start_ms(tree)].append(tree)
        recorded = replace(recorded, read=cache(recorded.read))  # for the whole and for its windows
        hearing = model.hear(recorded)
        whole = hits(hearing.activations)
        windows = [_window(own[0], hearing.num_samples) for own in of_window.values()]
        for (start_ms, own), told in zip(of_window.items(), model.hear_windows(recorded, windows), strict=True):
            alone = hits(told).shifted(start_ms / 1000)
            for tree in own:
                heard.streaming[sample_id(tree)] = _scores(tree, alone, config.tolerance_ms)
                heard.whole[sample_id(tree)] = _scores(tree, whole, config.tolerance_ms)
    return heard


def _window(tree: Tree, num_samples: int) -> tuple[int, int]:
    """A sample's window in the recording: its first sample, and that after the last."""
    ends_ms = (_start_ms(tree), _start_ms(tree) + tree.number("window_size_ms"))
    first, last = (min(round(end_ms / 1000 * RATE_HZ), num_samples) for end_ms in ends_ms)
    return first, last


def _start_ms(tree: Tree) -> float:
    if tree.has("window_start_ms"):
        return tree.number("window_start_ms")
    return tree.number("window_index") * tree.number("hop_size_ms")


def _scores(tree: Tree, hits: Events, tolerance_ms: float) -> Scores:
    onset_s = tree.number("onset_ms") / 1000
    first, last = np.searchsorted(hits.time_s, (onset_s - tolerance_ms / 1000, onset_s + tolerance_ms / 1000))
    near = [(LABEL_NAMES[hits.label[i]], float(hits.confidence[i])) for i in range(first, last)]
    return {
        label: max((sure for name, sure in near if name in LABELS[component_label(label)]), default=0.0)
        for label in labels_of(tree)
    }


def _recordings(config: ListeningConfig, names: list[str]) -> Iterator[tuple[str, Recorded]]:
    """The recordings of a pack by the names that it has for them. Raises DrumlineError where one is missing."""
    if config.audio:
        yield from ((name, _read(join(config.audio, name))) for name in names)
        return
    by_key = {".".join(name.rsplit("/", 1)): name for name in names}
    for recorded in dataset_recordings(config.dataset, splits=(None,), wanted=by_key.keys()):
        yield by_key.pop(recorded.name), recorded
    if by_key:
        raise DrumlineError(f"model.dataset: {config.dataset} lacks {len(by_key)} recordings ({min(by_key.values())})")


def _read(uri: str) -> Recorded:
    try:
        return recording_of(uri, [(uri, read_bytes(uri))])
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"model.audio: {uri}: cannot be read ({error or type(error).__name__})") from error
