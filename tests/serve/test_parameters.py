"""What is asked for, and what is said instead."""

import pytest
from pydantic import ValidationError
from serve.errors import KINDS, Problem
from serve.file_names import display_name, safe_name
from serve.parameters import DecodeParameters
from serve.result_formats import FOLDER, download_headers, negotiate_format
from serve.sniffing import HEAD_BYTES, ending_of, may_be_audio
from tests.audio.encoding import CODECS, encode, hits

from drumline.core.errors import REASONS
from drumline.decoding.presets import load_preset


@pytest.mark.parametrize(
    ("name", "accept", "expected"),
    [
        ("", "", "json"), ("", "*/*", "json"), ("midi", "application/json", "midi"), ("", "audio/midi", "midi"),
        ("", "text/html, */*;q=0.1", "json"), ("", "audio/*", "midi"), ("", "text/csv;q=0, application/zip", "folder"),
        ("", "application/json;q=0.2, text/csv;q=0.9", "csv"), ("folder", "", "folder"),
    ],
)  # fmt: skip
def test_a_format_by_name_or_by_accept(name: str, accept: str, expected: str) -> None:
    assert negotiate_format(name, accept).name == expected


@pytest.mark.parametrize(("name", "accept"), [("wav", ""), ("", "image/png"), ("", "text/csv;q=x"), ("", ";;,")])
def test_no_such_format(name: str, accept: str) -> None:
    with pytest.raises(Problem) as told:
        negotiate_format(name, accept)
    assert told.value.status == 406


@pytest.mark.parametrize("codec", CODECS)
def test_audio_is_known_by_its_first_bytes(codec: str) -> None:
    data = encode(hits(1.0, 48_000, [0.2]), codec, 48_000)
    assert ending_of(data[:HEAD_BYTES]) == {"opus": ".ogg", "vorbis": ".ogg"}.get(codec, f".{codec}")


@pytest.mark.parametrize(
    "head", [b"", b"RIFF", b"RIFF1234AVI fmt ", b"\x89PNG\r\n\x1a\n", b"\xff\xff\xff\xff", b"#!/bin/sh"]
)
def test_anything_else_is_not(head: bytes) -> None:
    assert ending_of(head) == ""


def test_what_claims_to_be_something_else_is_not_looked_at() -> None:
    assert all(map(may_be_audio, ("", "audio/ogg", "application/octet-stream", "multipart/form-data; boundary=x")))
    assert not any(
        map(may_be_audio, ("text/plain", "image/png", "application/json", "application/x-www-form-urlencoded"))
    )


def test_sensitivity_moves_thresholds_and_what_is_told_later_stands_above() -> None:
    preset = load_preset("conservative")
    assert DecodeParameters(sensitivity=0.5).decode_config(preset).threshold_log_odds == pytest.approx(0.3)
    assert DecodeParameters().decode_config(preset) == preset
    over = DecodeParameters(sensitivity=2.0).with_defaults(
        DecodeParameters(preset="aggressive", sensitivity=1.0, triplets=False)
    )
    assert over.given() == {"preset": "aggressive", "sensitivity": 2.0, "triplets": False}
    with pytest.raises(ValidationError):
        DecodeParameters(sensitivity=float("inf"))


def test_statements_about_the_grid_reach_the_beat_tracker() -> None:
    stated = DecodeParameters(downbeat_s=1.5, octave="half", meter="7/8", free_timing=True).timing()
    assert stated.free
    assert (stated.hints.downbeat_s, stated.hints.octave, stated.hints.time_signature) == (1.5, 0.5, (7, 8))
    with pytest.raises(ValidationError, match="3/4 or 7/8"):
        DecodeParameters(meter="waltz")


def test_every_reason_that_audio_is_refused_for_is_a_problem_with_a_4xx() -> None:
    for kind in ("audio_undecodable", "audio_too_long", "worker_crashed"):
        assert kind in REASONS
    for kind, (status, _) in KINDS.items():
        tree = Problem(kind, "why").to_json()
        assert tree["status"] == status >= 400
        assert tree["type"] == f"/docs#{kind}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("song.ogg", "song.ogg"), ("../../etc/passwd", "passwd"), ("C:\\music\\song.wav", "song.wav"),
        ("CON.wav", "_CON.wav"), ("nul", "_nul"), ("lpt1.tar.gz", "_lpt1.tar.gz"), ("com¹.ogg", "_com¹.ogg"),
        ("console.wav", "console.wav"), ('a<b>:"c"|?*.mid', "a_b___c____.mid"), ("name. ", "name"), ("...", "song"),
        ("\u202egpj.exe\n.wav", "gpj.exe.wav"), ("x" * 400 + ".ogg", "x" * 116 + ".ogg"),
        ("Größe 鼓.flac", "Größe 鼓.flac"), ("space .wav", "space.wav"), ("", "song"),
    ],
)  # fmt: skip
def test_names_are_safe_on_every_system(name: str, expected: str) -> None:
    assert safe_name(name, default="song") == expected
    saved = download_headers(FOLDER, name)["Content-Disposition"]
    assert saved.isascii()
    assert not set(saved) & set("\r\n\0/\\<>|")


def test_titles_hold_no_markup_and_one_line() -> None:
    assert display_name("<size=999><color=red>Song</color>.ogg", default="song") == "color>.ogg".replace(">", "")
    assert display_name("Who\r\nare you?.ogg", default="song") == "Whoare you?.ogg"
