"""Marks: in every format, there only while the file is as it was written, and no hindrance to any reader."""

import dataclasses

import numpy as np
import pytest

from drumline.charts import provenance, song_ini
from drumline.core.hit_arrays import Events
from drumline.transcription.formats.registry import FORMATS, Format
from drumline.transcription.result import SourceAudio, Transcriber, Transcription

MADE = Transcription.of(
    Events.of([0.5, 1.0], ["kick", "snare_head"], velocity=[0.5, 0.7], confidence=[0.9, np.nan]),
    SourceAudio("song.ogg", 3.0),
    Transcriber("heuristic"),
)


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_every_format_says_who_wrote_it_and_whether_it_was_changed(format_: Format) -> None:
    data = format_.write(MADE)
    assert provenance.is_marked(data)
    assert provenance.is_transcription(data)
    assert provenance.is_unchanged(data)
    location = data.index(b"drumline-transcription:")
    for at in (0, len(data) // 2, len(data) - 1, location + 30):  # the digits themselves among them
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert not provenance.is_unchanged(changed)


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_a_recording_without_hits_may_be_transcribed_again(format_: Format) -> None:
    assert provenance.is_unchanged(format_.write(dataclasses.replace(MADE, hits=())))


def test_a_title_that_is_a_mark_changes_nothing() -> None:
    data = provenance.seal(song_ini.write(song_ini.SongIni(name=provenance.BLANK), others={"mark": provenance.BLANK}))
    assert provenance.is_unchanged(data)
    assert not provenance.is_unchanged(provenance.BLANK.encode())


def test_what_a_person_made_is_not_ours() -> None:
    for data in (b'[Song]\n{\n  Name = "x"\n}\n', b"MThd", b"time_s,class\r\n", b"la la la\n"):
        assert not provenance.is_marked(data)
        assert not provenance.is_unchanged(data)
    assert provenance.is_transcription(b'{"metadata": {"createdAt": "1970-01-01T00:00:00Z"}}')
