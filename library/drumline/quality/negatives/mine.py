"""`mine negatives`: where a system is sure of a stroke that nobody played, for it to be taught better.

What is judged is a system's hits in whole songs, from its files (``system``) or straight from a checkpoint
(``checkpoint``), against a dataset, charts or a corpus (``truth``); or BeatSight's predictions of samples
(``samples``). Written are

- ``negatives.jsonl``: a line a false alarm, the most confident first, in BeatSight's fields and some more;
- ``hard_windows.jsonl``: the passages around them, which training reads (``hard_windows`` in its configuration) and
  draws more often. They need song ids: a dataset's.

A system that does not say how sure it is yields nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.core.measure import measured, number
from drumline.dataset.sampling_weights import HardWindow
from drumline.decoding.cache import CacheConfig
from drumline.decoding.presets import Decoding
from drumline.decoding.strokes import DecodeConfig
from drumline.evaluation.config import SystemConfig
from drumline.evaluation.pairing import Unmatched
from drumline.evaluation.references import ReferenceConfig
from drumline.metrics.vocabulary import VOCABULARIES
from drumline.quality.gates import Limit, judge_all
from drumline.quality.lines import input_of, lines_to
from drumline.quality.negatives import page, samples
from drumline.quality.negatives.collecting import BINS, CapConfig, Mine
from drumline.quality.negatives.findings import Candidate, LabelNegatives, NegativeFindings
from drumline.quality.outcome import Outcome
from drumline.quality.report import Input, WriterConfig, make_report

_MOST_SHOWN = 20


class SamplesConfig(Config):
    """Predictions of samples."""

    predictions: str
    """JSON lines: sample_id, predicted_labels, scores or confidence, onset_time ..."""
    events: str = ""
    """JSON lines of what sounds in each sample. Without them all are candidates, none a proven false alarm."""


class HardWindowConfig(Config):
    """The passages that training draws more often."""

    around_s: float = Field(default=1.0, gt=0)
    """On either side of a false alarm [s]; passages that touch are one."""
    weight: float = Field(default=3.0, gt=1)
    """By what the weight of their windows is multiplied."""


class NegativeGates(Config):
    """Limits."""

    unread: Limit | None = Limit(at_most=0)
    """Songs that could not be judged."""
    confident_share: Limit | None = None
    """Share of all judged estimates that are confident false alarms."""
    mined: Limit | None = None
    """How many are written."""


class MineNegativesConfig(WriterConfig):
    """Whose false alarms are mined, and how many."""

    truth: ReferenceConfig | None = None
    """What is true of whole songs. Mine where training looks: its split is ``train``."""
    system: SystemConfig | None = None
    """A system, by what it wrote."""
    checkpoint: str = ""
    """Instead of a system: a checkpoint, or a training run's output, which listens to the dataset."""
    decoding: Decoding = DecodeConfig()
    """Of a checkpoint: how activations become hits."""
    calibration: str = ""
    """Of a checkpoint: a ``class_thresholds.json``."""
    cache: CacheConfig = CacheConfig()
    """Of a checkpoint: what it says of recordings, as `predict` keeps it. A dry run fills it too."""
    samples: SamplesConfig | None = None
    """Instead of songs: predictions of samples."""
    vocabulary: Literal["3", "5", "8", "12"] = "12"
    """In whose classes songs are judged."""
    window_ms: float = Field(default=50.0, gt=0, le=1_000)
    """A hit may lie so far from its stroke [ms]."""
    unmatched: Unmatched = "error"
    """What becomes of songs without predictions, as in an evaluation."""
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


def check(config: MineNegativesConfig) -> Outcome:
    """Mine. Raises DrumlineError where a file or a checkpoint cannot be used."""
    mine = Mine(config.caps)
    if config.samples:
        recordings, unread, inputs = _mine_samples(config.samples, mine)
    else:
        recordings, unread, inputs = _mine_songs(config, mine)
    chosen = mine.chosen()
    windows = hard_windows(chosen, config.hard)
    written = [config.place(name) for name in ("negatives.jsonl", "hard_windows.jsonl")]
    with lines_to(written[0]) as write:
        for candidate in chosen:
            write(_line(candidate))
    with lines_to(written[1]) as write:
        for window in windows:
            write(window.model_dump())
    findings = _findings(mine, chosen, windows, recordings=recordings)
    values = {
        "unread": measured(len(unread)),
        "confident_share": measured(findings.confident / findings.estimates if findings.estimates else float("nan")),
        "mined": measured(findings.mined),
    }
    notes = [f"not judged: {song}: {reason}" for song, reason in unread]
    if mine.without_confidence:
        notes.append(f"{mine.without_confidence} false alarms tell no confidence and cannot be mined")
    if chosen and not windows:
        notes.append("no hard windows: nothing that was mined has a song id and a time")
    report = make_report(
        "mine-negatives", config, findings=findings, gates=judge_all(config.gates, values), inputs=inputs, notes=notes
    )
    return Outcome(report, lambda: page.sections(findings), written=tuple(uri for uri in written if uri))


def hard_windows(candidates: Iterable[Candidate], config: HardWindowConfig) -> list[HardWindow]:
    """The passages around false alarms, by song and time; those that touch are one."""
    times_s: defaultdict[str, list[float]] = defaultdict(list)
    for candidate in candidates:
        if candidate.song_id and candidate.onset_s is not None:
            times_s[candidate.song_id].append(candidate.onset_s)
    windows = []
    for song_id, own in sorted(times_s.items()):
        start_s = end_s = float("nan")
        for time_s in sorted(own):
            if not round(time_s - config.around_s, 4) <= round(end_s, 4):
                if start_s == start_s:
                    windows.append(_window(song_id, start_s, end_s, config))
                start_s = max(0.0, time_s - config.around_s)
            end_s = time_s + config.around_s
        windows.append(_window(song_id, start_s, end_s, config))
    return windows


def _window(song_id: str, start_s: float, end_s: float, config: HardWindowConfig) -> HardWindow:
    return HardWindow(song_id=song_id, start_s=round(start_s, 4), end_s=round(end_s, 4), weight=config.weight)


Unread = Sequence[tuple[str, str]]
"""(song, reason)."""


def _mine_songs(config: MineNegativesConfig, mine: Mine) -> tuple[int, Unread, list[Input]]:
    from drumline.quality.negatives import songs  # brings torch

    truth = config.truth
    if truth is None:
        raise ConfigError("truth: must be set")
    if config.system:
        heard: Iterator[songs.Heard | songs.Unread] = songs.of_files(truth, config.system, config.unmatched)
    else:
        heard = songs.of_checkpoint(
            truth,
            config.checkpoint,
            decoding=config.decoding,
            calibration=config.calibration,
            cache=config.cache,
        )
    recordings, unread = 0, []
    for each in heard:
        if isinstance(each, songs.Unread):
            unread.append((each.name, each.reason))
            continue
        recordings += 1
        alarms, labels = songs.false_alarms(each, VOCABULARIES[config.vocabulary], window_s=config.window_ms / 1000)
        mine.estimates.update(labels)
        mine.add(alarms)
    inputs = songs.inputs_of(truth, config.system, config.checkpoint, recordings=recordings)
    return recordings, unread, inputs


def _mine_samples(config: SamplesConfig, mine: Mine) -> tuple[int, Unread, list[Input]]:
    truth, inputs = dict[str, frozenset[str]](), []
    if config.events:
        truth, source = samples.read_truth(config.events)
        inputs.append(source)
    recordings = 0
    for each in samples.judged(config.predictions, truth):
        recordings += 1
        mine.estimates.update(each.labels)
        mine.add(each.alarms)
    return recordings, [], [*inputs, input_of("predictions", config.predictions, recordings)]


def _line(candidate: Candidate) -> dict[str, Any]:
    """A line of negatives.jsonl; what is not known is left out."""
    told = {
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
    return {name: value for name, value in told.items() if value not in (None, "")}


def _findings(
    mine: Mine, chosen: Sequence[Candidate], windows: Sequence[HardWindow], *, recordings: int
) -> NegativeFindings:
    mined = Counter(candidate.label for candidate in chosen)
    least: dict[str, float] = {}
    for candidate in chosen:
        least[candidate.label] = min(candidate.confidence, least.get(candidate.label, 1.0))
    worst = Counter(candidate.recording for candidate in chosen)
    return NegativeFindings(
        recordings=recordings,
        estimates=mine.estimates.total(),
        false_alarms=mine.false_alarms.total(),
        confident=mine.confident.total(),
        mined=len(chosen),
        without_confidence=mine.without_confidence,
        labels={
            label: LabelNegatives(
                estimates=mine.estimates[label],
                false_alarms=mine.false_alarms[label],
                confident=mine.confident[label],
                mined=mined[label],
                confidence=number(least[label]) if label in least else None,
                by_confidence=tuple(mine.by_confidence[label]) if label in mine.by_confidence else (0,) * BINS,
            )
            for label in sorted(mine.estimates)
        },
        instead_of={label: dict(sorted(own.items())) for label, own in sorted(mine.instead_of.items())},
        worst=dict(sorted(worst.items(), key=lambda item: (-item[1], item[0]))[:_MOST_SHOWN]),
        windows=len(windows),
        window_s=round(sum(window.end_s - window.start_s for window in windows), 4),
    )
