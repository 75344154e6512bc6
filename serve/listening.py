"""A recording to what the model says of it, window by window, in good order with others. Without Ray.

What is slow runs in threads; the windows go to ``hear``, which may put them together with those of others.
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
from drumline.decoding.cache import Hearing
from drumline.decoding.listening import Network
from drumline.features.pieces import log_mel_piece
from serve.settings import Limits

Answer = tuple[NDArray[np.float32], ...]
"""Probability, onset, offset and velocity of a window, each [frames, ...]."""
Hear = Callable[[NDArray[np.float32]], Awaitable[Answer]]
"""The answer to a window's features [frames, F]."""

_TELL_EVERY_S: Final = 0.5


class Stopped(DrumlineError):
    """Nobody wants it any more."""


class TooCostly(DrumlineError):
    """It takes longer than the limit."""


class Told(Protocol):
    """Who follows the work. May raise `Stopped`."""

    def __call__(self, heard_s: float, duration_s: float) -> None:
        """So much of so much has been heard."""


@dataclass(frozen=True)
class Task:
    """One recording to be heard."""

    file: BinaryIO
    name: str
    max_duration_s: float
    told: Told


async def listen(task: Task, network: Network, hear: Hear, *, together: int, limits: Limits) -> Hearing:
    """What the model says of a recording: the same as `Network.listen`, whoever else is heard.

    ``together`` windows of it are under way at once.

    Raises AudioError for audio that cannot serve, TooCostly, and what ``told`` raises.
    """
    watch = _Watch(task.told, limits.work_timeout_s)
    recording = await asyncio.to_thread(_decoded, task, limits, watch)
    with recording:
        told: list[Activations] = []
        pieces = network.pieces(recording.num_samples)
        for start in range(0, len(pieces), together):
            group = pieces[start : start + together]
            heard = [
                await asyncio.to_thread(log_mel_piece, recording.read, each.first, each.last, network.features)
                for each in group
            ]
            answers = await asyncio.gather(*(hear(window) for window in heard))
            for piece, answer in zip(group, answers, strict=True):
                kept = (part[piece.start - piece.first : piece.stop - piece.first] for part in answer)
                told.append(Activations(network.features.grid, network.classes, *kept).rounded())
            watch.tell(group[-1].stop / network.features.grid.frame_rate_hz, recording.duration_s)
        return Hearing.of(Activations.joined(told), recording)


def answers(network: Network, windows: Sequence[NDArray[np.float32]]) -> list[Answer]:
    """The answers to windows of any recordings: those that are equally long go together."""
    alike: dict[int, list[int]] = defaultdict(list)
    for number, window in enumerate(windows):
        alike[len(window)].append(number)
    found: dict[int, Answer] = {}
    for numbers in alike.values():
        told = network.answer(np.stack([windows[number] for number in numbers]))
        found |= {number: tuple(part[row] for part in told) for row, number in enumerate(numbers)}
    return [found[number] for number in range(len(windows))]


def decoded(task: Task, limits: Limits) -> Recording:
    """A recording by itself, within its limits. Raises AudioError for audio that cannot serve, TooCostly."""
    return _decoded(task, limits, _Watch(task.told, limits.work_timeout_s))


class _Watch:
    """Tells how far the work is, not too often, and ends it when it takes too long."""

    def __init__(self, told: Told, timeout_s: float) -> None:
        self._told, self._timeout_s = told, timeout_s
        self._started_s = self._told_s = time.monotonic()

    def tell(self, heard_s: float, duration_s: float) -> None:
        now_s = time.monotonic()
        if now_s - self._started_s > self._timeout_s:
            raise TooCostly(f"not finished after {self._timeout_s:g} s")
        if now_s - self._told_s > _TELL_EVERY_S:
            self._told_s = now_s
            self._told(min(heard_s, duration_s), duration_s)


def _decoded(task: Task, limits: Limits, watch: _Watch) -> Recording:
    """As `Recording.of_file` anywhere else, but watched. Raises AudioError also for too many channels."""

    def on_block(stream: AudioStream, block: Block) -> None:
        if (num_channels := block.samples.shape[1]) > limits.max_channels:
            detail = f"{task.name}: {num_channels} channels, limit {limits.max_channels}"
            raise AudioError("audio_undecodable", detail)
        watch.tell(0.0, stream.stated_s or stream.duration_s)

    return Recording.of_file(task.file, name=task.name, max_duration_s=task.max_duration_s, on_block=on_block)
