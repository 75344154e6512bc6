"""A network's view of a recording on onnxruntime, piece by piece: without torch, and without holding it whole.

Each piece is computed with a margin on either side that is thrown away, and alone: the scales of an int8 graph's
recurrence are those of its call. Pieces begin at the same places in every process, so equal audio gives equal answers
on the command line, in a job and behind the endpoint.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as refusals

from drumline.core.errors import DrumlineError
from drumline.decoding.activations import Activations
from drumline.features.logmel import LogMelConfig
from drumline.features.pieces import Read, log_mel_piece

INPUT: Final = "features"
"""Of a graph: [batch, frames, F] float32."""
OUTPUTS: Final = ("probability", "onset", "offset", "velocity")
"""Of a graph, named as the fields of `Activations`, each with batch and frames before."""
CHUNK_S: Final = 20.0
"""Length of a piece [s], as in `decoding.infer`. 30 would save 2 % of the time and cost 40 MB."""

_REFUSED: Final = (refusals.Fail, refusals.InvalidGraph, refusals.InvalidProtobuf, refusals.NoSuchFile,
                   refusals.NotImplemented, refusals.InvalidArgument)  # fmt: skip


class OnnxNetwork:
    """A graph ready to listen."""

    def __init__(
        self,
        graph: Path,
        *,
        features: LogMelConfig,
        classes: tuple[str, ...],
        margin_s: float,
        threads: int = 0,
        chunk_s: float = CHUNK_S,
    ) -> None:
        """``threads`` of arithmetic, 0 for `default_threads`. Raises DrumlineError where the file is no such graph."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or default_threads()
        options.inter_op_num_threads = 1
        # Threads that wait must sleep: spinning, they take the processor time of others for nothing.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except _REFUSED as error:
            raise DrumlineError(f"{graph}: onnxruntime cannot load it: {error}") from error
        self.features, self.classes = features, classes
        frame_rate_hz = features.grid.frame_rate_hz
        self._chunk, self._margin = (round(length_s * frame_rate_hz) for length_s in (chunk_s, margin_s))

    def listen(self, read: Read, num_samples: int) -> Iterator[Activations]:
        """The activations of a recording, one piece after the other; ``read`` gives its samples, at -14 LUFS."""
        num_frames = self.features.grid.num_frames(num_samples)
        for start in range(0, num_frames, self._chunk):
            stop = min(num_frames, start + self._chunk)
            first, last = max(0, start - self._margin), min(num_frames, stop + self._margin)
            heard = log_mel_piece(read, first, last, self.features)
            answers = self._session.run(list(OUTPUTS), {INPUT: heard[np.newaxis]})
            # Copies: a view would keep the margins, and the runtime's buffer.
            named = {
                name: answer[0, start - first : stop - first].copy()
                for name, answer in zip(OUTPUTS, answers, strict=True)
            }
            yield Activations(self.features.grid, self.classes, **named)


def default_threads() -> int:
    """Two, where there are as many processors: more gain a small network nothing."""
    return min(2, os.cpu_count() or 1)
