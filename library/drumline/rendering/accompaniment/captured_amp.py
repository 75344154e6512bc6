"""Neural Amp Modeler captures (``.nam``): a real amplifier as a WaveNet, run by torch on the CPU.

The network (https://github.com/sdatkinson/neural-amp-modeler, its ``WaveNet``) takes one channel at 48 kHz and returns
one. It is a row of layer arrays. In an array a 1x1 convolution brings the signal to ``channels``; each layer computes
``z = tanh(dilated_conv(y) + mix * input)`` and hands ``y + conv1x1(z)`` on; the sum of all ``z``, and of the previous
array's head, goes through the array's head convolution. The last head times ``head_scale`` is the output. ``weights``
is flat, in the order in which `_read` takes it.

Everything is causal, so a signal is processed in chunks, with the last frames of each layer's input kept for the next
chunk: the numbers are those of one pass. Where the input has been zero for the whole receptive field the output is a
constant, which is computed once. A layer's output bias is left out of what is handed on and added, through the weights,
to the biases of the layers after it: one pass over memory less.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.errors import ConfigError

if TYPE_CHECKING:
    import torch

Samples = NDArray[np.float32]

CAPTURE_RATE_HZ: Final = 48_000
SUFFIX: Final = ".nam"
_CHUNK: Final = 4096  # the 16 channels of a chunk fit the second cache


@dataclass(frozen=True)
class _Layer:
    dilation: int
    taps: tuple["torch.Tensor", ...]
    """[channels, channels] each, the oldest first."""
    bias: "torch.Tensor"
    """[channels, 1], with what the biases before it add."""
    mix: "torch.Tensor"
    """Weights of the input [channels, 1]."""
    out: "torch.Tensor"

    @property
    def history(self) -> int:
        """Frames of the past that an output depends on."""
        return self.dilation * (len(self.taps) - 1)


@dataclass(frozen=True)
class _Array:
    rechannel: "torch.Tensor"
    bias: "torch.Tensor"
    """[channels, 1], of the biases of the arrays before."""
    layers: tuple[_Layer, ...]
    head: "torch.Tensor"
    head_bias: "torch.Tensor"


class CapturedAmp:
    """One capture in memory."""

    def __init__(self, arrays: Sequence[_Array], head_scale: float) -> None:
        self._arrays = tuple(arrays)
        self._head_scale = head_scale
        self._layers = [layer for array in self._arrays for layer in array.layers]
        self.receptive_field = 1 + sum(layer.history for layer in self._layers)
        """Samples of input that an output depends on."""
        state = self._new_state()
        silent = self._run(np.zeros(self.receptive_field + 1, dtype=np.float32), state)
        self.silence = float(silent[-1])
        """Output for a silent input: most captures have a small offset."""
        self._silent_state = [
            buffer[:, : layer.history].clone() for buffer, layer in zip(state, self._layers, strict=True)
        ]

    def process(self, samples: Samples) -> Samples:
        """Run inference on a signal.

        Parameters
        ----------
        samples
            float32 [N], 48 kHz, full scale 1; silence is taken to precede it.

        Returns
        -------
        float32 [N]. Some 20 times faster than real time on one core, silent spans for nothing.
        """
        output = np.full(len(samples), self.silence, dtype=np.float32)
        for start, end in self._sounding(samples):
            state = self._new_state()
            for buffer, silent in zip(state, self._silent_state, strict=True):
                buffer[:, : silent.shape[1]] = silent
            output[start:end] = self._run(samples[start:end], state)
        return output

    def _sounding(self, samples: Samples) -> Iterator[tuple[int, int]]:
        """Spans outside which the output is that of silence."""
        at = np.flatnonzero(samples)
        if not len(at):
            return
        breaks = np.flatnonzero(np.diff(at) >= self.receptive_field)
        starts, ends = at[np.r_[0, breaks + 1]], at[np.r_[breaks, len(at) - 1]] + self.receptive_field
        yield from zip(starts.tolist(), np.minimum(ends, len(samples)).tolist(), strict=True)

    def _new_state(self) -> list["torch.Tensor"]:
        """Buffers of each layer's input: the frames that are kept, and room for a chunk."""
        import torch

        return [torch.zeros(len(layer.bias), layer.history + _CHUNK) for layer in self._layers]

    def _run(self, samples: Samples, state: list["torch.Tensor"]) -> Samples:
        import torch

        signal = torch.from_numpy(np.ascontiguousarray(samples))
        output = torch.empty_like(signal)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # its matrices are so small that a second thread only waits
        try:
            with torch.inference_mode():
                for start in range(0, len(signal), _CHUNK):
                    chunk = signal[start : start + _CHUNK]
                    output[start : start + _CHUNK] = self._chunk(chunk[None], state)
        finally:
            torch.set_num_threads(threads)
        return np.asarray(output.numpy())

    def _chunk(self, signal: "torch.Tensor", state: list["torch.Tensor"]) -> "torch.Tensor":
        """A chunk [1, K] with the state that the one before it left; K is 1 to `_CHUNK`."""
        import torch

        buffers = iter(state)
        y, length, head = signal, signal.shape[1], None
        for array in self._arrays:
            y = torch.addmm(array.bias, array.rechannel, y)
            total = torch.zeros_like(y) if head is None else head
            z = torch.empty_like(y)
            for layer in array.layers:
                buffer, history = next(buffers), layer.history
                buffer[:, history : history + length] = y
                torch.addmm(layer.bias, layer.mix, signal, out=z)
                for tap, weight in enumerate(layer.taps):
                    z.addmm_(weight, buffer[:, tap * layer.dilation : tap * layer.dilation + length])
                total += z.tanh_()
                y.addmm_(layer.out, z)
                buffer[:, :history] = buffer[:, length : length + history].clone()
            head = torch.addmm(array.head_bias, array.head, total)
        assert head is not None
        return self._head_scale * head[0]


@lru_cache(maxsize=64)
def open_amp(path: str) -> CapturedAmp:
    """The capture in a file (60 kB in memory, kept). Raises ConfigError where it is none that can be run."""
    try:
        model = json.loads(Path(path).read_bytes())
        architecture, config, weights = model["architecture"], model["config"], model["weights"]
        has_head = config.get("head") is not None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: not a Neural Amp Modeler file that can be read: {error!r}") from error
    if architecture != "WaveNet" or has_head:
        raise ConfigError(f"{path}: a {architecture} capture; only WaveNet ones without a head network are run")
    rate_hz = model.get("sample_rate") or CAPTURE_RATE_HZ
    if rate_hz != CAPTURE_RATE_HZ:
        raise ConfigError(f"{path}: captured at {rate_hz} Hz; only {CAPTURE_RATE_HZ} Hz is run")
    try:
        return _read(config["layers"], weights)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: {error!r}") from error


def _read(arrays: Sequence[dict[str, Any]], weights: Sequence[float]) -> CapturedAmp:
    """Raises KeyError or ValueError where the configuration is not understood or weights are missing or left over."""
    import torch

    flat = torch.tensor(weights, dtype=torch.float32)
    used = 0

    def take(*shape: int) -> "torch.Tensor":
        nonlocal used
        count = int(np.prod(shape))
        if used + count > len(flat):
            raise ValueError(f"{len(flat)} weights are fewer than its layers have")
        used += count
        return flat[used - count : used].reshape(shape).clone()

    found = []
    left_out = torch.zeros(1, 1)  # of y, so far
    for array in arrays:
        if array["gated"] or array["activation"] != "Tanh" or array["condition_size"] != 1:
            raise ValueError(
                f"gated={array['gated']}, activation={array['activation']}, condition_size={array['condition_size']} "
                "is not run (only ungated, Tanh, 1)"
            )
        channels, taps = array["channels"], range(array["kernel_size"])
        rechannel = take(channels, array["input_size"])
        array_bias, left_out = rechannel @ left_out, torch.zeros(channels, 1)
        layers = []
        for dilation in array["dilations"]:
            conv, bias, mix = take(channels, channels, len(taps)), take(channels, 1), take(channels, 1)
            bias += conv.sum(dim=2) @ left_out
            layers.append(
                _Layer(
                    dilation, tuple(conv[:, :, tap].contiguous() for tap in taps), bias, mix, take(channels, channels)
                )
            )
            left_out = left_out + take(channels, 1)
        head = take(array["head_size"], channels)
        head_bias = take(array["head_size"], 1) if array["head_bias"] else torch.zeros(array["head_size"], 1)
        found.append(_Array(rechannel, array_bias, tuple(layers), head, head_bias))
    head_scale = float(take(1))
    if used != len(flat):
        raise ValueError(f"{len(flat)} weights are {len(flat) - used} more than its layers have")
    return CapturedAmp(found, head_scale)
