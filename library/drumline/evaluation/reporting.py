"""Assemble the counts of an evaluation into a `Report`."""

from collections.abc import Mapping, Sequence

import numpy as np

import drumline
from drumline.core.config import fingerprint
from drumline.core.errors import DrumlineError
from drumline.core.interval_value import number
from drumline.core.taxonomy import BRANCHES
from drumline.core.vocabularies import LABEL_NAMES, VOCABULARIES
from drumline.evaluation import summary
from drumline.evaluation.config import EvaluationConfig
from drumline.evaluation.frames import BranchFrames
from drumline.evaluation.measures import Branch
from drumline.evaluation.report import (
    ComparisonReport,
    Delta,
    Deltas,
    Group,
    Report,
    SongRow,
    SystemReport,
    TruthReport,
    UnreadRow,
)
from drumline.evaluation.scoring import Scored
from drumline.evaluation.song import EDIT_VOCABULARIES, SongScore
from drumline.metrics.bootstrap import compare
from drumline.metrics.edits import edits_per_100_notes
from drumline.metrics.frames import areas
from drumline.metrics.scores import micro, scores
from drumline.metrics.tally import COLUMNS, columns_of
from drumline.metrics.verdict import verdict

_GROUPED_BY = ("source", "domain", "genre")


def make_report(scored: Scored, config: EvaluationConfig) -> Report:
    """Build the report of all truths and systems. Raises DrumlineError if no song of the first truth was evaluated."""
    main = config.truths[0].name
    if not any(songs for (truth, _), songs in scored.songs.items() if truth == main):
        faults = "; ".join(f"{each.song}: {each.reason}" for each in scored.unread[:3])
        raise DrumlineError(f"no song of {main!r} could be judged ({len(scored.unread)} could not be read: {faults})")
    return Report(
        name=config.name,
        drumline=drumline.__version__,
        fingerprint=fingerprint(config.model_dump(mode="json", exclude={"run", "output"})),
        windows_ms=tuple(summary.window_ms(window_s) for window_s in config.scoring.windows_s),
        vocabulary=config.scoring.vocabulary,
        level=config.bootstrap.level,
        num_draws=config.bootstrap.num_draws,
        truths=tuple(_truth(truth.name, scored, config) for truth in config.truths),
    )


def _truth(name: str, scored: Scored, config: EvaluationConfig) -> TruthReport:
    by_system = {system.name: songs for system in config.systems if (songs := scored.songs.get((name, system.name)))}
    every = {song.song: song for songs in by_system.values() for song in songs}
    return TruthReport(
        name=name,
        songs=len(every),
        hours=round(sum(song.duration_s for song in every.values()) / 3600, 6),
        strokes=sum(song.num_hits for song in every.values()),
        systems=tuple(
            _system(system, songs, scored.frames.get((name, system)), config) for system, songs in by_system.items()
        ),
        comparisons=tuple(_comparisons(by_system, config)),
        unread=tuple(
            UnreadRow(system=each.system, song=each.song, reason=each.reason)
            for each in scored.unread
            if each.truth == name
        ),
    )


def _system(
    name: str, songs: Sequence[SongScore], frames: BranchFrames | None, config: EvaluationConfig
) -> SystemReport:
    classes = VOCABULARIES[config.scoring.vocabulary].classes
    labels = np.sum([song.labels for song in songs], axis=0)
    return SystemReport(
        name=name,
        songs=len(songs),
        hours=round(sum(song.duration_s for song in songs) / 3600, 6),
        hits=int(labels.sum()),
        labels={label: int(count) for label, count in zip(LABEL_NAMES, labels, strict=True) if count},
        events=summary.event_scores(songs, config),
        timing=summary.class_timing(songs, classes),
        velocity=summary.velocity_errors(songs, classes),
        openness=summary.errors(np.sum([song.openness for song in songs], axis=0)),
        confusion=summary.matrix(np.sum([song.confusion for song in songs], axis=0), classes),
        variations=summary.variations(songs),
        gaps=summary.gaps(songs, classes),
        subdivisions=summary.subdivisions(songs, classes),
        edits=summary.edits(songs, config.bootstrap),
        reliability=summary.confidences(songs),
        branches=_branches(songs, frames, config) if frames else {},
        groups=tuple(_groups(songs, config)),
        per_song=tuple(_song_rows(songs, config)),
    )


def _branches(songs: Sequence[SongScore], frames: BranchFrames, config: EvaluationConfig) -> dict[str, Branch]:
    """Frame and event scores of each branch that the system has, with a diagnosis."""
    area = areas(frames.histogram)
    at_half = scores(frames.counts)
    counts = np.sum([song.counts[0] for song in songs], axis=0)
    found = {}
    for index, branch in enumerate(BRANCHES):
        if not frames.histogram[index].any():
            continue
        # Every branch is a class of the five, or of the eight.
        events = counts[COLUMNS.index(("5", branch) if ("5", branch) in COLUMNS else ("8", branch))]
        event_f = float(scores(events).f)
        result = verdict(
            branch,
            roc_auc=float(area.roc_auc[index]),
            f=event_f,
            num_reference=int(events[0] + events[2]),
            config=config.verdict,
        )
        found[branch] = Branch(
            num_positive=int(area.num_positive[index]),
            roc_auc=number(area.roc_auc[index]),
            roc_auc_error=number(area.roc_auc_error[index]),
            pr_auc=number(area.pr_auc[index]),
            pr_auc_error=number(area.pr_auc_error[index]),
            frame_precision=number(at_half.precision[index]),
            frame_recall=number(at_half.recall[index]),
            frame_f=number(at_half.f[index]),
            event_f=number(event_f),
            finding=result.finding,
            reason=result.reason,
        )
    return found


def _groups(songs: Sequence[SongScore], config: EvaluationConfig) -> list[Group]:
    columns = columns_of(config.scoring.vocabulary)
    classes = VOCABULARIES[config.scoring.vocabulary].classes
    found = []
    for by in _GROUPED_BY:
        names = sorted({str(getattr(song, by)) for song in songs})
        for name in names if len(names) > 1 else ():
            mine = [song for song in songs if getattr(song, by) == name]
            counts = np.stack([song.counts[0, columns] for song in mine])
            by_class = scores(counts.sum(axis=0)).f
            found.append(
                Group(
                    by=by,
                    name=name or "not told",
                    songs=len(mine),
                    strokes=sum(song.num_hits for song in mine),
                    f=summary.micro_f(counts, config.bootstrap),
                    classes={drum: number(by_class[c]) for c, drum in enumerate(classes)},
                    edits_per_100_notes=_edit_rate(mine, config),
                )
            )
    return found


def _song_rows(songs: Sequence[SongScore], config: EvaluationConfig) -> list[SongRow]:
    columns = columns_of(config.scoring.vocabulary)
    rows = []
    for song in songs:
        counts = song.counts[0, columns]
        tp, fp, fn = counts.sum(axis=0).tolist()
        result = micro(counts)
        rows.append(
            SongRow(
                song=song.song,
                source=song.source,
                domain=song.domain,
                genre=song.genre,
                duration_s=round(song.duration_s, 3),
                strokes=song.num_hits,
                hits=int(song.labels.sum()),
                tp=tp,
                fp=fp,
                fn=fn,
                precision=number(result.precision),
                recall=number(result.recall),
                f=number(result.f),
                edits_per_100_notes=_edit_rate([song], config),
                median_offset_ms=number(np.median(song.offset_s) * 1000) if len(song.offset_s) else None,
            )
        )
    return sorted(rows, key=lambda row: (row.f is None, row.f, row.song))


def _edit_rate(songs: Sequence[SongScore], config: EvaluationConfig) -> float | None:
    wanted = config.scoring.vocabulary
    name = wanted if wanted in EDIT_VOCABULARIES else EDIT_VOCABULARIES[0]
    return number(edits_per_100_notes(np.sum([song.edits[name] for song in songs], axis=(0, 1))))


def _comparisons(by_system: Mapping[str, Sequence[SongScore]], config: EvaluationConfig) -> list[ComparisonReport]:
    baseline = {song.song: song for song in by_system.get(config.compared_with, ())}
    columns = columns_of(config.scoring.vocabulary)
    found = []
    for name, songs in by_system.items():
        both = [(baseline[song.song], song) for song in songs if song.song in baseline]
        if name == config.compared_with or not both:
            continue
        a, b = (np.stack([pair[side].counts[0, columns] for pair in both]) for side in (0, 1))
        result = compare(
            a,
            b,
            statistic=summary.with_totals,
            seed=config.bootstrap.seed,
            num_draws=config.bootstrap.num_draws,
            level=config.bootstrap.level,
        )
        rows = {}
        for row, title in enumerate(("micro", "macro", *VOCABULARIES[config.scoring.vocabulary].classes)):
            precision, recall, f = (
                Delta(
                    delta=number(result.delta[row, column]),
                    low=number(result.low[row, column]),
                    high=number(result.high[row, column]),
                    p_value=number(result.p_value[row, column]),
                )
                for column in range(3)
            )
            rows[title] = Deltas(precision=precision, recall=recall, f=f)
        found.append(ComparisonReport(baseline=config.compared_with, system=name, songs=len(both), rows=rows))
    return found
