"""There and back through a lossy codec, to the sample.

Vorbis gives back as many samples as it took, where they were. MP3 delays by 1105 samples (576 of LAME's encoder, 529 of
a decoder); the LAME tag tells the decoder, but at constant and very low rates no tag is written. So MP3 is written at
variable rate, where it always is.
"""

import io
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]

CodecName = Literal["vorbis", "mp3"]

_CONTAINERS: Final = {"vorbis": ("OGG", "VORBIS"), "mp3": ("MP3", "MPEG_LAYER_III")}

_WORST_LEVEL: Final = 0.99  # of libsndfile's 0 to 1: at 1 LAME is asked for V10 and refuses


@dataclass(frozen=True)
class Codec:
    name: CodecName
    quality: float
    """0 (worst) to 1 (best), on the encoder's own scale."""


def round_trip(samples: Samples, codec: Codec, *, rate_hz: int) -> Samples:
    """Samples [channels, N] as the codec gives them back, of the same shape and in the same place.

    Raises ValueError where the decoder gives another length: its delay would not be known.
    """
    container, subtype = _CONTAINERS[codec.name]
    buffer = io.BytesIO()
    settings = {"bitrate_mode": "VARIABLE"} if codec.name == "mp3" else {}
    with soundfile.SoundFile(
        buffer,
        "w",
        rate_hz,
        len(samples),
        format=container,
        subtype=subtype,
        compression_level=_WORST_LEVEL * (1 - codec.quality),
        **settings,
    ) as file:
        for start in range(0, samples.shape[1], rate_hz):  # libsndfile's Vorbis keeps what it is given on the stack
            file.write(samples[:, start : start + rate_hz].T)
    buffer.seek(0)
    decoded = soundfile.read(buffer, dtype="float32", always_2d=True)[0].T
    if decoded.shape != samples.shape:
        raise ValueError(f"{codec.name}: {samples.shape[1]} samples became {decoded.shape[1]}")
    return np.ascontiguousarray(decoded)
