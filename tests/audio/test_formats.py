"""What every player plays is decoded, all of it: formats, tags, streams in a row, headers without a length, cuts."""

import io
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from tests.audio.encoding import encode, hits
from tests.audio.muxing import FORMATS, mux

from drumline.audio.decode import AudioConfig, decode, decode_stereo
from drumline.audio.layout import EXTENSIONS
from drumline.audio.recording import Recording
from drumline.audio.sniff import HEAD_BYTES, extension_of
from drumline.core.errors import AudioError
from drumline.core.grid import RATE_HZ

CONFIG: Final = AudioConfig(max_duration_s=60.0)
RATE: Final = 48_000
CASES: Final = Path(__file__).parents[3] / "shared" / "cases" / "audio"
DURATIONS_S: Final = {
    "flac_from_ffmpeg_pipe_14s.flac": 14.0,
    "mono_then_stereo.mp3": 14.08,
    "mp3_ape_cover_at_end.mp3": 14.0,
    "mp3_leading_zeros.mp3": 14.0,
    "mp3_vbr_without_xing_28s.mp3": 28.0,
    "mp3_vbr_without_xing_quiet_first.mp3": 20.0,
    "ogg_chained_vorbis_14s.ogg": 14.0,
    "song.m4a": 14.0,
    "wav_from_sox_pipe.wav": 14.0,
}


def song(duration_s: float = 8.0, channels: int = 2) -> np.ndarray:
    """A hit each half second, the channels of different strength."""
    signal = hits(duration_s, RATE, [at / 2 for at in range(1, int(2 * duration_s))])
    return np.stack([signal * (1 - 0.1 * channel) for channel in range(channels)], axis=1)


def first_hit_s(samples: np.ndarray) -> float:
    return float(np.argmax(np.abs(samples) > 0.2)) / RATE_HZ


@pytest.mark.parametrize("name", DURATIONS_S)
def test_given_cases(name: str) -> None:
    if not CASES.is_dir():
        pytest.skip("the cases are not there")
    audio = decode((CASES / name).read_bytes(), name=name, config=CONFIG)
    assert audio.duration_s == pytest.approx(DURATIONS_S[name], abs=0.05)


@pytest.mark.parametrize("kind", FORMATS)
def test_formats(kind: str) -> None:
    data = mux(song(), kind, RATE)
    assert extension_of(data[:HEAD_BYTES]) in EXTENSIONS
    audio = decode(data, name="song", config=CONFIG)
    assert audio.duration_s == pytest.approx(8.0, abs=0.05)
    assert first_hit_s(audio.samples) == pytest.approx(0.5, abs=0.05)
    assert (audio.source_rate_hz, audio.num_channels) == (RATE, 2)
    with Recording.of_file(io.BytesIO(data), name="another name.txt") as recording:
        assert (recording.num_samples, recording.truncated) == (len(audio.samples), "")


@pytest.mark.parametrize("kind", sorted(set(FORMATS) - {"m4a", "alac.m4a", "mp4"}))
def test_cuts_are_found(kind: str) -> None:
    data = mux(song(), kind, RATE)
    with pytest.raises(AudioError, match="audio_truncated: song: "):
        decode(data[: len(data) * 6 // 10 + 7], name="song", config=CONFIG)
    audio = decode(data[: len(data) * 6 // 10 + 7], name="song", config=CONFIG, allow_truncated=True)
    assert audio.duration_s == pytest.approx(4.8, abs=0.8)


def test_a_cut_mp4_says_what_is_missing() -> None:
    data = mux(song(), "m4a", RATE)
    with pytest.raises(AudioError, match="its index is missing, was it cut"):
        decode(data[: len(data) // 2], name="song.m4a", config=CONFIG, allow_truncated=True)


@pytest.mark.parametrize("kind", ["mp3", "aac", "flac", "wav", "webm", "mka", "wma", "caf", "au"])
def test_files_written_into_a_pipe_are_whole(kind: str) -> None:
    """Their headers state no length, or a wrong one."""
    audio = decode(mux(song(), kind, RATE, pipe=True), name="song", config=CONFIG)
    assert audio.duration_s == pytest.approx(8.0, abs=0.05)


@pytest.mark.parametrize("kind", ["mp3", "aac", "ac3", "eac3", "flac", "webm", "mka"])
def test_cuts_are_found_without_a_stated_length(kind: str) -> None:
    data = mux(song(), kind, RATE, pipe=True)
    with pytest.raises(AudioError, match="audio_truncated"):
        decode(data[: len(data) * 6 // 10 + 7], name="song", config=CONFIG)


def vbr_mp3_without_count() -> bytes:
    """Quiet at first, so that an estimate from the first frames is far too long."""
    samples = song(20.0)
    samples[: 10 * RATE] *= 1e-3
    return mux(samples, "mp3", RATE, pipe=True)


JUNK: Final = np.random.default_rng(0).bytes(40_000)
APE_TAG: Final = (
    b"APETAGEX" + bytes(24) + JUNK + b"APETAGEX" + (2000).to_bytes(4, "little")
    + (len(JUNK) + 32).to_bytes(4, "little") + (1).to_bytes(4, "little") + (0x80000000).to_bytes(4, "little") + bytes(8)
)  # fmt: skip
ID3V2: Final = b"ID3\x04\x00\x00\x00\x02\x38\x40" + JUNK  # 40,000 as four times seven bits
MP3: Final = mux(song(), "mp3", RATE)
AROUND: Final = {
    "an ID3v2 tag": (ID3V2 + MP3, 8.0),
    "two ID3v2 tags": (ID3V2 + ID3V2 + MP3, 8.0),
    "an APE tag": (MP3 + APE_TAG, 8.0),
    "an APE and an ID3v1 tag": (MP3 + APE_TAG + b"TAG" + bytes(125), 8.0),
    "zeros at the end": (MP3 + bytes(30_000), 8.0),
    "a picture at the end": (MP3 + b"\xff\xd8\xff\xe0\x00\x10JFIF" + JUNK, 8.0),
    "zeros before": (bytes(4000) + MP3, 8.0),
    "junk before": (JUNK[:3000] + MP3, 8.0),
    "another after it": (MP3 + MP3, 16.0),
    "another with its tag": (ID3V2 + MP3 + ID3V2 + MP3, 16.0),
    "neither count nor constant rate": (vbr_mp3_without_count(), 20.0),
}


@pytest.mark.parametrize("what", AROUND)
def test_mp3_with(what: str) -> None:
    data, duration_s = AROUND[what]
    audio = decode(data, name="song.mp3", config=CONFIG)
    assert audio.duration_s == pytest.approx(duration_s, abs=0.06)


def test_mp3_is_decoded_without_the_delay_of_its_encoder() -> None:
    """As players do, and as libsndfile did: charts are made by ear against that."""
    audio = decode(encode(song(), "mp3", RATE), name="song.mp3", config=CONFIG)
    assert audio.duration_s == pytest.approx(8.0, abs=1e-4)
    assert first_hit_s(audio.samples) == pytest.approx(0.5, abs=0.002)


@pytest.mark.parametrize("codec", ["ogg", "opus"])
def test_chained_ogg(codec: str) -> None:
    links = [encode(song(seconds), codec, RATE) for seconds in (2.0, 3.0)]
    mono_link = encode(song(1.5, 1), codec, 24_000 if codec == "opus" else 32_000)
    whole = decode(b"".join([*links, mono_link]), name="song.ogg", config=CONFIG)
    seconds = 1.5 * RATE / (24_000 if codec == "opus" else 32_000)
    assert whole.duration_s == pytest.approx(5.0 + seconds, abs=0.01)
    parts = [decode(link, name="a", config=CONFIG).samples for link in links]
    np.testing.assert_array_equal(whole.samples[: len(parts[0]) - 100], parts[0][:-100])
    with pytest.raises(AudioError, match="audio_truncated"):
        decode(links[0] + links[1][:3000], name="song.ogg", config=CONFIG)


def sized(data: bytes, *, riff: int | None = None, samples: int | None = None) -> bytes:
    """A WAV file of libsndfile with other sizes in its header."""
    at = data.index(b"data") + 4
    new_riff = data[4:8] if riff is None else riff.to_bytes(4, "little")
    new_data = data[at : at + 4] if samples is None else samples.to_bytes(4, "little")
    return data[:4] + new_riff + data[8:at] + new_data + data[at + 4 :]


WAV: Final = encode(song(), "wav", RATE)
SIZES: Final = {
    "sox into a pipe": sized(WAV, riff=0x7FFFF024, samples=0x7FFFF000),
    "arecord into a pipe": sized(WAV, riff=0x80000024, samples=0x80000000),
    "FFmpeg into a pipe": sized(WAV, riff=0xFFFFFFFF, samples=0xFFFFFFFF),
    "a recorder that lost power": sized(WAV, riff=0, samples=0),
    "RIFF four bytes too long": sized(WAV, riff=len(WAV) - 4),
    "RIFF four bytes too short": sized(WAV, riff=len(WAV) - 12),
    "RIFF of nothing": sized(WAV, riff=36),
}


@pytest.mark.parametrize("what", SIZES)
def test_wav_with_the_sizes_of(what: str) -> None:
    expected = decode(WAV, name="a", config=CONFIG).samples
    np.testing.assert_array_equal(decode(SIZES[what], name="song.wav", config=CONFIG).samples, expected)


@pytest.mark.parametrize("rate_hz", [352_800, 384_000, 8_000])
def test_rates(rate_hz: int) -> None:
    data = encode(np.tile(song(1.0), (8, 1)), "wav", rate_hz)
    assert decode(data, name="a", config=CONFIG).duration_s == pytest.approx(8 * RATE / rate_hz, abs=0.001)


def test_damaged_flac_keeps_its_time_and_is_no_training_data() -> None:
    data = bytearray(encode(song(), "flac", RATE))
    data[len(data) // 2 : len(data) // 2 + 100] = bytes(100)
    with pytest.raises(AudioError, match=r"audio_truncated: a: FLAC data is damaged: 0\.\d+ s"):
        decode(bytes(data), name="a", config=CONFIG)
    audio = decode(bytes(data), name="a", config=CONFIG, allow_truncated=True)
    whole = decode(encode(song(), "flac", RATE), name="a", config=CONFIG)
    assert len(audio.samples) == len(whole.samples)
    np.testing.assert_allclose(audio.samples[-RATE_HZ:], whole.samples[-RATE_HZ:], atol=1e-4)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_channels_of_opposite_polarity_do_not_vanish(noise: float) -> None:
    signal = hits(8.0, RATE, [1.0, 2.0, 3.0])
    own = noise * np.roll(signal, 3000)
    data = encode(np.stack([signal + own, -signal + own], axis=1), "wav", RATE)
    audio = decode(data, name="a", config=CONFIG)
    assert audio.downmix == "difference"
    expected = decode(encode(signal, "wav", RATE), name="a", config=CONFIG)
    np.testing.assert_allclose(audio.samples, expected.samples, atol=1e-3)
    with Recording.of_file(io.BytesIO(data), name="a") as recording:
        assert (recording.downmix, recording.num_samples) == ("difference", len(audio.samples))
        assert np.abs(recording.read(0, RATE_HZ * 8)).max() > 0.1
    stereo = decode_stereo(data, name="a", config=CONFIG)
    assert stereo.downmix == "difference"
    np.testing.assert_allclose(stereo.samples.mean(axis=0), decode_stereo(
        encode(np.stack([signal, signal], axis=1), "wav", RATE), name="a", config=CONFIG
    ).samples[0], atol=1e-3)  # fmt: skip


def test_of_more_channels_that_cancel_the_loudest_is_used() -> None:
    signal = hits(8.0, RATE, [1.0, 2.0, 3.0])
    wide = np.stack([0.5 * signal, -signal, 0.5 * signal], axis=1)
    audio = decode(encode(wide, "wav", RATE), name="a", config=CONFIG)
    assert audio.downmix == "channel 2"
    assert np.abs(audio.samples).max() == pytest.approx(np.abs(wide).max(), rel=0.2)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_other_channels_are_averaged(channels: int) -> None:
    """One that is silent, and those that have nothing in common, are no cancellation."""
    signal = song(8.0, channels)
    alone = np.zeros_like(signal)
    alone[:, 0] = signal[:, 0]
    strangers = np.random.default_rng(0).uniform(-0.5, 0.5, signal.shape).astype(np.float32)
    for samples in (signal, alone, strangers):
        audio = decode(encode(samples, "wav", RATE), name="a", config=CONFIG)
        assert (audio.downmix, audio.num_channels) == ("mean", channels)


def test_a_play_list_opens_nothing(tmp_path: Path) -> None:
    for text in (
        f"#EXTM3U\n#EXTINF:8,\n{tmp_path}/secret.wav\n",
        f"ffconcat version 1.0\nfile {tmp_path}/secret.wav\n",
    ):
        with pytest.raises(AudioError, match="audio_undecodable"):
            decode(text.encode(), name="list.m3u8", config=CONFIG)
