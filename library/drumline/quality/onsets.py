"""Labelled onsets from an event manifest (JSON lines) or a built dataset."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from drumline.charts.documents import read_json_lines
from drumline.core.artifacts import STORAGE_ERRORS, exists, filesystem, join, read_bytes, sha256
from drumline.core.errors import DrumlineError
from drumline.dataset.manifest import NAME, read_manifest
from drumline.dataset.parquet import open_parquet
from drumline.quality.report import Input
from drumline.quality.samples import labels_of

_COLUMNS = ("song_id", "domain", "split", "time_s", "label")


@dataclass(frozen=True)
class Onset:
    """One onset of a recording with all labels that share its time."""

    recording: str
    """Recording: the audio path in an event manifest; song id and domain in a dataset."""
    group: str
    """Session or song that the recording belongs to; recordings of one group are not statistically independent."""
    split: str
    """Split named by the source; may be empty."""
    time_s: float
    """Onset time in the audio [s]."""
    labels: tuple[str, ...]
    """Distinct labels in alphabetical order."""


def is_dataset(uri: str) -> bool:
    """Whether the URI is a built dataset (has a manifest) rather than an event manifest."""
    return exists(join(uri, NAME))


def iter_onsets(uri: str) -> Iterator[Onset]:
    """Iterate over onsets, recording by recording and in order of time; negative examples are skipped.

    Raises DrumlineError if the source cannot be read, ChartError at an invalid line.
    """
    return _of_dataset(uri) if is_dataset(uri) else _of_lines(uri)


def describe_source(uri: str) -> Input:
    """Describe an event manifest or a dataset for a report."""
    if is_dataset(uri):
        counts = read_manifest(uri).counts
        return Input(role="dataset", path=uri, records=counts.hits, sha256=sha256(read_bytes(join(uri, NAME))))
    data = _bytes(uri)
    lines = sum(1 for line in data.splitlines() if line.strip())
    return Input(role="events", path=uri, records=lines, sha256=sha256(data))


def _of_dataset(uri: str) -> Iterator[Onset]:
    with open_parquet(join(uri, "events.parquet")) as file:
        groups = (file.row_group(index, _COLUMNS).to_pylist() for index in range(file.num_row_groups))
        rows = (row for group in groups for row in group)
        for (song, domain, split, time_s), hits in groupby(
            rows, key=lambda row: (row["song_id"], row["domain"], row["split"], row["time_s"])
        ):
            yield Onset(f"{song}/{domain}", song, split, time_s, tuple(sorted({hit["label"] for hit in hits})))


def _of_lines(uri: str) -> Iterator[Onset]:
    labels: dict[tuple[str, float], set[str]] = {}
    group_and_split: dict[str, tuple[str, str]] = {}
    for line in read_json_lines(_bytes(uri), uri):
        if line.flag("negative_example"):
            continue
        recording = line.text("audio_path")
        group_and_split.setdefault(recording, (line.text("session_id", "") or recording, line.text("split", "")))
        labels.setdefault((recording, line.seconds("onset_time")), set()).update(labels_of(line))
    for recording, time_s in sorted(labels):
        yield Onset(recording, *group_and_split[recording], time_s, tuple(sorted(labels[recording, time_s])))


def _bytes(uri: str) -> bytes:
    try:
        return read_bytes(uri)
    except STORAGE_ERRORS as error:
        fs, path = filesystem(uri)
        reason = f"a folder without {NAME}: not a dataset" if fs.isdir(path) else error or type(error).__name__
        raise DrumlineError(f"{uri}: cannot be read ({reason})") from error
