"""Score songs in this process if they are few, on Ray if they are many.

A *case* is one recording with the predictions of every system that has one. Cases hold names and locations only; a
worker reads the files and returns counts.
"""

import logging
import pickle
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from pydantic import TypeAdapter
from tqdm import tqdm

from drumline.core.artifacts import join, read_bytes
from drumline.core.errors import ChartError, DrumlineError, SongError
from drumline.core.hit_arrays import Events
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import decode
from drumline.evaluation.config import EvaluationConfig, ScoringConfig, SystemConfig
from drumline.evaluation.frames import BranchFrames, branch_frames, read_frames
from drumline.evaluation.pairing import Unmatched, pair
from drumline.evaluation.predictions import Located, find_activations, find_predictions
from drumline.evaluation.references import ReferenceSong, find_references
from drumline.evaluation.song import SongScore, score_song

log = logging.getLogger("drumline")

Key = tuple[str, str]
"""(truth, system)."""


@dataclass(frozen=True)
class Prediction:
    """Output of one system for one recording: hits, activations to decode, or neither for silence."""

    hits: Located | None
    decoding: DecodeConfig
    """Decoding of activations into hits."""
    activations: str = ""
    """URI of the activation file (``.npz``)."""
    calibration: str = ""
    """URI of the calibration file ``class_thresholds.json``."""

    def read(self) -> Events:
        """Read the calibrated hits."""
        return self.decode(_calibration(self.calibration) if self.calibration else None)

    def decode(self, calibration: Calibration | None) -> Events:
        """Hits under a calibration, from predictions or activations."""
        if self.hits is not None:
            hits = self.hits.read()
            return calibration.apply(hits) if calibration else hits
        if not self.activations:
            return Events.none()
        predicted = Activations.from_bytes(read_bytes(self.activations), self.activations)
        return decode([predicted], self.decoding, calibration).events


@dataclass(frozen=True)
class Case:
    """A recording with the output of all systems."""

    truth: str
    song: ReferenceSong
    predictions: Mapping[str, Prediction]
    """Output by system."""


@dataclass(frozen=True)
class UnreadSong:
    """A file that could not be read and was not evaluated."""

    truth: str
    system: str
    """Name of the system; empty if the truth could not be read, so that no system was evaluated."""
    song: str
    reason: str


@dataclass
class Scored:
    """Scores of some cases."""

    songs: dict[Key, list[SongScore]] = field(default_factory=lambda: defaultdict(list))
    frames: dict[Key, BranchFrames] = field(default_factory=dict)
    """Frame counts summed over songs."""
    unread: list[UnreadSong] = field(default_factory=list)

    def add(self, other: "Scored") -> None:
        """Add the scores of other cases."""
        for key, scores in other.songs.items():
            self.songs[key] += scores
        for key, counts in other.frames.items():
            self.frames[key] = self.frames[key] + counts if key in self.frames else counts
        self.unread += other.unread

    def in_order(self) -> "Scored":
        """The same scores in an order independent of which task finished first."""
        songs = {key: sorted(scores, key=lambda score: score.song) for key, scores in sorted(self.songs.items())}
        return Scored(songs, dict(sorted(self.frames.items())), sorted(self.unread, key=lambda u: (u.song, u.system)))


_CASES: Final = TypeAdapter(list[Case])


def find_cases(config: EvaluationConfig) -> list[Case]:
    """Find every recording with its predictions. Raises ConfigError if names do not match or nothing is found."""
    for system in config.systems:
        if system.calibration:
            read_calibration(system.calibration)  # a fault of it is told before any work
    cases = []
    for truth in config.truths:
        songs = find_references(truth)
        by_system = {s.name: predictions_of(s, songs, unmatched=config.unmatched) for s in config.systems}
        for song in songs:
            predictions = {
                name: predicted[song.name] for name, predicted in by_system.items() if song.name in predicted
            }
            if predictions:
                cases.append(Case(truth.name, song, predictions))
    return cases


def predictions_of(
    system: SystemConfig, songs: Sequence[ReferenceSong], *, unmatched: Unmatched
) -> dict[str, Prediction]:
    """Output of a system for each song, by the song's name. Raises ConfigError if names do not match."""
    activations = {}
    if system.activations:
        rule: Unmatched = "ignore" if system.predictions else unmatched
        uris = find_activations(system.activations)
        activations = pair(songs, uris, system=f"{system.name} (activations)", unmatched=rule)
    hits = {}
    if system.predictions:
        located = find_predictions(system.predictions, system.part)
        hits = pair(songs, located, system=system.name, unmatched=unmatched)
    predicted = hits if system.predictions else activations
    return {
        song.name: Prediction(
            hits.get(song.name), system.decoding, activations.get(song.name, ""), calibration=system.calibration
        )
        for song in songs
        if song.name in predicted or unmatched == "empty"
    }


def score_cases(cases: Sequence[Case], config: EvaluationConfig) -> Scored:
    """Score all cases. Raises DrumlineError if the run as a whole fails."""
    scored = Scored()
    for part in _local(cases, config) if len(cases) <= config.run.most_local_songs else _on_ray(cases, config):
        scored.add(part)
    return scored.in_order()


def score_case(case: Case, config: ScoringConfig) -> Scored:
    """Score one recording; unreadable files are recorded and not evaluated."""
    scored = Scored()
    try:
        truth = case.song.read()
    except (ChartError, SongError) as error:
        scored.unread.append(UnreadSong(case.truth, "", case.song.name, str(error)))
        return scored
    for system, prediction in case.predictions.items():
        try:
            hits = prediction.read()
            if prediction.activations:
                frames = read_frames(read_bytes(prediction.activations), prediction.activations)
                scored.frames[case.truth, system] = branch_frames(truth, frames, mask_s=config.frame_mask_s)
        except (DrumlineError, FileNotFoundError) as error:  # of one file
            scored.unread.append(UnreadSong(case.truth, system, case.song.name, str(error)))
            continue
        scored.songs[case.truth, system].append(score_song(case.song, truth, hits, config))
    return scored


@dataclass(frozen=True)
class ScoreStep:
    """Score some cases (JSON) into pickled results; runs as a Ray task."""

    config: ScoringConfig

    def __call__(self, row: str) -> Sequence[dict[str, Any]]:
        scored, cases = Scored(), _CASES.validate_json(row)
        for case in cases:
            scored.add(score_case(case, self.config))
        return [{"cases": len(cases), "scored": pickle.dumps((dict(scored.songs), scored.frames, scored.unread))}]


def _local(cases: Iterable[Case], config: EvaluationConfig) -> Iterator[Scored]:
    for case in cases:
        yield score_case(case, config.scoring)


def _on_ray(cases: Sequence[Case], config: EvaluationConfig) -> Iterator[Scored]:
    # Few songs are scored without Ray and Arrow, which a light installation lacks.
    import pyarrow as pa

    from drumline.runtime.ledger import Ledger
    from drumline.runtime.mapping import map_rows
    from drumline.runtime.session import session

    # Neighbours share a row group of the dataset, which a worker reads once.
    ordered = sorted(cases, key=lambda case: (case.truth, case.song.row_groups, case.song.name))
    size = config.run.songs_a_task
    rows = [_CASES.dump_json(ordered[start : start + size]).decode() for start in range(0, len(ordered), size)]
    schema = pa.schema([pa.field("cases", pa.int64(), nullable=False), pa.field("scored", pa.binary(), nullable=False)])
    attempts = join(config.output, "_work", "attempts")
    ledger = Ledger(attempts, timeout_s=config.run.task_timeout_s, max_attempts=1)
    with session(config.run.ray), tqdm(total=len(cases), unit="song", desc="scored", mininterval=1.0) as progress:
        for result in map_rows(rows, ScoreStep(config.scoring), schema=schema, ledger=ledger):
            progress.update(result["cases"])
            yield Scored(*pickle.loads(result["scored"]))


@lru_cache(maxsize=16)
def _calibration(uri: str) -> Calibration:
    return read_calibration(uri)
