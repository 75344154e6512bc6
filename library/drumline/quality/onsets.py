"""Who plays what when, from an events JSONL or a built dataset: what packs and counts of onsets are made of."""

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
    """All that begins at one time of one recording."""

    recording: str
    """The audio path of an events file; song and domain of a dataset."""
    group: str
    """The session, or the song: recordings of one group are no independent witnesses."""
    split: str
    """As the source says; may be empty."""
    time_s: float
    """In the audio."""
    labels: tuple[str, ...]
    """Sorted, each once."""


def is_dataset(uri: str) -> bool:
    """Whether a built dataset is there, and not a file of events."""
    return exists(join(uri, NAME))


def read_onsets(uri: str) -> Iterator[Onset]:
    """Every onset, recording by recording, in order of time. Negative examples are none.

    Raises DrumlineError where there is nothing to read, ChartError at a damaged line.
    """
    return _of_dataset(uri) if is_dataset(uri) else _of_lines(uri)


def source_of(uri: str) -> Input:
    """What an events file or a dataset is, for a report."""
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
    about: dict[str, tuple[str, str]] = {}
    for line in read_json_lines(_bytes(uri), uri):
        if line.flag("negative_example"):
            continue
        recording = line.text("audio_path")
        about.setdefault(recording, (line.text("session_id", "") or recording, line.text("split", "")))
        labels.setdefault((recording, line.seconds("onset_time")), set()).update(labels_of(line))
    for recording, time_s in sorted(labels):
        yield Onset(recording, *about[recording], time_s, tuple(sorted(labels[recording, time_s])))


def _bytes(uri: str) -> bytes:
    try:
        return read_bytes(uri)
    except STORAGE_ERRORS as error:
        fs, path = filesystem(uri)
        what = f"a folder without {NAME}: not a dataset" if fs.isdir(path) else error or type(error).__name__
        raise DrumlineError(f"{uri}: cannot be read ({what})") from error
