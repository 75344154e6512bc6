"""A network on onnxruntime, without torch.

It takes one piece a call: the scales of an int8 graph's recurrence are those of its call, and a float32 graph gains
nothing by more (docs/decisions/0019-pieces-alone-on-a-cpu.md).
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as refusals

from drumline.core.errors import DrumlineError
from drumline.decoding.listening import CHUNK_S, Network, Values
from drumline.features.logmel import LogMelConfig

INPUT: Final = "features"
"""Of a graph: [batch, frames, F] float32."""
OUTPUTS: Final = ("probability", "onset", "offset", "velocity")
"""Of a graph, named as the fields of `Activations`, each with batch and frames before."""

_REFUSED: Final = (refusals.Fail, refusals.InvalidGraph, refusals.InvalidProtobuf, refusals.NoSuchFile,
                   refusals.NotImplemented, refusals.InvalidArgument)  # fmt: skip


class OnnxNetwork(Network):
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
        super().__init__(features, classes, margin_s=margin_s, chunk_s=chunk_s)
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

    def answer(self, features: Values) -> Sequence[Values]:
        answers: Sequence[Values] = self._session.run(list(OUTPUTS), {INPUT: features})
        return answers


def default_threads() -> int:
    """Two, where there are as many processors: more gain a small network nothing."""
    return min(2, os.cpu_count() or 1)
