"""Pseudo-labels: training songs out of unlabelled music, and passages of it that have no drums.

A model transcribes an *easier* recording than the one that is trained on: the drum track of a song, or its mix without
guitars. Its confident hits become labels, its doubtful ones are masked (they carry the flag of inaudible hits), and
spans without either are silence. The training song has the same labels and all files together.

Passages without any candidate, however doubtful, serve as real accompaniment of rendered drums
(``accompaniment.audio_folders`` of `render-corpus`).

With a separator the model transcribes the drums alone. The transcription can then be played by other drums beside the
rest of its own recording: `render-corpus` takes ``performances/`` as a root. (STAR Drums, TISMIR 2025, does the same.)
"""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from tqdm import tqdm

from drumline.audio.loudness import amplify, encode_flac
from drumline.audio.recording import Recording
from drumline.audio.separation.protocol import SeparationConfig
from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.general_midi import BACKING_SUFFIX, write_performance
from drumline.charts.hits_json import write_hits_json
from drumline.charts.provenance import BLANK, seal
from drumline.core.artifacts import join, refuse_foreign_file, write_bytes
from drumline.core.config import Config
from drumline.core.errors import AudioError, ConfigError
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.core.taxonomy import BRANCH_OF
from drumline.core.vocabularies import LABEL_NAMES
from drumline.decoding.activations import Activations
from drumline.decoding.model_package import Precision
from drumline.decoding.peak_picking import decode, threshold_of
from drumline.transcription.engine import Engine, open_engine
from drumline.transcription.separate import Separation, open_separation
from drumline.transcription.sources import open_mix

_LEAST_REST: Final = 0.01
"""Share of a recording's level under which it holds nothing but drums, or none were separated."""


class UnlabelledConfig(Config):
    """Recordings to label."""

    teacher: str
    """Files that the model transcribes, a path or glob pattern; each is one song."""
    student: tuple[str, ...] = ()
    """Names of files beside each of them that are added to it in the training song, ``guitar.ogg`` say."""


class PseudoLabelConfig(Config):
    """Pseudo-labels for unlabelled music: ``configs/pseudo_label/``."""

    songs: tuple[UnlabelledConfig, ...] = Field(min_length=1)
    """The recordings."""
    output: str
    """Folder for ``songs/<name>/`` (``song.flac``, ``hits.json``), ``drumless/<name>-<second>.flac`` and
    ``performances/`` (``<name>.mid``, ``<name>.backing.flac``)."""
    model: str = ""
    """Model package that labels them; the released one if empty."""
    precision: Precision = "float32"
    """Precision of its network; ``int8`` takes half the time and reports more false hits."""
    confident_log_odds: float = Field(default=0.5, ge=0)
    """A label's confidence exceeds the calibrated threshold by at least this much, in log-odds."""
    doubtful_log_odds: float = Field(default=2.0, ge=0)
    """Candidates up to this far below the threshold, in log-odds, are masked; weaker ones are taken for silence."""
    labels: bool = True
    """Whether to write training songs."""
    separation: SeparationConfig = SeparationConfig()
    """Separator whose drums the model transcribes instead of the whole recording. Give its ``cache`` to keep them."""
    performances: bool = False
    """Whether to write transcription and rest of each recording for `render-corpus`; needs ``separation``."""
    confident_share: float = Field(default=0.0, ge=0, le=1)
    """Recordings in which a smaller share of the candidates is confident become no training song."""
    drumless_s: float = Field(default=0.0, ge=0)
    """Shortest passage without drums that is written, in seconds; 0 writes none."""
    drumless_log_odds: float = Field(default=3.0, ge=0)
    """A passage is without drums if no candidate comes this near to the threshold, in log-odds."""
    licence: str = ""
    """Licence of the recordings, as the dataset's card states it."""

    @model_validator(mode="after")
    def _check_performances(self) -> Self:
        if self.performances and self.separation.backend == "none":
            raise ValueError("performances: the rest of a recording needs separation.backend: onnx or demucs")
        return self


@dataclass(frozen=True)
class Labelled:
    """One recording's pseudo-labels."""

    name: str
    num_hits: int
    num_doubtful: int
    drumless_s: float


def pseudo_label(config: PseudoLabelConfig) -> list[Labelled]:
    """Label every recording and write the training songs and the passages without drums.

    Returns
    -------
    list of Labelled
        One entry per readable recording; unreadable ones are printed and left out.

    Raises
    ------
    ConfigError
        If a pattern matches nothing, or the model is missing.
    """
    engine = open_engine(config.model, precision=config.precision)
    separation = None if config.separation.backend == "none" else open_separation(config.separation)
    found = [(path, unlabelled.student) for unlabelled in config.songs for path in _files(unlabelled.teacher)]
    results = []
    for path, beside in tqdm(found, unit="song", desc="labelling", mininterval=1.0):
        name = f"{path.parent.name}-{path.stem}".replace(" ", "_")
        try:
            with open_mix([path]) as recording, _easier(path, recording, separation) as easier:
                results.append(_label_one(path, beside, name, engine, config, recording=recording, easier=easier))
        except AudioError as error:
            tqdm.write(f"left out: {path}: {error}")
    return results


def _files(pattern: str) -> list[Path]:
    found = [Path(path) for path in sorted(glob.glob(pattern, recursive=True))]
    if not found:
        raise ConfigError(f"{pattern}: no such file")
    return found


def _easier(path: Path, recording: Recording, separation: Separation | None) -> Recording:
    """Recording that the model transcribes: separated drums if there is a separator, else the mix."""
    return separation.drums_of([path.read_bytes()], [path.name]) if separation else recording


def _label_one(
    path: Path,
    beside: Sequence[str],
    name: str,
    engine: Engine,
    config: PseudoLabelConfig,
    *,
    recording: Recording,
    easier: Recording,
) -> Labelled:
    activations = list(engine.infer(easier))
    hits = labels_of(engine, activations, confident=config.confident_log_odds, doubtful=config.doubtful_log_odds)
    passages: list[tuple[float, float]] = []
    if config.drumless_s > 0:
        times_s = candidate_times(engine, activations, log_odds=-config.drumless_log_odds)
        passages = list(spans_without(times_s, recording.duration_s, shortest_s=config.drumless_s))
    for start_s, end_s in passages:
        samples = recording.read(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
        write_bytes(join(config.output, "drumless", f"{name}-{start_s:.0f}.flac"), _flac(samples))
    doubtful = sum("faint" in hit.flags for hit in hits)
    if hits and len(hits) - doubtful >= config.confident_share * len(hits):
        if config.labels:
            _write_song(path, beside, name, config, hits)
        if config.performances:
            _write_performance(name, config, engine, activations, recording=recording, drums=easier)
    return Labelled(name, len(hits) - doubtful, doubtful, sum(end - start for start, end in passages))


def _write_song(path: Path, beside: Sequence[str], name: str, config: PseudoLabelConfig, hits: tuple[Hit, ...]) -> None:
    """A training song: the recording, with the files beside it, and its labels."""
    folder = join(config.output, "songs", name)
    refuse_foreign_file(join(folder, "hits.json"), mark=b'"transcription"')
    with open_mix([path, *(path.with_name(other) for other in beside)]) as together:
        write_bytes(join(folder, "song.flac"), _flac(together.read(0, together.num_samples)))
    song = AnnotatedSong(
        format="hits_json",
        hits=hits,
        metadata=Metadata(title=path.stem, album=path.parent.name),
        official_split="train",  # nothing is judged by pseudo-labels
        licence=config.licence,
        group=name,
    )
    write_bytes(join(folder, "hits.json"), write_hits_json(song))


def _write_performance(
    name: str,
    config: PseudoLabelConfig,
    engine: Engine,
    activations: Sequence[Activations],
    *,
    recording: Recording,
    drums: Recording,
) -> None:
    """Write the drums as MIDI on a clock of 120 bpm, and the recording without them."""
    length = min(recording.num_samples, drums.num_samples)
    whole, separated = (amplify(each.read(0, length), -each.gain_db) for each in (recording, drums))
    rest = whole - separated
    if np.sqrt(np.mean(np.square(rest))) < _LEAST_REST * np.sqrt(np.mean(np.square(whole))):
        return  # hardly any drums: `drums_of` gives the whole recording then
    events = decode(activations, engine.decoding, engine.calibration).events
    hits = [
        Hit(float(time_s), LABEL_NAMES[label], velocity=float(velocity), evidence="transcription")
        for time_s, label, velocity in zip(events.time_s, events.label, events.velocity, strict=True)
    ]
    midi = join(config.output, "performances", f"{name}.mid")
    refuse_foreign_file(midi, mark=BLANK[:-16].encode())
    write_bytes(join(config.output, "performances", name + BACKING_SUFFIX), _flac(rest))
    write_bytes(midi, seal(write_performance(hits, mark=BLANK)))


def labels_of(
    engine: Engine, activations: Sequence[Activations], *, confident: float, doubtful: float
) -> tuple[Hit, ...]:
    """Hits of a recording; those that are less than ``confident`` above their threshold are flagged as inaudible.

    Parameters
    ----------
    engine
        The model.
    activations
        Its output for a recording, in chunks.
    confident, doubtful
        Distances above and below the calibrated threshold, in log-odds.
    """
    lowered = engine.decoding.model_copy(update={"threshold_log_odds": -doubtful})
    found = decode(activations, lowered, engine.calibration)
    raised = engine.decoding.model_copy(update={"threshold_log_odds": confident})
    hits = []
    for time_s, label, velocity, confidence in zip(
        found.events.time_s, found.events.label, found.events.velocity, found.events.confidence, strict=True
    ):
        drum = BRANCH_OF[LABEL_NAMES[label]]
        certain = confidence >= threshold_of(raised, engine.calibration, drum)
        hits.append(
            Hit(
                time_s=float(time_s),
                label=drum,  # its articulation stays open
                velocity=float(velocity),
                flags=() if certain else ("faint",),
                evidence="transcription",
            )
        )
    return tuple(hits)


def candidate_times(engine: Engine, activations: Sequence[Activations], *, log_odds: float) -> NDArray[np.float64]:
    """Times [N] in seconds of all candidates above the threshold shifted by ``log_odds``."""
    lowered = engine.decoding.model_copy(update={"threshold_log_odds": log_odds})
    return decode(activations, lowered, engine.calibration).events.time_s


def spans_without(
    times_s: NDArray[np.float64], duration_s: float, *, shortest_s: float, margin_s: float = 0.3
) -> Iterator[tuple[float, float]]:
    """Spans [s] between sorted times, ``margin_s`` from each, that last at least ``shortest_s``.

    Examples
    --------
    >>> list(spans_without(np.array([1.0, 1.5, 9.0]), 10.0, shortest_s=5.0))
    [(1.8, 8.7)]
    """
    edges = np.concatenate(([-margin_s], times_s, [duration_s + margin_s]))
    for start, end in zip(edges[:-1] + margin_s, edges[1:] - margin_s, strict=True):
        if end - start >= shortest_s:
            yield float(start), float(end)


def _flac(samples: NDArray[np.float32]) -> bytes:
    """FLAC of samples [N], turned down where they would clip."""
    peak = float(np.abs(samples).max(initial=1e-9))
    return encode_flac(samples * np.float32(min(1.0, 0.99 / peak)))
