"""False positives in whole songs: a system's hits, from its files or from a checkpoint, against the ground truth.

The matching rules are those of the evaluation (`metrics.judgement`): an estimate near a hit that may be of its class is
no false positive, nor is one of a class that the ground truth does not annotate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from drumline.core.artifacts import filesystem
from drumline.core.errors import ChartError, ConfigError, DrumlineError, SongError
from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import LABEL_NAMES, Vocabulary
from drumline.decoding.cache import CacheConfig
from drumline.decoding.calibration import read_calibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import decode
from drumline.evaluation.checkpoint import open_model
from drumline.evaluation.config import SystemConfig
from drumline.evaluation.pairing import Unmatched
from drumline.evaluation.recordings import dataset_recordings
from drumline.evaluation.references import ReferenceConfig, ReferenceSong, Truth, find_references
from drumline.evaluation.scoring import predictions_of
from drumline.metrics.judgement import judge
from drumline.quality.lines import file_sha256
from drumline.quality.negatives.findings import Candidate
from drumline.quality.onsets import describe_source
from drumline.quality.report import Input
from drumline.training.checkpoints import best_of


@dataclass(frozen=True)
class SongEstimates:
    """One song with its ground truth and a system's hits."""

    song: ReferenceSong
    truth: Truth
    hits: Events


@dataclass(frozen=True)
class UnreadableSong:
    """A song that could not be evaluated."""

    name: str
    reason: str


def estimates_from_files(
    truth: ReferenceConfig, system: SystemConfig, unmatched: Unmatched
) -> Iterator[SongEstimates | UnreadableSong]:
    """Iterate over the songs that a system has predictions for. Raises ConfigError if names do not match."""
    songs = find_references(truth)
    predictions = predictions_of(system, songs, unmatched=unmatched)
    for song in songs:
        if song.name in predictions:
            try:
                yield SongEstimates(song, song.read(), predictions[song.name].read())
            except (ChartError, SongError, DrumlineError, FileNotFoundError) as error:  # of one song
                yield UnreadableSong(song.name, str(error))


def estimates_from_checkpoint(
    truth: ReferenceConfig, checkpoint: str, *, decoding: DecodeConfig, calibration: str, cache: CacheConfig
) -> Iterator[SongEstimates | UnreadableSong]:
    """Run a checkpoint on every recording of a dataset. Raises ConfigError if the truth is not a dataset."""
    if not truth.dataset:
        raise ConfigError("checkpoint: needs a built dataset: set truth.dataset (or write predictions first)")
    model = open_model(checkpoint, cache)
    fitted = read_calibration(calibration) if calibration else None
    songs = {f"{song.song_id}.{song.domain}": song for song in find_references(truth)}
    for recorded in dataset_recordings(truth.dataset, splits=truth.splits, wanted=songs.keys()):
        song = songs[recorded.name]
        inferred = model.activations_of(recorded)
        yield SongEstimates(song, song.read(), decode([inferred.activations], decoding, fitted).events)


def inputs_of(truth: ReferenceConfig, system: SystemConfig | None, checkpoint: str, *, recordings: int) -> list[Input]:
    """Describe truth and system for a report; folders have no hash."""
    if truth.dataset:
        source = describe_source(truth.dataset)
    else:
        source = Input(role="truth", path=", ".join(root.uri for root in truth.roots), records=recordings, sha256="")
    path = (system.predictions or system.activations) if system else best_of(checkpoint)
    fs, inner = filesystem(path)
    digest = "" if fs.isdir(inner) else file_sha256(path)
    return [source, Input(role="system" if system else "checkpoint", path=path, records=recordings, sha256=digest)]


def false_positives(
    estimates: SongEstimates, vocabulary: Vocabulary, *, window_s: float
) -> tuple[list[Candidate], list[str]]:
    """The false positives of a song, and the labels of all evaluated estimates."""
    truth, hits = estimates.truth, estimates.hits
    outcome = judge(truth.events, hits, vocabulary=vocabulary, window_s=window_s, unannotated=truth.unannotated)
    names = np.array([*vocabulary.classes, ""])[outcome.estimate_class]
    unmatched = np.flatnonzero(outcome.charged & (outcome.estimate_partner < 0))
    found = [
        Candidate(
            confidence=float(hits.confidence[i]),
            label=str(names[i]),
            recording=estimates.song.name,
            onset_s=float(hits.time_s[i]),
            instead_of=_nearest(truth.events, float(hits.time_s[i]), window_s),
            song_id=estimates.song.song_id,
            session_id=estimates.song.song_id or estimates.song.name,
            audio_path=estimates.song.name,
            domain=estimates.song.domain,
            certain=True,
        )
        for i in unmatched.tolist()
    ]
    return found, names[outcome.charged].tolist()


def _nearest(truth: Events, time_s: float, window_s: float) -> str:
    """Label of the true hit nearest to a time; empty if none is within the window."""
    if not len(truth):
        return ""
    nearest = int(np.abs(truth.time_s - time_s).argmin())
    return LABEL_NAMES[truth.label[nearest]] if abs(truth.time_s[nearest] - time_s) <= window_s else ""
