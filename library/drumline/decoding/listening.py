"""How a network hears recordings of any length, on whatever it runs: piece by piece, without holding them whole.

Each piece is computed with a margin on either side that is thrown away: a recurrent network forgets within about a
second. Pieces begin at the same places in every process, so equal audio gives equal answers on the command line, in a
job and behind the endpoint.

A graphics card wants many pieces in one call. They may come from different recordings, but must be equally long: most
are, and what is left over goes in smaller calls. A network on a CPU gains nothing by that and takes them alone.
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
from drumline.core.ahead import ahead
from drumline.decoding.activations import Activations
from drumline.features.logmel import LogMelConfig
from drumline.features.pieces import Read, log_mel_piece

K = TypeVar("K")
Values = NDArray[np.float32]

CHUNK_S: Final = 20.0
"""Length of a piece [s], as in `decoding.infer`. 30 would save 2 % of a CPU's time and cost 40 MB."""


@dataclass(frozen=True)
class Piece:
    """Frames of a recording: ``first`` up to ``last`` are heard, ``start`` up to ``stop`` told."""

    first: int
    start: int
    stop: int
    last: int


@dataclass(frozen=True)
class _Heard(Generic[K]):
    """A piece that waits for an answer."""

    name: K
    index: int
    piece: Piece
    features: Values


@dataclass(frozen=True)
class _Unfinished:
    """A recording that waits for answers."""

    num_pieces: int
    told: dict[int, Activations] = field(default_factory=dict)


class Network(ABC):
    """A network ready to listen."""

    def __init__(
        self,
        features: LogMelConfig,
        classes: tuple[str, ...],
        *,
        margin_s: float,
        chunk_s: float = CHUNK_S,
        together: int = 1,
    ) -> None:
        """``together`` is how many pieces it takes in a call, at most."""
        self.features, self.classes, self.together = features, classes, together
        frame_rate_hz = features.grid.frame_rate_hz
        self._chunk, self._margin = (round(length_s * frame_rate_hz) for length_s in (chunk_s, margin_s))

    @abstractmethod
    def answer(self, features: Values) -> Sequence[Values]:
        """Probability, onset, offset and velocity, each [batch, frames, ...], to features [batch, frames, F]."""

    def pieces(self, num_samples: int) -> Sequence[Piece]:
        """Where a recording is cut."""
        num_frames = self.features.grid.num_frames(num_samples)
        found = []
        for start in range(0, num_frames, self._chunk):
            stop = min(num_frames, start + self._chunk)
            found.append(Piece(max(0, start - self._margin), start, stop, min(num_frames, stop + self._margin)))
        return found

    def listen(self, read: Read, num_samples: int) -> Iterator[Activations]:
        """The activations of a recording, one piece after the other; ``read`` gives its samples, at -14 LUFS."""
        for piece in self.pieces(num_samples):
            features = log_mel_piece(read, piece.first, piece.last, self.features)
            yield self._told(self.answer(features[np.newaxis]), 0, piece)

    def listen_together(
        self, recordings: Iterable[tuple[K, Recording]], *, threads: int = 0
    ) -> Iterator[tuple[K, Activations]]:
        """The activations of recordings, each whole, by their names, as they are done.

        Calls take up to ``together`` pieces of any of them; hardly more recordings than that are unfinished at once.
        Threads, where there are any, make features ahead.
        """
        unfinished: dict[K, _Unfinished] = {}
        waiting: dict[int, list[_Heard[K]]] = defaultdict(list)  # by their number of frames

        def work() -> Iterator[Callable[[], _Heard[K]]]:
            for name, recording in recordings:
                pieces = self.pieces(recording.num_samples)
                unfinished[name] = _Unfinished(len(pieces))
                yield from (partial(self._hear, name, index, piece, recording) for index, piece in enumerate(pieces))

        for heard in ahead(work(), threads=threads):
            length = len(heard.features)
            waiting[length].append(heard)
            if len(waiting[length]) == self.together:
                yield from self._answered(waiting.pop(length), unfinished)
            while waiting and len(unfinished) > self.together:
                yield from self._answered(waiting.pop(max(waiting, key=lambda each: len(waiting[each]))), unfinished)
        for alike in waiting.values():
            yield from self._answered(alike, unfinished)

    def _hear(self, name: K, index: int, piece: Piece, recording: Recording) -> _Heard[K]:
        return _Heard(name, index, piece, log_mel_piece(recording.read, piece.first, piece.last, self.features))

    def _answered(
        self, alike: Sequence[_Heard[K]], unfinished: dict[K, _Unfinished]
    ) -> Iterator[tuple[K, Activations]]:
        """Those recordings whose last answers are among these."""
        answers = self.answer(np.stack([heard.features for heard in alike]))
        for row, heard in enumerate(alike):
            recording = unfinished[heard.name]
            recording.told[heard.index] = self._told(answers, row, heard.piece)
            if len(recording.told) == recording.num_pieces:
                del unfinished[heard.name]
                yield heard.name, Activations.joined([recording.told[n] for n in range(recording.num_pieces)])

    def _told(self, answers: Sequence[Values], row: int, piece: Piece) -> Activations:
        # Copies: a view would keep the margins, and the runtime's buffer.
        kept = (values[row, piece.start - piece.first : piece.stop - piece.first].copy() for values in answers)
        return Activations(self.features.grid, self.classes, *kept)
