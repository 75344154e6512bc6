"""Chunked inference over recordings of any length, on any runtime, without holding them whole in memory.

Each chunk is computed with a margin of context on either side that is discarded: a recurrent network forgets within
about a second. Chunk boundaries depend only on the length of the recording, so equal audio gives equal activations on
the command line, in a job and behind the endpoint.

A GPU runs many chunks in one call. They may come from different recordings but must be equally long: most are, and the
rest goes in smaller calls. A network on a CPU gains nothing by that and takes chunks one by one.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from drumline.audio.recording import Recording
from drumline.core.prefetch import prefetch
from drumline.decoding.activations import Activations
from drumline.features.chunks import ReadSamples, log_mel_chunk
from drumline.features.logmel import LogMelConfig

K = TypeVar("K")
Values = NDArray[np.float32]

CHUNK_S: Final = 20.0
"""Length of a chunk [s], as in `decoding.infer`. 30 would save 2 % of a CPU's time and cost 40 MB."""


@dataclass(frozen=True)
class Chunk:
    """Frame ranges of a chunk: ``first`` to ``last`` are the input, ``start`` to ``stop`` the output, ends excluded."""

    first: int
    start: int
    stop: int
    last: int


@dataclass(frozen=True)
class _PendingChunk(Generic[K]):
    """Features of a chunk, waiting for inference."""

    name: K
    index: int
    chunk: Chunk
    features: Values


@dataclass(frozen=True)
class _PendingRecording:
    """A recording of which some chunks are not computed yet."""

    num_chunks: int
    activations: dict[int, Activations] = field(default_factory=dict)


class Network(ABC):
    """A loaded network and the runtime that computes it.

    Parameters
    ----------
    features : LogMelConfig
        Configuration of the input features.
    classes : tuple of str
        Classes of the output columns.
    margin_s : float
        Context on either side of a chunk [s].
    chunk_s : float
        Length of a chunk without its margins [s].
    batch_size : int
        Most chunks in one call of `run`.
    """

    def __init__(
        self,
        features: LogMelConfig,
        classes: tuple[str, ...],
        *,
        margin_s: float,
        chunk_s: float = CHUNK_S,
        batch_size: int = 1,
    ) -> None:
        self.features, self.classes, self.batch_size = features, classes, batch_size
        frame_rate_hz = features.grid.frame_rate_hz
        self._chunk, self._margin = (round(length_s * frame_rate_hz) for length_s in (chunk_s, margin_s))

    @abstractmethod
    def run(self, features: Values) -> Sequence[Values]:
        """Run the network on a batch.

        Parameters
        ----------
        features : ndarray, float32, [batch, frames, F]
            Log-mel features.

        Returns
        -------
        sequence of ndarray, float32
            Probability, onset, offset and velocity, each [batch, frames, ...].
        """

    def chunks(self, num_samples: int) -> Sequence[Chunk]:
        """Chunks of a recording of ``num_samples`` samples, in order."""
        num_frames = self.features.grid.num_frames(num_samples)
        found = []
        for start in range(0, num_frames, self._chunk):
            stop = min(num_frames, start + self._chunk)
            found.append(Chunk(max(0, start - self._margin), start, stop, min(num_frames, stop + self._margin)))
        return found

    def infer(self, read: ReadSamples, num_samples: int) -> Iterator[Activations]:
        """Compute the activations of one recording, chunk by chunk.

        Parameters
        ----------
        read : callable
            ``read(start, stop)`` returns samples, float32 [stop - start], mono, at -14 LUFS.
        num_samples : int
            Length of the recording [samples].

        Yields
        ------
        Activations
            Consecutive chunks, without margins.
        """
        for chunk in self.chunks(num_samples):
            features = log_mel_chunk(read, chunk.first, chunk.last, self.features)
            yield self._without_margins(self.run(features[np.newaxis]), 0, chunk)

    def infer_batched(
        self, recordings: Iterable[tuple[K, Recording]], *, threads: int = 0
    ) -> Iterator[tuple[K, Activations]]:
        """Compute the activations of many recordings, with chunks of several recordings in one call.

        Parameters
        ----------
        recordings : iterable of (name, Recording)
            Hardly more than ``batch_size`` of them are unfinished at once.
        threads : int
            Threads that compute features ahead; 0 computes them in the calling thread.

        Yields
        ------
        (name, Activations)
            Whole recordings, in the order in which they finish.
        """
        unfinished: dict[K, _PendingRecording] = {}
        pending: dict[int, list[_PendingChunk[K]]] = defaultdict(list)  # by number of frames

        def work() -> Iterator[Callable[[], _PendingChunk[K]]]:
            for name, recording in recordings:
                chunks = self.chunks(recording.num_samples)
                unfinished[name] = _PendingRecording(len(chunks))
                yield from (
                    partial(self._featurise, name, index, chunk, recording) for index, chunk in enumerate(chunks)
                )

        for ready in prefetch(work(), threads=threads):
            length = len(ready.features)
            pending[length].append(ready)
            if len(pending[length]) == self.batch_size:
                yield from self._run_batch(pending.pop(length), unfinished)
            while pending and len(unfinished) > self.batch_size:
                yield from self._run_batch(
                    pending.pop(max(pending, key=lambda frames: len(pending[frames]))), unfinished
                )
        for batch in pending.values():
            yield from self._run_batch(batch, unfinished)

    def _featurise(self, name: K, index: int, chunk: Chunk, recording: Recording) -> _PendingChunk[K]:
        return _PendingChunk(name, index, chunk, log_mel_chunk(recording.read, chunk.first, chunk.last, self.features))

    def _run_batch(
        self, batch: Sequence[_PendingChunk[K]], unfinished: dict[K, _PendingRecording]
    ) -> Iterator[tuple[K, Activations]]:
        """Compute equally long chunks; yield the recordings that are complete with them."""
        outputs = self.run(np.stack([pending.features for pending in batch]))
        for row, pending in enumerate(batch):
            recording = unfinished[pending.name]
            recording.activations[pending.index] = self._without_margins(outputs, row, pending.chunk)
            if len(recording.activations) == recording.num_chunks:
                del unfinished[pending.name]
                yield pending.name, Activations.joined([recording.activations[n] for n in range(recording.num_chunks)])

    def _without_margins(self, outputs: Sequence[Values], row: int, chunk: Chunk) -> Activations:
        # Copies: a view would keep the margins and the runtime's buffer in memory.
        kept = (values[row, chunk.start - chunk.first : chunk.stop - chunk.first].copy() for values in outputs)
        return Activations(self.features.grid, self.classes, *kept)
