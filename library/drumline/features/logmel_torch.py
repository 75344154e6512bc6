"""The features of `features.logmel` for batches, on any device, with the same numbers: for training and for ONNX.

Legend: B batch, N samples, T frames, K bins, F features. A batch of windows becomes ``[B, T, F]`` float32, where T is
``N // hop + 1`` and F is ``config.num_features``; viewed as ``[B, T, channels, bands]`` it tells the channels apart.
Values differ from `log_mel`'s by less than `PARITY`, and what is zero there is zero here.

The numbers hold in float32 only. Autocast is therefore switched off inside; TF32, which keeps 10 bits of a factor, is
the process's own choice (``torch.backends``): off by default for matrix products, but on for cuDNN's convolutions.
"""

from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from drumline.features.logmel import LogMelConfig, mel_filters, scaled_window

Transform = Literal["fft", "convolution"]

PARITY: Final = 1e-4
"""The largest difference from `features.logmel.log_mel`, in units of ``ln(1 + gain * magnitude)``."""


class LogMel(nn.Module):
    """Samples ``[B, N]`` to features ``[B, T, F]``. Nothing in it is learnt or kept in a checkpoint."""

    def __init__(self, config: LogMelConfig, *, transform: Transform = "fft") -> None:
        """``fft`` is the way to compute; ``convolution`` is a plain DFT, some ten times the work, that every ONNX
        runtime knows."""
        super().__init__()
        self.config, self.transform = config, transform
        spectrum = _FourierMagnitudes if transform == "fft" else _ConvolvedMagnitudes
        self.spectra = nn.ModuleList(spectrum(n_fft, config.hop) for n_fft in config.n_ffts)
        self.bands = nn.ModuleList(_Bands(config, n_fft) for n_fft in config.n_ffts)

    def forward(self, samples_BN: Tensor) -> Tensor:
        """The features, in float32 whatever autocast is in force around it."""
        with torch.autocast(samples_BN.device.type, enabled=False):
            if self.transform == "fft" and samples_BN.device.type == "cpu":
                # One window after the other: its frames fit the cache, those of a batch do not (2.5 times as fast).
                return torch.cat([self._features(sample_1N) for sample_1N in torch.split(samples_BN.float(), 1)])
            return self._features(samples_BN.float())

    def _features(self, samples_BN: Tensor) -> Tensor:
        pairs = zip(self.spectra, self.bands, strict=True)
        spectra_BTF = torch.cat([bands(spectrum(samples_BN)) for spectrum, bands in pairs], dim=-1)
        if not (lag := self.config.flux_lag):
            return spectra_BTF
        before_BTF = functional.pad(spectra_BTF, (0, 0, lag, 0))[:, : spectra_BTF.shape[1]]
        return torch.cat([spectra_BTF, functional.relu(spectra_BTF - before_BTF)], dim=-1)


class _Bands(nn.Module):
    """Magnitudes ``[B, T, K]`` to compressed mel bands."""

    filters_KF: Tensor

    def __init__(self, config: LogMelConfig, n_fft: int) -> None:
        super().__init__()
        filters = (mel_filters(config, n_fft) * config.gain).astype(np.float32).T
        self.register_buffer("filters_KF", torch.from_numpy(np.ascontiguousarray(filters)), persistent=False)

    def forward(self, magnitudes_BTK: Tensor) -> Tensor:
        return torch.log1p(magnitudes_BTK @ self.filters_KF)


class _FourierMagnitudes(nn.Module):
    window_N: Tensor

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window_N", torch.from_numpy(scaled_window(n_fft)), persistent=False)

    def forward(self, samples_BN: Tensor) -> Tensor:
        padded_BN = functional.pad(samples_BN, (self.n_fft // 2, self.n_fft // 2))
        frames_BTN = padded_BN.unfold(-1, self.n_fft, self.hop)
        return torch.abs(torch.fft.rfft(frames_BTN * self.window_N))


class _ConvolvedMagnitudes(nn.Module):
    waves_K1N: Tensor

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        # Angles are reduced to one turn in whole numbers first: float32 would lose the phase of high bins.
        turns = np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) % n_fft
        waves = np.exp(-2j * np.pi / n_fft * turns) * scaled_window(n_fft)
        stacked = np.concatenate([waves.real, waves.imag]).astype(np.float32)[:, np.newaxis]
        self.register_buffer("waves_K1N", torch.from_numpy(stacked), persistent=False)

    def forward(self, samples_BN: Tensor) -> Tensor:
        half = self.n_fft // 2
        padded_B1N = functional.pad(samples_BN.unsqueeze(1), (half, half))
        powers_BKT = functional.conv1d(padded_B1N, self.waves_K1N, stride=self.hop).square()
        return torch.sqrt(powers_BKT[:, : half + 1] + powers_BKT[:, half + 1 :]).transpose(1, 2)
