"""False alarms in whole songs: a system's hits, from its files or straight from a checkpoint, against the truth.

The rules of judgement are the evaluation's (`metrics.judgement`): an estimate near a stroke that may be its class is no
false alarm, nor is one of a class that the truth leaves out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from drumline.core.artifacts import filesystem
from drumline.core.errors import ChartError, ConfigError, DrumlineError, SongError
from drumline.decoding.cache import CacheConfig
from drumline.decoding.calibration import read_calibration
from drumline.decoding.strokes import DecodeConfig, strokes
from drumline.evaluation.checkpoint import open_model
from drumline.evaluation.config import SystemConfig
from drumline.evaluation.pairing import Unmatched
from drumline.evaluation.recordings import dataset_recordings
from drumline.evaluation.references import ReferenceConfig, ReferenceSong, Truth, find_references
from drumline.evaluation.scoring import predictions_of
from drumline.metrics.events import Events
from drumline.metrics.judgement import judge
from drumline.metrics.vocabulary import LABEL_NAMES, Vocabulary
from drumline.quality.lines import digest_of
from drumline.quality.negatives.findings import Candidate
from drumline.quality.onsets import source_of
from drumline.quality.report import Input
from drumline.training.checkpoints import best_of


@dataclass(frozen=True)
class Heard:
    """One song with what a system heard in it."""

    song: ReferenceSong
    truth: Truth
    hits: Events


@dataclass(frozen=True)
class Unread:
    """A song that could not be judged."""

    name: str
    reason: str


def of_files(truth: ReferenceConfig, system: SystemConfig, unmatched: Unmatched) -> Iterator[Heard | Unread]:
    """Every song that the system has predictions for. Raises ConfigError where names do not match."""
    songs = find_references(truth)
    told = predictions_of(system, songs, unmatched=unmatched)
    for song in songs:
        if song.name in told:
            try:
                yield Heard(song, song.read(), told[song.name].read())
            except (ChartError, SongError, DrumlineError, FileNotFoundError) as error:  # of one song
                yield Unread(song.name, str(error))


def of_checkpoint(
    truth: ReferenceConfig, checkpoint: str, *, decoding: DecodeConfig, calibration: str, cache: CacheConfig
) -> Iterator[Heard | Unread]:
    """Every recording of a dataset, listened to. Raises ConfigError where the truth is no dataset."""
    if not truth.dataset:
        raise ConfigError("checkpoint: listens to a built dataset: set truth.dataset (or write predictions first)")
    model = open_model(checkpoint, cache)
    fitted = read_calibration(calibration) if calibration else None
    songs = {f"{song.song_id}.{song.domain}": song for song in find_references(truth)}
    for recorded in dataset_recordings(truth.dataset, splits=truth.splits, wanted=songs.keys()):
        song = songs[recorded.name]
        hearing = model.hear(recorded)
        yield Heard(song, song.read(), strokes([hearing.activations], decoding, fitted).events)


def inputs_of(truth: ReferenceConfig, system: SystemConfig | None, checkpoint: str, *, recordings: int) -> list[Input]:
    """What was read, for a report. Of folders there is no hash."""
    if truth.dataset:
        told = source_of(truth.dataset)
    else:
        told = Input(role="truth", path=", ".join(root.uri for root in truth.roots), records=recordings, sha256="")
    path = (system.predictions or system.activations) if system else best_of(checkpoint)
    fs, inner = filesystem(path)
    digest = "" if fs.isdir(inner) else digest_of(path)
    return [told, Input(role="system" if system else "checkpoint", path=path, records=recordings, sha256=digest)]


def false_alarms(heard: Heard, vocabulary: Vocabulary, *, window_s: float) -> tuple[list[Candidate], list[str]]:
    """The false alarms of a song, and the labels of all estimates that have a judgement."""
    truth, hits = heard.truth, heard.hits
    fate = judge(truth.events, hits, vocabulary=vocabulary, window_s=window_s, unannotated=truth.unannotated)
    names = np.array([*vocabulary.classes, ""])[fate.estimate_class]
    alarms = np.flatnonzero(fate.charged & (fate.estimate_partner < 0))
    found = [
        Candidate(
            confidence=float(hits.confidence[i]),
            label=str(names[i]),
            recording=heard.song.name,
            onset_s=float(hits.time_s[i]),
            instead_of=_nearest(truth.events, float(hits.time_s[i]), window_s),
            song_id=heard.song.song_id,
            session_id=heard.song.song_id or heard.song.name,
            audio_path=heard.song.name,
            domain=heard.song.domain,
            certain=True,
        )
        for i in alarms.tolist()
    ]
    return found, names[fate.charged].tolist()


def _nearest(truth: Events, time_s: float, window_s: float) -> str:
    """The label of the true stroke nearest to a time; empty where none is within the window."""
    if not len(truth):
        return ""
    nearest = int(np.abs(truth.time_s - time_s).argmin())
    return LABEL_NAMES[truth.label[nearest]] if abs(truth.time_s[nearest] - time_s) <= window_s else ""
