"""Log-mel spectrograms: audio samples to what the model sees, ``[frames, bands]`` float32.

Frame ``n`` is centred on sample ``n * hop`` and zeros stand beyond both ends, so there are
``num_samples // hop + 1`` frames and `core.grid.Grid` turns them into seconds. A Hann window; magnitudes scaled
so that a full-scale sine reads 1 in its bin, whatever ``n_fft``; each band the mean of its bins, weighted by a
triangle on Slaney's mel scale (librosa's ``filters.mel(norm=1)``).

Compression is ``ln(1 + gain * magnitude)``: silence is exactly 0, so padding a batch with zeros is silence;
hiss below 1 / gain stays linear and small, where ``log10(power)`` would blow it up; and it can be undone.

Two additions are off unless asked for. Spectra of other window lengths stand on the same frames, since every window
is centred there: a short one tells when, a long one which pitch. And *flux*, the rise of each band over the frames
before, half-wave rectified, brings transients out of what rings (Bello et al., "A Tutorial on Onset Detection in Music
Signals", IEEE TSAP 2005); it looks back only and costs nothing, where HPSS's medians look ahead too. The columns of
a frame are ``[channels * bands]``: the spectra in the order of ``n_ffts``, then the flux of each.

No band is computed by BLAS, whose sums depend on the number of threads: equal audio gives equal bytes in
every worker. `features.logmel_torch` computes the same for batches on any device.
"""

from functools import lru_cache
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from scipy import fft, sparse

from drumline.core.config import Config
from drumline.core.grid import RATE_HZ, Grid
from drumline.features.window import hann

FRAMES_A_CHUNK: Final = 256  # 1 MiB of windowed samples stays in the cache, and memory flat


class LogMelConfig(Config):
    """How audio at 22,050 Hz becomes a log-mel spectrogram."""

    hop: int = Field(default=128, ge=1)
    """Samples from one frame to the next."""
    n_fft: int = Field(default=1024, ge=16, multiple_of=2)
    """Samples in an analysis window."""
    bands: int = Field(default=128, ge=1)
    """Mel bands."""
    low_hz: float = Field(default=20.0, ge=0.0)
    """Lower edge of the first band, Hz."""
    high_hz: float = Field(default=11_000.0, gt=0.0, le=RATE_HZ / 2)
    """Upper edge of the last band, Hz."""
    gain: float = Field(default=1000.0, gt=0.0)
    """Factor of a magnitude before ``ln(1 + x)``: 1000 puts the knee at -60 dB of full scale."""
    extra_n_ffts: tuple[int, ...] = ()
    """Samples in further analysis windows, each giving as many bands again on the same frames."""
    flux_lag: int = Field(default=0, ge=0)
    """Frames between the two whose difference is the flux; 0 leaves the flux out."""

    @model_validator(mode="after")
    def _resolvable(self) -> Self:
        if self.low_hz >= self.high_hz:
            raise ValueError(f"low_hz {self.low_hz} must be below high_hz {self.high_hz}")
        for n_fft in self.n_ffts:
            if n_fft < 16 or n_fft % 2:
                raise ValueError(f"extra_n_ffts: {n_fft} must be even and at least 16")
            if not (filters := mel_filters(self, n_fft)).any(axis=1).all():
                empty = int(np.argmin(filters.any(axis=1)))
                raise ValueError(f"band {empty} of {self.bands} holds no bin of n_fft {n_fft}: fewer bands, please")
        return self

    @model_serializer(mode="wrap")
    def _as_ever(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the additions where they are off: a configuration that never heard of them keeps its fingerprint."""
        off = {name for name in ("extra_n_ffts", "flux_lag") if not getattr(self, name)}
        return {name: value for name, value in serialise(self).items() if name not in off}

    @property
    def n_ffts(self) -> tuple[int, ...]:
        """Samples in each analysis window."""
        return (self.n_fft, *self.extra_n_ffts)

    @property
    def channels(self) -> int:
        """Groups of ``bands`` columns in a frame."""
        return len(self.n_ffts) * (2 if self.flux_lag else 1)

    @property
    def num_features(self) -> int:
        """Columns of a frame: ``channels * bands``."""
        return self.channels * self.bands

    @property
    def grid(self) -> Grid:
        """The frames' place in time."""
        return Grid(hop=self.hop)


def log_mel(samples: NDArray[np.float32], config: LogMelConfig) -> NDArray[np.float32]:
    """The features of mono audio at 22,050 Hz, ``[num_samples // hop + 1, num_features]`` float32, C order.

    Raises ValueError where the samples are not one channel of float32.
    """
    if samples.ndim != 1 or samples.dtype != np.float32:
        raise ValueError(f"log_mel takes one channel of float32, not {samples.dtype} of shape {samples.shape}")
    features = np.empty((config.grid.num_frames(len(samples)), config.num_features), dtype=np.float32)
    for channel, n_fft in enumerate(config.n_ffts):
        _spectrogram(samples, config, n_fft, out=features[:, channel * config.bands : (channel + 1) * config.bands])
    if lag := config.flux_lag:
        spectra, flux = np.hsplit(features, 2)
        flux[:lag] = spectra[:lag]  # silence stands before the start
        np.maximum(spectra[lag:] - spectra[:-lag], 0, out=flux[lag:])
    return features


def _spectrogram(samples: NDArray[np.float32], config: LogMelConfig, n_fft: int, *, out: NDArray[np.float32]) -> None:
    window, filters = _operators(config, n_fft)
    padded = np.pad(samples, n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[:: config.hop].T
    for start in range(0, len(out), FRAMES_A_CHUNK):
        # Transformed along the columns, so that bins come out as rows, which is what the sparse product wants.
        magnitudes = np.abs(fft.rfft(frames[:, start : start + FRAMES_A_CHUNK] * window, axis=0))
        np.log1p((filters @ magnitudes).T, out=out[start : start + FRAMES_A_CHUNK])


def magnitudes(spectrogram: NDArray[np.float32], config: LogMelConfig) -> NDArray[np.float32]:
    """The mel magnitudes of a log-mel spectrogram of the same configuration: compression undone."""
    return np.asarray(np.expm1(spectrogram) / np.float32(config.gain), dtype=np.float32)


def mel_filters(config: LogMelConfig, n_fft: int | None = None) -> NDArray[np.float64]:
    """Triangles on Slaney's mel scale, ``[bands, n_fft // 2 + 1]``, each row summing to 1 (or empty).

    ``n_fft`` is the configuration's first unless another is named.
    """
    bins_hz = fft.rfftfreq(n_fft or config.n_fft, 1 / RATE_HZ)
    edges_mel = np.linspace(_mel(config.low_hz), _mel(config.high_hz), config.bands + 2)
    edges_hz = _hz(edges_mel)[:, np.newaxis]
    low, peak, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    triangles = np.maximum(0.0, np.minimum((bins_hz - low) / (peak - low), (high - bins_hz) / (high - peak)))
    sums = triangles.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(triangles, sums, out=triangles, where=sums > 0))


def scaled_window(n_fft: int) -> NDArray[np.float32]:
    """The Hann window [n_fft], scaled so that a full-scale sine reads 1 in its bin."""
    window = hann(n_fft)
    return np.asarray(window * (2 / window.sum()), dtype=np.float32)


@lru_cache(maxsize=8)
def _operators(config: LogMelConfig, n_fft: int) -> tuple[NDArray[np.float32], sparse.csr_array]:
    """The window [n_fft, 1] and the filters of a configuration, with both scales folded in."""
    filters = sparse.csr_array((mel_filters(config, n_fft) * config.gain).astype(np.float32))
    return scaled_window(n_fft)[:, np.newaxis], filters


# Slaney's Auditory Toolbox (1998): 66 2/3 Hz a mel up to 1 kHz, then 27 mels for each factor of 6.4.
_HZ_A_MEL: Final = 200 / 3
_KNEE_HZ: Final = 1000.0
_KNEE_MEL: Final = _KNEE_HZ / _HZ_A_MEL
_LOG_STEP: Final = np.log(6.4) / 27


def _mel(hz: float) -> float:
    return hz / _HZ_A_MEL if hz < _KNEE_HZ else float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HZ * np.exp(_LOG_STEP * np.maximum(0.0, mel - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _HZ_A_MEL, above)
