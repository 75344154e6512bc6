"""Validation on whole recordings: event scores, and threshold-free areas under precision-recall and ROC curves.

Each worker evaluates its share of the recordings. Counts are integers that add up, so the result does not depend on the
number of workers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from drumline.audio.loudness import amplify, decode_flac
from drumline.core.artifacts import join
from drumline.core.grid import RATE_HZ
from drumline.core.hit_arrays import Events
from drumline.core.hits import Hit
from drumline.core.vocabularies import VOCABULARIES
from drumline.dataset.manifest import read_manifest
from drumline.dataset.parquet import open_parquet
from drumline.dataset.shards import hit_of
from drumline.decoding.activations import Activations
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import decode
from drumline.labels.targets import LabelConfig, targets
from drumline.metrics import frames, rhythm, scores
from drumline.metrics.judgement import judge
from drumline.metrics.tally import WINDOWS_S, columns_of, tally
from drumline.model.branches import INSTRUMENT_OF, INSTRUMENTS
from drumline.training.config import ValidationConfig

_MAX_IOI_S: Final = {"64th": 0.018, "32nd": 0.036}
"""Maximum inter-onset interval within a class by note value [s]: 64ths from 210 BPM, 32nds from 210 BPM."""
_NEAR_FRAMES: Final = 4
_END_MARGIN_S: Final = 0.1
"""Hits this close to the end of a cut recording are excluded, as their sound is cut off."""


@dataclass(frozen=True)
class Recording:
    """A validation recording with its reference hits."""

    song_id: str
    """Song id."""
    domain: str
    """Domain of the dataset, such as rendered or recorded."""
    samples: NDArray[np.float32]
    """Audio [N], mono, 22,050 Hz."""
    hits: tuple[Hit, ...]
    """Reference hits."""
    unannotated: tuple[str, ...]
    """Classes that the source does not annotate."""


@dataclass(frozen=True)
class Counts:
    """Additive validation counts of any number of recordings."""

    events: NDArray[np.int64]
    """Counts of `metrics.tally`."""
    frames: NDArray[np.int64]
    """Histograms of `metrics.frames.frame_histogram` by instrument, then of any onset."""
    dense: NDArray[np.int64]
    """Hits in fast passages [note values, (reference, matched)], by `_MAX_IOI_S`, matched within 20 ms."""

    @classmethod
    def none(cls) -> Self:
        """Counts of no recording."""
        silence = Events.none()
        columns = len(INSTRUMENTS) + 1
        return cls(
            tally(silence, silence),
            np.zeros((columns, 2, frames.NUM_BINS), np.int64),
            np.zeros((len(_MAX_IOI_S), 2), np.int64),
        )

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.events + other.events, self.frames + other.frames, self.dense + other.dense)


def recordings(dataset: str, config: ValidationConfig, *, share: int = 0, of: int = 1) -> Iterator[Recording]:
    """Read one worker's share of the validation recordings, in an order that depends only on the dataset.

    Song ids are hashes, so the first ``max_recordings`` are a random sample.

    Parameters
    ----------
    dataset
        Folder or URI of the dataset.
    config
        Split, number and length of recordings.
    share, of
        Index of the worker, and number of workers.
    """
    found = []
    for name in read_manifest(dataset).shards(config.split):
        with open_parquet(join(dataset, name)) as shard:
            ids = shard.read(["song_id", "domain"]).to_pylist()
        found += [(row["song_id"], row["domain"], name, number) for number, row in enumerate(ids)]
    for song_id, domain, name, number in sorted(found)[: config.max_recordings][share::of]:
        with open_parquet(join(dataset, name)) as shard:
            row = shard.row_group(number, ["audio_flac", "headroom_db", "hits", "unannotated"]).to_pylist()[0]
        samples = amplify(decode_flac(row["audio_flac"]), row["headroom_db"])[: round(config.max_seconds * RATE_HZ)]
        hits = tuple(hit_of(hit) for hit in row["hits"])
        yield Recording(song_id, domain, samples, hits, tuple(row["unannotated"]))


def count(recording: Recording, activations: Activations, config: DecodeConfig) -> Counts:
    """Compare the activations of a recording with its reference hits.

    Parameters
    ----------
    recording
        The recording.
    activations
        Activations of the network.
    config
        Decoder settings.
    """
    end_s = len(recording.samples) / RATE_HZ - _END_MARGIN_S
    hits = [hit for hit in recording.hits if hit.time_s < end_s]
    reference = Events.of([hit.time_s for hit in hits], [hit.judged_label for hit in hits])
    found = decode([activations], config).events
    estimate = found.select(found.time_s < end_s + _END_MARGIN_S / 2)
    unannotated = recording.unannotated
    return Counts(
        tally(reference, estimate, unannotated=unannotated),
        frames.frame_histogram(*_columns(activations, hits, unannotated)),
        _dense(reference, estimate, unannotated),
    )


def metrics(counts: Counts) -> dict[str, float]:
    """Compute validation metrics by name; undefined ones are NaN.

    ``f5_50`` is the micro F-measure of 5 classes at 50 ms, ``f12_kick_50`` that of kick among 12 classes; ``pr_auc``
    and ``roc_auc`` are means over the instruments that occur, ``pr_auc_onset`` is that of any onset.
    """
    values: dict[str, Any] = {}
    for index, window_s in enumerate(WINDOWS_S):
        window = round(window_s * 1000)
        for name, vocabulary in VOCABULARIES.items():
            classes = counts.events[index, columns_of(name)]
            micro = scores.micro(classes)
            values |= {
                f"f{name}_{window}": micro.f,
                f"p{name}_{window}": micro.precision,
                f"r{name}_{window}": micro.recall,
            }
            values[f"macro{name}_{window}"] = scores.macro(classes).f
            class_scores = zip(vocabulary.classes, scores.scores(classes).f, strict=True)
            values |= {f"f{name}_{drum}_{window}": f for drum, f in class_scores}
    areas = frames.areas(counts.frames)
    occurs = np.isfinite(areas.pr_auc[:-1])
    values |= {
        "pr_auc": areas.pr_auc[:-1].mean(where=occurs) if occurs.any() else np.nan,
        "roc_auc": areas.roc_auc[:-1].mean(where=occurs) if occurs.any() else np.nan,
    }
    values |= {f"pr_auc_{name}": area for name, area in zip((*INSTRUMENTS, "onset"), areas.pr_auc, strict=True)}
    recall = scores.ratio(counts.dense[:, 1], counts.dense[:, 0])
    values |= {f"recall_{name}": value for name, value in zip(_MAX_IOI_S, recall, strict=True)}
    return {name: float(value) for name, value in values.items()}


def _columns(
    activations: Activations, hits: Sequence[Hit], unannotated: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities and targets [T, instruments + 1]; frames next to an onset are masked."""
    num_frames = len(activations.onset)

    def states(dilation_frames: int) -> NDArray[np.int64]:
        config = LabelConfig(dilation_frames=dilation_frames)
        found = targets(hits, grid=activations.grid, num_frames=num_frames, unannotated=unannotated, config=config)
        return np.stack([*(found.presence[name] for name in INSTRUMENTS), found.onset_any], axis=1).astype(np.int64)

    sharp, wide = states(0), states(_NEAR_FRAMES)
    instrument = np.array([INSTRUMENTS.index(INSTRUMENT_OF[name]) for name in activations.classes])
    probabilities = [activations.probability[:, instrument == index].sum(axis=1) for index in range(len(INSTRUMENTS))]
    return np.stack([*probabilities, activations.onset], axis=1), np.where(sharp == wide, sharp, -1)


def _dense(reference: Events, estimate: Events, unannotated: Sequence[str]) -> NDArray[np.int64]:
    verdict = judge(reference, estimate, vocabulary=VOCABULARIES["12"], window_s=WINDOWS_S[-1], unannotated=unannotated)
    ioi_s = rhythm.ioi_s(reference.time_s, verdict.reference_class)
    dense = [verdict.wanted & (ioi_s <= limit_s) for limit_s in _MAX_IOI_S.values()]
    return np.array([[mask.sum(), (mask & (verdict.reference_partner >= 0)).sum()] for mask in dense])
