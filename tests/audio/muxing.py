"""Files of formats that libsndfile does not write, by FFmpeg's encoders; into a file, or into a pipe."""

import io
from fractions import Fraction
from typing import Final

import av
import numpy as np

FORMATS: Final = {
    "mp3": ("mp3", "libmp3lame"),
    "m4a": ("ipod", "aac"),
    "alac.m4a": ("ipod", "alac"),
    "mp4": ("mp4", "aac"),
    "aac": ("adts", "aac"),
    "wma": ("asf", "wmav2"),
    "webm": ("webm", "libopus"),
    "mka": ("matroska", "flac"),
    "flac.ogg": ("ogg", "flac"),
    "flac": ("flac", "flac"),
    "wav": ("wav", "pcm_s16le"),
    "aiff": ("aiff", "pcm_s16be"),
    "caf": ("caf", "pcm_s16le"),
    "w64": ("w64", "pcm_s16le"),
    "au": ("au", "pcm_s16be"),
    "wv": ("wv", "wavpack"),
    "tta": ("tta", "tta"),
    "ac3": ("ac3", "ac3"),
    "eac3": ("eac3", "eac3"),
}
"""Extension -> FFmpeg's container and encoder."""


class _Pipe(io.RawIOBase):
    """Cannot be gone back in, so that no header is completed at the end."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: object) -> int:
        self.data += bytes(data)  # type: ignore[call-overload]
        return len(bytes(data))  # type: ignore[call-overload]


def mux(
    samples: np.ndarray, kind: str, rate_hz: int, *, pipe: bool = False, options: dict[str, str] | None = None
) -> bytes:
    """Samples [num_samples, channels] as a file of a kind of `FORMATS`."""
    container, codec = FORMATS[kind]
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[samples.shape[1]]
    buffer = io.BytesIO()
    target = _Pipe() if pipe else buffer
    with av.open(target, "w", format=container, options=options or {}) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout=layout)
        context = stream.codec_context
        wanted = context.codec.audio_formats[0]
        if codec == "wmav2":
            stream.bit_rate = 128_000
        resampler = av.AudioResampler(format=wanted, layout=layout, rate=rate_hz)
        for start in range(0, len(samples), 4096):
            planes = np.ascontiguousarray(samples[start : start + 4096].T)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
            for converted in resampler.resample(frame):
                output.mux(stream.encode(converted))
        output.mux(stream.encode(None))
    return bytes(target.data) if isinstance(target, _Pipe) else buffer.getvalue()
