"""A recording is the same from memory and from disk, in any pieces, and at the loudness models know."""

import io

import numpy as np
import pytest
from tests.audio.encoding import encode, tune

from drumline.audio.decode import AudioConfig, decode
from drumline.audio.loudness import TARGET_LUFS, amplify, integrated_lufs, measure
from drumline.audio.recording import Recording
from drumline.core.errors import AudioError
from drumline.core.grid import RATE_HZ


@pytest.mark.parametrize("memory_bytes", [1 << 20, 1 << 30])
def test_it_is_what_the_decoder_gives_at_the_target_loudness(memory_bytes: int) -> None:
    file = encode(np.stack([tune(0, 20.0, 44_100), tune(1, 20.0, 44_100)], axis=1), "ogg", 44_100)
    expected = decode(file, name="a.ogg", config=AudioConfig()).samples
    expected = amplify(expected, measure(expected).gain_db)
    with Recording.of_file(io.BytesIO(file), name="a.ogg") as recording:
        assert (recording.num_samples, recording.source_rate_hz) == (len(expected), 44_100)
        np.testing.assert_array_equal(recording.read(0, len(expected) + 99), expected)
        np.testing.assert_array_equal(recording.read(1000, 1007), expected[1000:1007])
        assert len(recording.read(len(expected), len(expected) + 5)) == 0
    assert integrated_lufs(expected) == pytest.approx(TARGET_LUFS, abs=0.01)
    with Recording(np.array_split(expected, 7), memory_bytes=memory_bytes) as cut:
        np.testing.assert_allclose(cut.read(0, len(expected)), expected, rtol=1e-3)


def test_silence_stays_silence() -> None:
    with Recording([np.zeros(RATE_HZ, dtype=np.float32)]) as recording:
        assert recording.gain_db == 0
        assert not recording.read(0, RATE_HZ).any()


def test_a_cut_file_is_read_as_far_as_it_goes_and_says_so() -> None:
    file = encode(tune(0, 20.0), "flac", RATE_HZ)
    with Recording.of_file(io.BytesIO(file[: len(file) // 2]), name="a.flac") as recording:
        assert 8 < recording.duration_s < 12
        assert recording.truncated.startswith("FLAC data stops or breaks after")
    with Recording.of_file(io.BytesIO(file), name="a.flac") as whole:
        assert whole.truncated == ""


def test_a_file_that_is_refused_leaves_nothing_open() -> None:
    file = encode(tune(0, 20.0), "flac", RATE_HZ)
    with pytest.raises(AudioError, match=r"audio_too_long: a\.flac"):
        Recording.of_file(io.BytesIO(file), name="a.flac", max_duration_s=15.0)


@pytest.mark.parametrize("codec", ["flac", "ogg", "mp3"])
def test_storage_that_fails_is_no_cut_recording(codec: str) -> None:
    """The callbacks of libsndfile and FFmpeg cannot raise."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > self.getbuffer().nbytes // 2:
                raise OSError(5, "Input/output error")
            return super().read(size)

    file = encode(tune(0, 60.0), codec, RATE_HZ)
    with pytest.raises(OSError, match="Input/output error"):
        Recording.of_file(Failing(file), name="a")
