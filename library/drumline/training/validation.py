"""How good the weights are: whole recordings, by their events and by areas that need no threshold.

Each worker judges its share; counts are integers that add up, so the result does not depend on who judged what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from drumline.audio.loudness import amplify, decode_flac
from drumline.core.artifacts import join
from drumline.core.events import Hit
from drumline.core.grid import RATE_HZ
from drumline.dataset.manifest import read_manifest
from drumline.dataset.parquet import open_parquet
from drumline.dataset.shards import hit_of
from drumline.decoding.activations import Activations
from drumline.decoding.strokes import DecodeConfig, strokes
from drumline.labels.targets import LabelConfig, targets
from drumline.metrics import frames, rhythm, scores
from drumline.metrics.events import Events
from drumline.metrics.judgement import judge
from drumline.metrics.tally import WINDOWS_S, columns_of, tally
from drumline.metrics.vocabulary import VOCABULARIES
from drumline.model.branches import INSTRUMENT_OF, INSTRUMENTS
from drumline.training.config import ValidationConfig

_GAPS: Final = {"64th": 0.018, "32nd": 0.036}
"""Name -> gap to the next stroke of the class [s]: 64ths from 210 BPM on, 32nds from 210 BPM on and 64ths from 105."""
_NEAR_FRAMES: Final = 4
_BEYOND_S: Final = 0.1
"""Hits this near the end of a cut recording are left out: their sound is."""


@dataclass(frozen=True)
class Recording:
    """One recording to be judged on."""

    song_id: str
    domain: str
    samples: NDArray[np.float32]
    hits: tuple[Hit, ...]
    unannotated: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """Of any number of recordings, to be added up."""

    events: NDArray[np.int64]
    """`metrics.tally`."""
    frames: NDArray[np.int64]
    """`metrics.frames.frame_histogram` of the instruments, then of any onset."""
    dense: NDArray[np.int64]
    """[gaps, (reference, found)]: hits with a stroke of their class no further than each of `_GAPS`, at 20 ms."""

    @classmethod
    def none(cls) -> Self:
        """Of no recording."""
        silence = Events.none()
        columns = len(INSTRUMENTS) + 1
        return cls(
            tally(silence, silence),
            np.zeros((columns, 2, frames.NUM_BINS), np.int64),
            np.zeros((len(_GAPS), 2), np.int64),
        )

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.events + other.events, self.frames + other.frames, self.dense + other.dense)


def recordings(dataset: str, config: ValidationConfig, *, share: int = 0, of: int = 1) -> Iterator[Recording]:
    """One worker's share of the recordings to judge on, in an order that depends on the dataset alone.

    Song ids are hashes, so the first so many are a fair draw.
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
    """What the activations of a recording are worth."""
    end_s = len(recording.samples) / RATE_HZ - _BEYOND_S
    hits = [hit for hit in recording.hits if hit.time_s < end_s]
    reference = Events.of([hit.time_s for hit in hits], [hit.judged_label for hit in hits])
    found = strokes([activations], config).events
    estimate = found.select(found.time_s < end_s + _BEYOND_S / 2)
    left_out = recording.unannotated
    return Counts(
        tally(reference, estimate, unannotated=left_out),
        frames.frame_histogram(*_columns(activations, hits, left_out)),
        _dense(reference, estimate, left_out),
    )


def metrics(counts: Counts) -> dict[str, float]:
    """Named numbers, NaN where there is no answer.

    ``f5_50`` is the micro F of 5 classes at 50 ms, ``f12_kick_50`` that of one of 12; ``pr_auc`` and ``roc_auc`` are
    means over the instruments that occur, ``pr_auc_onset`` is of any onset.
    """
    told: dict[str, Any] = {}
    for index, window_s in enumerate(WINDOWS_S):
        window = round(window_s * 1000)
        for name, vocabulary in VOCABULARIES.items():
            classes = counts.events[index, columns_of(name)]
            both = scores.micro(classes)
            told |= {f"f{name}_{window}": both.f, f"p{name}_{window}": both.precision, f"r{name}_{window}": both.recall}
            told[f"macro{name}_{window}"] = scores.macro(classes).f
            each = zip(vocabulary.classes, scores.scores(classes).f, strict=True)
            told |= {f"f{name}_{drum}_{window}": f for drum, f in each}
    areas = frames.areas(counts.frames)
    occurs = np.isfinite(areas.pr_auc[:-1])
    told |= {
        "pr_auc": areas.pr_auc[:-1].mean(where=occurs) if occurs.any() else np.nan,
        "roc_auc": areas.roc_auc[:-1].mean(where=occurs) if occurs.any() else np.nan,
    }
    told |= {f"pr_auc_{name}": area for name, area in zip((*INSTRUMENTS, "onset"), areas.pr_auc, strict=True)}
    recall = scores.ratio(counts.dense[:, 1], counts.dense[:, 0])
    told |= {f"recall_{name}": value for name, value in zip(_GAPS, recall, strict=True)}
    return {name: float(value) for name, value in told.items()}


def _columns(
    activations: Activations, hits: Sequence[Hit], unannotated: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities and targets [T, instruments + 1]; frames beside an onset are masked, for they are near enough."""
    num_frames = len(activations.onset)

    def states(dilation_frames: int) -> NDArray[np.int64]:
        config = LabelConfig(dilation_frames=dilation_frames)
        found = targets(hits, grid=activations.grid, num_frames=num_frames, unannotated=unannotated, config=config)
        return np.stack([*(found.presence[name] for name in INSTRUMENTS), found.onset_any], axis=1).astype(np.int64)

    sharp, wide = states(0), states(_NEAR_FRAMES)
    of = np.array([INSTRUMENTS.index(INSTRUMENT_OF[name]) for name in activations.classes])
    struck = [activations.probability[:, of == index].sum(axis=1) for index in range(len(INSTRUMENTS))]
    return np.stack([*struck, activations.onset], axis=1), np.where(sharp == wide, sharp, -1)


def _dense(reference: Events, estimate: Events, unannotated: Sequence[str]) -> NDArray[np.int64]:
    verdict = judge(reference, estimate, vocabulary=VOCABULARIES["12"], window_s=WINDOWS_S[-1], unannotated=unannotated)
    gap_s = rhythm.ioi_s(reference.time_s, verdict.reference_class)
    close = [verdict.wanted & (gap_s <= limit_s) for limit_s in _GAPS.values()]
    return np.array([[which.sum(), (which & (verdict.reference_partner >= 0)).sum()] for which in close])
