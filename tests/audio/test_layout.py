"""Which files of a folder hold the drums."""

import random

import pytest

from drumline.audio.layout import Choice, choose

TABLE = [
    ("nothing", [], []),
    ("no audio", ["notes.chart", "song.ini", "album.png"], []),
    ("a full mix", ["song.ogg"], [Choice("mix", ("song.ogg",))]),
    (
        "a drum stem",
        ["song.ogg", "drums.ogg"],
        [Choice("stem", ("drums.ogg",)), Choice("mix", ("song.ogg", "drums.ogg"))],
    ),
    ("only drums", ["drums.opus"], [Choice("stem", ("drums.opus",))]),
    (
        "numbered drums, which override drums",
        ["drums.ogg", "drums_2.ogg", "drums_1.ogg", "drums_3.mp3", "song.ogg"],
        [
            Choice("stems", ("drums_1.ogg", "drums_2.ogg", "drums_3.mp3")),
            Choice("mix", ("song.ogg", "drums_1.ogg", "drums_2.ogg", "drums_3.mp3")),
        ],
    ),
    ("drums_1 alone is the whole kit", ["drums_1.wav"], [Choice("stem", ("drums_1.wav",))]),
    (
        "no song file: the sum of the stems, without the preview",
        ["guitar.ogg", "bass.ogg", "vocals_2.ogg", "crowd.ogg", "preview.ogg"],
        [Choice("mix", ("guitar.ogg", "bass.ogg", "vocals_2.ogg", "crowd.ogg"))],
    ),
    ("case", ["Song.OGG", "DRUMS.Mp3"], [Choice("stem", ("DRUMS.Mp3",)), Choice("mix", ("Song.OGG", "DRUMS.Mp3"))]),
    ("lossless before lossy", ["drums.ogg", "drums.wav", "drums.mp3"], [Choice("stem", ("drums.wav",))]),
    ("an old chart's own name", ["My Band - My Song.mp3", "preview.ogg"], [Choice("mix", ("My Band - My Song.mp3",))]),
    ("what games do not play, after what they do", ["drums.m4a", "drums.ogg"], [Choice("stem", ("drums.ogg",))]),
    ("AAC alone", ["song.m4a", "video.mp4", "background.webm"], [Choice("mix", ("song.m4a",))]),
    ("pictures behind an old chart's own name", ["My Song.mp3", "video.mp4"], [Choice("mix", ("My Song.mp3",))]),
    ("pictures alone", ["video.mp4"], []),
    ("two unknown names", ["a.mp3", "b.mp3"], []),
    ("only a crowd", ["crowd.ogg", "preview.ogg"], []),
]


@pytest.mark.parametrize(("names", "choices"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_choice(names: list[str], choices: list[Choice]) -> None:
    assert list(choose(names)) == choices
    shuffled = random.Random(0).sample(names, len(names))
    assert list(choose(set(shuffled))) == choices
