"""Inference on one recording, window by window, interleaved with other recordings. Without Ray.

Slow work runs in threads; windows go to ``infer``, which may batch them with windows of other recordings.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from drumline.audio.block import Block
from drumline.audio.recording import Recording
from drumline.audio.stream import AudioStream
from drumline.core.errors import AudioError, DrumlineError
from drumline.decoding.activations import Activations
from drumline.decoding.cache import RecordingActivations
from drumline.decoding.chunked_inference import Network
from drumline.features.chunks import log_mel_chunk
from serve.settings import Limits

NetworkOutput = tuple[NDArray[np.float32], ...]
"""Probability, onset, offset and velocity of a window, each [frames, ...]."""
InferWindow = Callable[[NDArray[np.float32]], Awaitable[NetworkOutput]]
"""Computes the network output for the features of a window [frames, bands]."""

_PROGRESS_INTERVAL_S: Final = 0.5


class JobCancelled(DrumlineError):
    """The job was removed while it was processed."""


class TimeLimitExceeded(DrumlineError):
    """Processing exceeded ``limits.work_timeout_s``."""


class ProgressCallback(Protocol):
    """Progress callback; may raise `JobCancelled`."""

    def __call__(self, processed_s: float, duration_s: float) -> None:
        """Report the processed and the total audio [s]."""


@dataclass(frozen=True)
class InferenceTask:
    """A recording to transcribe."""

    file: BinaryIO
    """The encoded audio file."""
    name: str
    """File name, for errors."""
    max_duration_s: float
    """Longest accepted duration [s]."""
    on_progress: ProgressCallback
    """Called about twice a second."""


async def infer_recording(
    task: InferenceTask, network: Network, infer: InferWindow, *, batch_size: int, limits: Limits
) -> RecordingActivations:
    """Compute the activations of a recording: the same as `Network.infer`, whatever shares its batches.

    Parameters
    ----------
    task
        The recording.
    network
        Gives window positions, features and classes.
    infer
        Computes the network output of one window.
    batch_size
        Number of concurrent windows of this recording.
    limits
        Limits on channels and processing time.

    Returns
    -------
    RecordingActivations
        Activations and facts of the recording.

    Raises
    ------
    AudioError
        The audio cannot be decoded or is too long.
    TimeLimitExceeded
        Processing takes too long.
    """
    progress = _ProgressTimer(task.on_progress, limits.work_timeout_s)
    recording = await asyncio.to_thread(_decode_audio, task, limits, progress)
    with recording:
        activations: list[Activations] = []
        windows = network.chunks(recording.num_samples)
        for start in range(0, len(windows), batch_size):
            batch = windows[start : start + batch_size]
            features = [
                await asyncio.to_thread(log_mel_chunk, recording.read, window.first, window.last, network.features)
                for window in batch
            ]
            outputs = await asyncio.gather(*map(infer, features))
            for window, output in zip(batch, outputs, strict=True):
                kept = (part[window.start - window.first : window.stop - window.first] for part in output)
                activations.append(Activations(network.features.grid, network.classes, *kept).rounded())
            progress.update(batch[-1].stop / network.features.grid.frame_rate_hz, recording.duration_s)
        return RecordingActivations.of(Activations.joined(activations), recording)


def infer_windows(network: Network, windows: Sequence[NDArray[np.float32]]) -> list[NetworkOutput]:
    """Run the network on windows of any recordings; windows of equal length share a call.

    Parameters
    ----------
    network
        The loaded network.
    windows
        Features of each window, float32 [frames, bands].

    Returns
    -------
    list of NetworkOutput
        Output of each window, in the same order.
    """
    indices_by_length: dict[int, list[int]] = defaultdict(list)
    for index, window in enumerate(windows):
        indices_by_length[len(window)].append(index)
    outputs: dict[int, NetworkOutput] = {}
    for indices in indices_by_length.values():
        batch = network.run(np.stack([windows[index] for index in indices]))
        outputs |= {index: tuple(part[row] for part in batch) for row, index in enumerate(indices)}
    return [outputs[index] for index in range(len(windows))]


def decode_audio(task: InferenceTask, limits: Limits) -> Recording:
    """Decode a recording within its limits.

    Raises
    ------
    AudioError
        The audio cannot be decoded, is too long or has too many channels.
    TimeLimitExceeded
        Decoding takes too long.
    """
    return _decode_audio(task, limits, _ProgressTimer(task.on_progress, limits.work_timeout_s))


class _ProgressTimer:
    """Limits the rate of progress reports and the total processing time."""

    def __init__(self, on_progress: ProgressCallback, timeout_s: float) -> None:
        self._on_progress, self._timeout_s = on_progress, timeout_s
        self._started_s = self._reported_s = time.monotonic()

    def update(self, processed_s: float, duration_s: float) -> None:
        now_s = time.monotonic()
        if now_s - self._started_s > self._timeout_s:
            raise TimeLimitExceeded(f"not finished after {self._timeout_s:g} s")
        if now_s - self._reported_s > _PROGRESS_INTERVAL_S:
            self._reported_s = now_s
            self._on_progress(min(processed_s, duration_s), duration_s)


def _decode_audio(task: InferenceTask, limits: Limits, progress: _ProgressTimer) -> Recording:
    def on_block(stream: AudioStream, block: Block) -> None:
        if (num_channels := block.samples.shape[1]) > limits.max_channels:
            detail = f"{task.name}: {num_channels} channels, limit {limits.max_channels}"
            raise AudioError("audio_undecodable", detail)
        progress.update(0.0, stream.stated_s or stream.duration_s)

    return Recording.of_file(task.file, name=task.name, max_duration_s=task.max_duration_s, on_block=on_block)
