"""Every codec in, the same mono signal out; and each way a file can be bad told by its own reason."""

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audio.encoding import CODECS, encode, hits

from drumline.audio.decode import Audio, AudioConfig, check_end, decode, decode_stereo, examine, mix
from drumline.core.errors import AudioError
from drumline.core.grid import RATE_HZ

CONFIG = AudioConfig(min_duration_s=1.0, max_duration_s=30.0)


def audio_of(samples: np.ndarray, rate_hz: int = RATE_HZ) -> Audio:
    return decode(encode(samples.astype(np.float32), "wav", rate_hz), name="a.wav", config=CONFIG)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("num_channels", [1, 2])
def test_every_codec_keeps_level_time_and_length(codec: str, num_channels: int) -> None:
    rate_hz = 48_000
    signal = hits(3.0, rate_hz, [1.0])
    audio = decode(
        encode(np.stack([signal] * num_channels, axis=1), codec, rate_hz), name=f"song.{codec}", config=CONFIG
    )
    assert audio.duration_s == pytest.approx(3.0, abs=1e-4)
    assert (audio.source_rate_hz, audio.num_channels, audio.source_num_samples) == (rate_hz, num_channels, 3 * rate_hz)
    assert audio.samples.dtype == np.float32
    energy = np.cumsum(audio.samples.astype(np.float64) ** 2)
    onset_s = np.searchsorted(energy, 0.02 * energy[-1]) / RATE_HZ
    assert onset_s == pytest.approx(1.0, abs=0.004)  # lossy codecs smear a little before an attack
    assert audio.clipped_fraction == 0
    examine(audio, name="song", config=CONFIG)


def test_blocks_are_invisible() -> None:
    signal = np.random.default_rng(0).uniform(-0.5, 0.5, 700_000).astype(np.float32)  # several blocks
    file = encode(signal, "flac", 44_100)
    whole = soundfile.read(io.BytesIO(file), dtype="float32")[0]
    stereo = decode_stereo(file, name="a.flac", config=CONFIG)
    np.testing.assert_array_equal(stereo.samples, np.stack([whole, whole]))  # the separator's rate: nothing to resample
    assert decode(file, name="a.flac", config=CONFIG).samples.shape == (350_000,)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=4))
def test_mix_is_the_sum_of_padded_parts(lengths: list[int]) -> None:
    parts = [audio_of(np.full(length, 0.1)) for length in lengths]
    expected = [0.1 * sum(at < length for length in lengths) for at in range(max(lengths))]
    np.testing.assert_allclose(mix(parts).samples, expected, atol=1e-4)


def wav_of_floats(samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE_HZ, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def cut(codec: str) -> bytes:
    data = encode(np.random.default_rng(0).uniform(-0.5, 0.5, (220_500, 2)).astype(np.float32), codec, 44_100)
    return data[: len(data) * 6 // 10]


def flac_that_promises(num_samples: int, *, duration_s: int = 1) -> bytes:
    """A FLAC file whose STREAMINFO claims another length (36 bits that end at byte 26)."""
    data = bytearray(encode(np.zeros(duration_s * RATE_HZ, dtype=np.float32), "flac", RATE_HZ))
    assert data[:4] == b"fLaC"
    fields = int.from_bytes(data[18:26], "big") >> 36 << 36 | num_samples
    data[18:26] = struct.pack(">Q", fields)
    return bytes(data)


BAD = {
    "empty": (b"", "audio_undecodable"),
    "garbage": (np.random.default_rng(1).bytes(50_000), "audio_undecodable"),
    "zeros": (bytes(50_000), "audio_undecodable"),
    "a page": (b"<!DOCTYPE html><title>404</title>", "audio_undecodable"),
    "ogg magic": (b"OggS" + bytes(9_000), "audio_undecodable"),
    "a header only": (encode(np.zeros(0, dtype=np.float32), "wav", RATE_HZ), "audio_undecodable"),
    "not a number": (wav_of_floats(np.r_[np.zeros(30_000), np.nan]), "audio_undecodable"),
    "infinite": (wav_of_floats(np.r_[np.zeros(30_000), -np.inf]), "audio_undecodable"),
    "a rate of 100 Hz": (encode(np.zeros(100, dtype=np.float32), "wav", 100), "audio_undecodable"),
    "a cut wav": (cut("wav"), "audio_truncated"),
    "a cut flac": (cut("flac"), "audio_truncated"),
    "a cut mp3": (cut("mp3"), "audio_truncated"),
    "a cut ogg": (cut("ogg"), "audio_truncated"),
    "an hour of silence in 40 kB": (encode(np.zeros(3600 * 8000, dtype=np.float32), "flac", 8000), "audio_too_long"),
    "a header that promises a month": (flac_that_promises(2**36 - 1), "audio_too_long"),
    "a header that promises five seconds": (flac_that_promises(5 * RATE_HZ), "audio_truncated"),
}


@pytest.mark.parametrize(("data", "reason"), BAD.values(), ids=BAD.keys())
def test_bad_files_are_told_apart(data: bytes, reason: str) -> None:
    for reader in (decode, decode_stereo):
        with pytest.raises(AudioError, match=f"{reason}: song.ogg: ") as error:
            reader(data, name="song.ogg", config=CONFIG)
        assert error.value.reason == reason


def test_duration_is_limited_while_decoding_when_the_header_does_not_know() -> None:
    data = flac_that_promises(0, duration_s=60)
    with pytest.raises(AudioError, match=r"audio_too_long: a: 35\.\d s or more, limit 30\.0 s"):  # the third block
        decode(data, name="a", config=CONFIG)


def test_what_is_there_of_a_cut_file_is_given_to_those_who_allow_it() -> None:
    for codec in ("wav", "flac", "ogg", "mp3"):
        audio = decode(cut(codec), name="a", config=CONFIG, allow_truncated=True)
        assert audio.duration_s == pytest.approx(3.0, abs=0.3)
        assert "data stops or breaks after" in audio.truncated
        stereo = decode_stereo(cut(codec), name="a", config=CONFIG, allow_truncated=True)
        assert stereo.truncated == audio.truncated


def test_audio_that_ends_before_its_chart_is_truncated() -> None:
    audio = audio_of(hits(2.0, RATE_HZ, [0.5]))
    with pytest.raises(AudioError, match=r"audio_truncated: song\.ogg: it ends at 2"):
        check_end(audio, name="song.ogg", last_hit_s=4.9, config=CONFIG)
    check_end(audio, name="song.ogg", last_hit_s=audio.duration_s + 0.9, config=CONFIG)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.full(RATE_HZ // 2, 0.5), "audio_too_short"),
        (np.full(2 * RATE_HZ, 0.0005), "audio_silent"),
        (np.clip(10 * hits(2.0, RATE_HZ, [0.0, 0.5, 1.0, 1.5]), -1, 1), "audio_clipped"),
    ],
)
def test_examine(samples: np.ndarray, reason: str) -> None:
    with pytest.raises(AudioError, match=reason):
        examine(audio_of(samples), name="a", config=CONFIG)


def test_loud_but_whole_audio_passes() -> None:
    audio = audio_of(np.clip(2.2 * hits(2.0, RATE_HZ, [0.1, 0.6, 1.1]), -1, 1))
    assert 0 < audio.clipped_fraction < 0.05
    examine(audio, name="a", config=CONFIG)
