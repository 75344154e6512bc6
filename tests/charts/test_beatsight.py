"""BeatSight beatmaps and event manifests."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.beatsight import Audio, audio_filenames, read_beatsight, write_bsm
from drumline.charts.drum_maps import component_label
from drumline.charts.events_jsonl import read_events_jsonl
from drumline.core.errors import ChartError
from drumline.core.hits import Hit, sorted_hits
from drumline.core.taxonomy import LABELS
from drumline.core.tempo import TempoMap

AUDIO = Audio(filename="song.ogg", sha256="ab" * 32, duration_s=61.5, rate_hz=44_100, drum_stem="drums.ogg")
NOW = "2026-01-01T00:00:00Z"

PASCAL = {
    "Version": "1.0.0",
    "Metadata": {"Title": "T", "Artist": "A", "Creator": "C", "Tags": ["x", "y"]},
    "Audio": {"Filename": "audio.mp3", "DrumStem": None},
    "Timing": {"Bpm": 180.0, "Offset": 170, "TimeSignature": "4/4",
               "TimingPoints": [{"Time": 170, "Bpm": 180.0, "TimeSignature": "4/4"}]},
    "HitObjects": [{"Time": 2169, "Component": "Kick", "Velocity": 0.8, "Lane": 3, "Duration": None},
                   {"Time": 2503, "Component": "HiHat", "Velocity": 0.9, "Lane": 2}],
}  # fmt: skip

hits = st.builds(
    Hit,
    time_s=st.floats(0, 600),
    label=st.sampled_from(sorted(LABELS)),
    velocity=st.none() | st.floats(0, 1).filter(lambda velocity: velocity != 0.8),
    source_name=st.sampled_from(["", "china", "Splash", "cowbell"]),
)


@given(st.lists(hits, max_size=8).map(sorted_hits), st.floats(40, 300))
def test_a_written_map_reads_back_the_same_or_wider(written: tuple[Hit, ...], tempo_bpm: float) -> None:
    tempo = TempoMap(192, ((0, tempo_bpm), (192 * 8, 100.0)), ((0, 3, 4),))
    song = AnnotatedSong("chart", written, Metadata(title="T", artist="A", charter="C", genre="Rock"), tempo)
    back = read_beatsight(write_bsm(song, audio=AUDIO, created_at=NOW), "song.bsm")
    assert back.metadata == song.metadata
    assert back.tempo is not None
    assert back.tempo.time_signatures == ((0, 3, 4),)
    assert back.tempo.tempo_bpm_at(0) == pytest.approx(tempo_bpm, rel=1e-3)
    read = sorted(back.hits, key=lambda hit: hit.time_s)
    assert [hit.time_s for hit in read] == pytest.approx([hit.time_s for hit in written], abs=0.0005001)
    if len({round(hit.time_s * 1000) for hit in written}) == len(written):
        for before, after in zip(written, read, strict=True):
            assert LABELS[before.label] <= LABELS[after.label]
            assert before.velocity == after.velocity


def test_names_match_whatever_their_case() -> None:
    data = json.dumps(PASCAL).encode()
    song = read_beatsight(data, "song.bs")
    assert [(hit.label, hit.velocity) for hit in song.hits] == [("kick", None), ("hihat", 0.9)]
    assert song.metadata == Metadata(title="T", artist="A", genre="x, y", charter="C")
    assert audio_filenames(data, "song.bs") == ("audio.mp3", "")


def test_offset_is_where_the_first_beat_sounds() -> None:
    song = read_beatsight(json.dumps(PASCAL).encode(), "song.bs")
    assert song.tempo is not None
    assert song.offset_s == 0.0
    assert float(song.tempo.ticks(0.170)) % 480 == pytest.approx(0, abs=1e-6)
    assert float(song.tempo.ticks(song.hits[0].time_s)) / 480 % 1 == pytest.approx(1.0, abs=0.01)  # 2169 of 2170 ms


def test_writing_is_deterministic() -> None:
    song = AnnotatedSong("chart", (Hit(1.0, "kick"),))
    assert write_bsm(song, audio=AUDIO, created_at=NOW) == write_bsm(song, audio=AUDIO, created_at=NOW)


@pytest.mark.parametrize(
    ("name", "label"),
    [("HiHat", "hihat"), ("Tom High", "tom_high"), ("hi-hat_closed", "hihat_closed"), ("custom_gong", "other"),
     ("snare_rimshot", "snare_rim"), ("ride_bow", "ride_body"), ("crash_1", "crash")],
)  # fmt: skip
def test_component_names(name: str, label: str) -> None:
    assert component_label(name) == label


@given(st.sampled_from(sorted(PASCAL)), st.sampled_from(["bpm", "offset", "timingpoints", "time", "component"]),
       st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just([{}]))  # fmt: skip
def test_damaged_maps_give_chart_errors_only(section: str, name: str, value: object) -> None:
    damaged: dict[str, Any] = json.loads(json.dumps(PASCAL))
    inner = damaged[section]
    for part in inner if isinstance(inner, list) else [inner]:
        if isinstance(part, dict):
            part[next((key for key in part if key.casefold() == name), name)] = value
    with contextlib.suppress(ChartError):
        read_beatsight(json.dumps(damaged).encode(), "song.bs")


def test_the_example_manifest(corpus: Path) -> None:
    path = corpus / "beatsight_examples" / "events_health_example.jsonl"
    recordings = read_events_jsonl(path.read_bytes(), path.name)
    assert [recording.audio_path.rsplit("/", 1)[-1] for recording in recordings] == [f"s{i}.wav" for i in range(1, 6)]
    first, _, negative, jazz, double = recordings
    assert [(hit.label, hit.velocity, hit.openness) for hit in first.song.hits] == [
        ("hihat_closed", 0.48, 0.05),
        ("snare", 0.72, None),
    ]
    assert (first.song.metadata.charter, first.song.group, first.mix_context) == ("d1", "BeatSight:sess_a", "full_mix")
    assert (negative.song.hits, len(negative.song.repairs)) == ((), 1)
    assert jazz.song.tempo is not None
    assert jazz.song.tempo.tempos == ((0, 180.0),)
    assert [hit.label for hit in double.song.hits] == ["crash", "crash"]


def test_lines_of_one_recording_need_not_stand_together() -> None:
    rows = [("b.wav", 2.0), ("a.wav", 1.0), ("b.wav", 0.5)]
    lines = [json.dumps({"audio_path": path, "onset_time": at, "label": "kick", "split": "val"}) for path, at in rows]
    first, second = read_events_jsonl("\n\n".join(lines).encode(), "events.jsonl")
    assert (first.audio_path, [hit.time_s for hit in second.song.hits]) == ("a.wav", [0.5, 2.0])
    assert first.song.official_split == "validation"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", r"events\.jsonl:2: audio_path: must be text, not missing"),
        ("nonsense", r"events\.jsonl:2: not JSON"),
        ('{"audio_path": "a", "onset_time": "x"}', "onset_time: must be a number"),
        ('{"audio_path": "a", "onset_time": 1, "components": [{}]}', r"components\[0\]\.label: must be text"),
    ],
)
def test_damaged_lines_name_themselves(line: str, message: str) -> None:
    with pytest.raises(ChartError, match=message):
        read_events_jsonl(b'{"audio_path": "a", "onset_time": 1, "label": "kick"}\n' + line.encode(), "events.jsonl")
