"""`mine negatives`: mine confident false positives as hard negatives for training.

Evaluated are a system's hits in whole songs, from its files (``system``) or inferred by a checkpoint (``checkpoint``),
against a dataset, charts or a corpus (``truth``); or BeatSight's predictions of samples (``samples``). Written are

- ``negatives.jsonl``: one line for each false positive, most confident first, in BeatSight's fields and some more;
- ``hard_windows.jsonl``: the passages around them, which training (``hard_windows`` in its configuration) samples more
  often. They need the song ids of a dataset.

Systems without confidence values yield nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.core.interval_value import measured, number
from drumline.core.vocabularies import VOCABULARIES
from drumline.dataset.sampling_weights import HardWindow
from drumline.decoding.cache import CacheConfig
from drumline.decoding.config import DecodeConfig
from drumline.decoding.presets import Decoding
from drumline.evaluation.config import SystemConfig
from drumline.evaluation.pairing import Unmatched
from drumline.evaluation.references import ReferenceConfig
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.lines import describe_file, json_lines_writer
from drumline.quality.negatives import page, samples
from drumline.quality.negatives.collecting import BINS, CandidatePool, CapConfig
from drumline.quality.negatives.findings import Candidate, LabelNegatives, NegativeFindings
from drumline.quality.outcome import CheckResult
from drumline.quality.report import Input, WriterConfig, make_report

_MOST_SHOWN = 20


class SamplesConfig(Config):
    """Predictions of labelled samples."""

    predictions: str
    """Predictions: JSON lines with sample_id, predicted_labels, scores or confidence, onset_time ..."""
    events: str = ""
    """Ground truth of the samples (JSON lines); without it every prediction is a candidate."""


class HardWindowConfig(Config):
    """Passages around false positives that training samples more often."""

    around_s: float = Field(default=1.0, gt=0)
    """Margin before and after a false positive [s]; touching passages are merged."""
    weight: float = Field(default=3.0, gt=1)
    """Factor on the sampling weight of windows in these passages."""


class NegativeGates(Config):
    """Limits of `mine negatives`; null disables a gate."""

    unreadable: Limit | None = Field(default=Limit(at_most=0), validation_alias=AliasChoices("unreadable", "unread"))
    """Number of songs that could not be evaluated (earlier name: ``unread``)."""
    confident_share: Limit | None = None
    """Share of confident false positives among all evaluated estimates."""
    mined: Limit | None = None
    """Number of mined false positives."""


class MineNegativesConfig(WriterConfig):
    """System and ground truth whose false positives are mined, and limits on their number."""

    truth: ReferenceConfig | None = None
    """Ground truth of whole songs. Mine the songs that training uses: split ``train``."""
    system: SystemConfig | None = None
    """Predictions of a system, from its files."""
    checkpoint: str = ""
    """Checkpoint or training run to run inference with on the dataset, instead of ``system``."""
    decoding: Decoding = DecodeConfig()
    """Decoding of the checkpoint's activations into hits."""
    calibration: str = ""
    """Calibration file ``class_thresholds.json`` of the checkpoint; empty for the decoder's thresholds."""
    cache: CacheConfig = CacheConfig()
    """Activation cache of the checkpoint, shared with `predict`; filled on dry runs too."""
    samples: SamplesConfig | None = None
    """Predictions of samples, instead of whole songs."""
    vocabulary: Literal["3", "5", "8", "12"] = "12"
    """Class vocabulary of the evaluation of songs: number of classes."""
    window_ms: float = Field(default=50.0, gt=0, le=1_000)
    """Largest distance of an estimate from the hit that it matches [ms]."""
    unmatched: Unmatched = "error"
    """Handling of songs without predictions, as in an evaluation."""
    caps: CapConfig = CapConfig()
    hard: HardWindowConfig = HardWindowConfig()
    gates: NegativeGates = NegativeGates()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.truth is None) == (self.samples is None):
            raise ValueError("set either `truth` or `samples`")
        if self.truth is not None and bool(self.checkpoint) == (self.system is not None):
            raise ValueError("set either `system` or `checkpoint`")
        return self


def run(config: MineNegativesConfig) -> CheckResult:
    """Mine false positives. Raises DrumlineError if a file or checkpoint cannot be used."""
    pool = CandidatePool(config.caps)
    if config.samples:
        recordings, unreadable, inputs = _mine_samples(config.samples, pool)
    else:
        recordings, unreadable, inputs = _mine_songs(config, pool)
    chosen = pool.chosen()
    windows = hard_windows(chosen, config.hard)
    written = [config.output_uri(name) for name in ("negatives.jsonl", "hard_windows.jsonl")]
    with json_lines_writer(written[0]) as write:
        for candidate in chosen:
            write(_line(candidate))
    with json_lines_writer(written[1]) as write:
        for window in windows:
            write(window.model_dump())
    findings = _findings(pool, chosen, windows, recordings=recordings)
    values = {
        "unreadable": measured(len(unreadable)),
        "confident_share": measured(findings.confident / findings.estimates if findings.estimates else float("nan")),
        "mined": measured(findings.mined),
    }
    notes = [f"not evaluated: {song}: {reason}" for song, reason in unreadable]
    if pool.without_confidence:
        notes.append(f"{pool.without_confidence} false positives have no confidence and cannot be mined")
    if chosen and not windows:
        notes.append("no hard windows: no mined false positive has a song id and a time")
    report = make_report(
        "mine-negatives",
        config,
        findings=findings,
        gates=apply_limits(config.gates, values),
        inputs=inputs,
        notes=notes,
    )
    return CheckResult(report, lambda: page.sections(findings), written=tuple(uri for uri in written if uri))


def hard_windows(candidates: Iterable[Candidate], config: HardWindowConfig) -> list[HardWindow]:
    """Passages around false positives, by song and time; touching passages are merged."""
    times_s: defaultdict[str, list[float]] = defaultdict(list)
    for candidate in candidates:
        if candidate.song_id and candidate.onset_s is not None:
            times_s[candidate.song_id].append(candidate.onset_s)
    windows = []
    for song_id, song_times_s in sorted(times_s.items()):
        start_s = end_s = float("nan")
        for time_s in sorted(song_times_s):
            if not round(time_s - config.around_s, 4) <= round(end_s, 4):
                if start_s == start_s:
                    windows.append(_window(song_id, start_s, end_s, config))
                start_s = max(0.0, time_s - config.around_s)
            end_s = time_s + config.around_s
        windows.append(_window(song_id, start_s, end_s, config))
    return windows


def _window(song_id: str, start_s: float, end_s: float, config: HardWindowConfig) -> HardWindow:
    return HardWindow(song_id=song_id, start_s=round(start_s, 4), end_s=round(end_s, 4), weight=config.weight)


Unreadable = Sequence[tuple[str, str]]
"""(song, reason) of songs that could not be evaluated."""


def _mine_songs(config: MineNegativesConfig, pool: CandidatePool) -> tuple[int, Unreadable, list[Input]]:
    from drumline.quality.negatives import songs  # imports torch

    truth = config.truth
    if truth is None:
        raise ConfigError("truth: required unless `samples` is set")
    if config.system:
        found: Iterator[songs.SongEstimates | songs.UnreadableSong] = songs.estimates_from_files(
            truth, config.system, config.unmatched
        )
    else:
        found = songs.estimates_from_checkpoint(
            truth,
            config.checkpoint,
            decoding=config.decoding,
            calibration=config.calibration,
            cache=config.cache,
        )
    recordings, unreadable = 0, []
    for song in found:
        if isinstance(song, songs.UnreadableSong):
            unreadable.append((song.name, song.reason))
            continue
        recordings += 1
        candidates, labels = songs.false_positives(
            song, VOCABULARIES[config.vocabulary], window_s=config.window_ms / 1000
        )
        pool.estimates.update(labels)
        pool.add(candidates)
    inputs = songs.inputs_of(truth, config.system, config.checkpoint, recordings=recordings)
    return recordings, unreadable, inputs


def _mine_samples(config: SamplesConfig, pool: CandidatePool) -> tuple[int, Unreadable, list[Input]]:
    truth, inputs = dict[str, frozenset[str]](), []
    if config.events:
        truth, source = samples.read_truth(config.events)
        inputs.append(source)
    recordings = 0
    for sample in samples.evaluated_samples(config.predictions, truth):
        recordings += 1
        pool.estimates.update(sample.labels)
        pool.add(sample.false_positives)
    return recordings, [], [*inputs, describe_file("predictions", config.predictions, recordings)]


def _line(candidate: Candidate) -> dict[str, Any]:
    """A line of negatives.jsonl; unknown fields are omitted."""
    fields = {
        "sample_id": candidate.recording,
        "session_id": candidate.session_id,
        "audio_path": candidate.audio_path,
        "predicted_label": candidate.label,
        "confidence": round(candidate.confidence, 6),
        "onset_time": None if candidate.onset_s is None else round(candidate.onset_s, 6),
        "reason": f"high_confidence_{'false_positive' if candidate.certain else 'candidate'}",
        "instead_of": candidate.instead_of,
        "song_id": candidate.song_id,
        "domain": candidate.domain,
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _findings(
    pool: CandidatePool, chosen: Sequence[Candidate], windows: Sequence[HardWindow], *, recordings: int
) -> NegativeFindings:
    mined = Counter(candidate.label for candidate in chosen)
    least: dict[str, float] = {}
    for candidate in chosen:
        least[candidate.label] = min(candidate.confidence, least.get(candidate.label, 1.0))
    worst = Counter(candidate.recording for candidate in chosen)
    return NegativeFindings(
        recordings=recordings,
        estimates=pool.estimates.total(),
        false_alarms=pool.false_positives.total(),
        confident=pool.confident.total(),
        mined=len(chosen),
        without_confidence=pool.without_confidence,
        labels={
            label: LabelNegatives(
                estimates=pool.estimates[label],
                false_alarms=pool.false_positives[label],
                confident=pool.confident[label],
                mined=mined[label],
                confidence=number(least[label]) if label in least else None,
                by_confidence=tuple(pool.by_confidence[label]) if label in pool.by_confidence else (0,) * BINS,
            )
            for label in sorted(pool.estimates)
        },
        instead_of={label: dict(sorted(counts.items())) for label, counts in sorted(pool.instead_of.items())},
        worst=dict(sorted(worst.items(), key=lambda item: (-item[1], item[0]))[:_MOST_SHOWN]),
        windows=len(windows),
        window_s=round(sum(window.end_s - window.start_s for window in windows), 4),
    )
