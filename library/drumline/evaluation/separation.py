"""Evaluation of separation: SI-SDR and SDR of each source against its own recording."""

import glob
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from tqdm import tqdm

from drumline.audio.decode import AudioConfig, decode_stereo
from drumline.audio.separation.protocol import SeparationConfig, Source, open_separator
from drumline.audio.separation.weights import resolve
from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.metrics.separation import sdr_db, si_sdr_db


class SeparatedSongs(Config):
    """Mixes, and recordings of their sources beside them."""

    mixes: str
    """Files of mixes, a path or glob pattern."""
    ending: str
    """Ending of their names, which a source's own replaces: ``.rebuilt.flac``."""
    sources: dict[Source, str] = Field(min_length=1)
    """Ending of each source's file: ``{drums: .drums.flac}``."""


class SeparationEvaluationConfig(Config):
    """Evaluation of a separator."""

    songs: tuple[SeparatedSongs, ...] = Field(min_length=1)
    """Songs with known sources."""
    separation: SeparationConfig
    """The separator."""


@dataclass(frozen=True)
class SeparationScore:
    """Scores of one source of one song, in dB."""

    song: str
    source: str
    mix_si_sdr_db: float
    """SI-SDR of the mix itself."""
    si_sdr_db: float
    sdr_db: float

    @property
    def gain_db(self) -> float:
        """SI-SDR over that of the mix."""
        return self.si_sdr_db - self.mix_si_sdr_db


def evaluate_separation(config: SeparationEvaluationConfig) -> list[SeparationScore]:
    """Separate every mix and score its sources.

    Raises
    ------
    ConfigError
        If a pattern matches nothing or a source's file is missing.
    DrumlineError
        If the separator's weights are missing.
    """
    songs = [(path, each) for each in config.songs for path in _mixes(each)]
    settings = config.separation
    weights = resolve(
        settings.backend,
        path=settings.weights,
        model=settings.model,
        download=settings.download,
        environment=os.environ,
    )
    separator = open_separator(settings, weights)
    scores = []
    for path, each in tqdm(songs, desc="separating", unit="song", mininterval=1.0):
        mix = _read(path)
        names = tuple(each.sources)
        for source, estimate in zip(names, separator.separate(mix, names), strict=True):
            reference = _read(_source_file(path, each, source))
            length = min(reference.shape[1], mix.shape[1])
            reference, whole, estimate = reference[:, :length], mix[:, :length], estimate[:, :length]
            scores.append(
                SeparationScore(
                    song=path.name.removesuffix(each.ending),
                    source=source,
                    mix_si_sdr_db=si_sdr_db(reference, whole),
                    si_sdr_db=si_sdr_db(reference, estimate),
                    sdr_db=sdr_db(reference, estimate),
                )
            )
    return scores


def table(scores: Sequence[SeparationScore]) -> str:
    """Scores as a Markdown table with the means and medians of each source."""
    lines = ["| song | source | SI-SDR of mix | SI-SDR | gain | SDR |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    for score in scores:
        values = (score.mix_si_sdr_db, score.si_sdr_db, score.gain_db, score.sdr_db)
        lines.append(f"| {score.song} | {score.source} | {' | '.join(f'{value:.1f}' for value in values)} |")
    for source in dict.fromkeys(score.source for score in scores):
        found = [score for score in scores if score.source == source]
        for name, summary in (("mean", mean), ("median", median)):
            cells = (
                summary(getattr(score, key) for score in found)
                for key in ("mix_si_sdr_db", "si_sdr_db", "gain_db", "sdr_db")
            )
            lines.append(f"| **{name}** | {source} | {' | '.join(f'{value:.1f}' for value in cells)} |")
    return "\n".join(lines) + "\n"


def as_rows(scores: Sequence[SeparationScore]) -> list[dict[str, object]]:
    """Scores as plain values, with their gains."""
    return [{**asdict(score), "gain_db": score.gain_db} for score in scores]


def _mixes(songs: SeparatedSongs) -> list[Path]:
    found = [Path(path) for path in sorted(glob.glob(songs.mixes, recursive=True)) if path.endswith(songs.ending)]
    if not found:
        raise ConfigError(f"songs: no file matches {songs.mixes} and ends with {songs.ending}")
    for path in found:
        for source in songs.sources:
            _source_file(path, songs, source)
    return found


def _source_file(mix: Path, songs: SeparatedSongs, source: Source) -> Path:
    path = mix.with_name(mix.name.removesuffix(songs.ending) + songs.sources[source])
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; it should hold the {source} of {mix.name}")
    return path


def _read(path: Path) -> NDArray[np.float32]:
    return decode_stereo(path.read_bytes(), name=path.name, config=AudioConfig()).samples
