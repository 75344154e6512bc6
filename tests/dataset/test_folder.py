"""Which charts of a folder are songs, by names alone."""

import pytest

from drumline.dataset.folder import Folder


def songs(*members: str) -> dict[str, list[str]]:
    """Chart -> its audio, of the charts that are songs."""
    folder = Folder(members)
    return {
        chart: [file for choice in folder.audio_of(chart) for file in choice.files]
        for chart in folder.charts
        if chart not in folder.alternatives
    }


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (("notes.chart", "song.ogg", "song.chart", "song.bsm", "song.mid"), {"notes.chart": ["song.ogg"]}),
        (("Notes.Mid", "notes.chart", "song.ogg"), {"Notes.Mid": ["song.ogg"]}),
        (("notes.chart", "song.ogg", "other.chart"), {"notes.chart": ["song.ogg"]}),
        (("notes.chart", "song.ogg", "b.chart", "b.ogg"), {"notes.chart": ["song.ogg"], "b.chart": ["b.ogg"]}),
        (("notes.chart", "song.ogg", "whole.sng"), {"notes.chart": ["song.ogg"], "whole.sng": []}),
        (("a.chart", "a.ogg", "b.chart", "b.ogg"), {"a.chart": ["a.ogg"], "b.chart": ["b.ogg"]}),
        (("My Song.chart", "song.ogg"), {"My Song.chart": ["song.ogg"]}),
        (("My Song.chart", "song.ogg", "song.chart"), {"My Song.chart": ["song.ogg"], "song.chart": ["song.ogg"]}),
        (("a.chart", "b.chart", "song.ogg"), {"a.chart": [], "b.chart": []}),
    ],
)
def test_the_games_own_names_win_and_other_charts_have_the_audio_of_their_stem(
    members: tuple[str, ...], expected: dict[str, list[str]]
) -> None:
    assert songs(*members) == expected


def test_alternatives_begin_with_the_games_own_names() -> None:
    folder = Folder(["song.bsm", "notes.chart", "notes.mid", "song.ogg", "a.chart"])
    assert folder.notes == ("notes.mid", "notes.chart")
    assert list(folder.alternatives) == ["notes.chart", "a.chart", "song.bsm"]
