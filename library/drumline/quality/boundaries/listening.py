"""Scores of a checkpoint near window edges: inference on each window alone and on the whole recording.

Activations are decoded into hits both times. A label of the pack is found if a hit of a class that it may stand for is
within the tolerance of its onset.
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
from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import LABELS
from drumline.core.vocabularies import LABEL_NAMES
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import read_calibration
from drumline.decoding.peak_picking import decode
from drumline.evaluation.checkpoint import open_model
from drumline.evaluation.recordings import Recorded, dataset_recordings, recording_of
from drumline.model.branches import PREDICTED
from drumline.quality.boundaries.config import CheckpointConfig
from drumline.quality.lines import file_sha256
from drumline.quality.samples import labels_of, sample_id
from drumline.training.checkpoints import best_of

Scores = Mapping[str, float]
"""Score of each label of a sample: the confidence of the matching hit, 0 without one."""


@dataclass
class CheckpointScores:
    """Scores of a checkpoint by sample id."""

    streaming: dict[str, Scores] = field(default_factory=dict)
    """Scores from the sample's window alone."""
    whole: dict[str, Scores] = field(default_factory=dict)
    """Scores from the whole recording."""
    checkpoint: str = ""
    """SHA-256 of the checkpoint's weights."""
    notes: list[str] = field(default_factory=list)
    """Exclusions, for the report."""


def is_predicted(label: str) -> bool:
    """Whether a label can stand for a class that models predict."""
    return not LABELS[component_label(label)].isdisjoint(PREDICTED)


def score_samples(config: CheckpointConfig, samples: tuple[Tree, ...]) -> CheckpointScores:
    """Run a checkpoint on the windows and recordings of a boundary pack.

    Raises DrumlineError if the checkpoint or a recording cannot be used.
    """
    if bool(config.dataset) == bool(config.audio):
        raise DrumlineError("model: set either `dataset` or `audio`")
    by_recording: dict[str, list[Tree]] = defaultdict(list)
    for tree in samples:
        by_recording[tree.text("audio_path")].append(tree)
    names = sorted(by_recording)
    found = CheckpointScores()
    if len(names) > config.most_recordings:
        chosen = np.linspace(0, len(names) - 1, config.most_recordings).round().astype(int)
        found.notes.append(f"{len(chosen)} of {len(names)} recordings were evaluated (model.most_recordings)")
        names = [names[i] for i in chosen]
    model = open_model(config.checkpoint, config.cache)
    found.checkpoint = file_sha256(best_of(config.checkpoint))
    calibration = read_calibration(config.calibration) if config.calibration else None

    def hits(activations: Activations) -> Events:
        return decode([activations], config.decoding, calibration).events

    for name, recorded in tqdm(_recordings(config, names), total=len(names), unit="song", desc="inference"):
        by_window: dict[float, list[Tree]] = defaultdict(list)
        for tree in by_recording[name]:
            by_window[_start_ms(tree)].append(tree)
        recorded = replace(recorded, read=cache(recorded.read))  # read once for the whole and for its windows
        inferred = model.activations_of(recorded)
        whole = hits(inferred.activations)
        windows = [_window(trees[0], inferred.num_samples) for trees in by_window.values()]
        inferred_windows = model.window_activations(recorded, windows)
        for (start_ms, trees), activations in zip(by_window.items(), inferred_windows, strict=True):
            from_window = hits(activations).shifted(start_ms / 1000)
            for tree in trees:
                found.streaming[sample_id(tree)] = _scores(tree, from_window, config.tolerance_ms)
                found.whole[sample_id(tree)] = _scores(tree, whole, config.tolerance_ms)
    return found


def _window(tree: Tree, num_samples: int) -> tuple[int, int]:
    """A sample's window in the recording: index of its first sample, and of the one after its last."""
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
        label: max((confidence for name, confidence in near if name in LABELS[component_label(label)]), default=0.0)
        for label in labels_of(tree)
    }


def _recordings(config: CheckpointConfig, names: list[str]) -> Iterator[tuple[str, Recorded]]:
    """Recordings of a pack with the names that the pack uses. Raises DrumlineError if one is missing."""
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
