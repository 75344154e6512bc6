"""Inference with ONNX Runtime, without torch.

One chunk per call: the quantisation scales of an int8 graph's recurrence are those of its call, and a float32 graph
gains nothing by batches (docs/decisions/0019-pieces-alone-on-a-cpu.md).
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as refusals

from drumline.core.errors import DrumlineError
from drumline.decoding.chunked_inference import CHUNK_S, Network, Values
from drumline.features.logmel import LogMelConfig

INPUT: Final = "features"
"""Name of a graph's input: float32 [batch, frames, F]."""
OUTPUTS: Final = ("probability", "onset", "offset", "velocity")
"""Names of a graph's outputs, as the fields of `Activations`; each is [batch, frames, ...]."""

_REFUSED: Final = (refusals.Fail, refusals.InvalidGraph, refusals.InvalidProtobuf, refusals.NoSuchFile,
                   refusals.NotImplemented, refusals.InvalidArgument)  # fmt: skip


class OnnxNetwork(Network):
    """ONNX Runtime session of a model package's graph, on the CPU.

    ``threads`` is the number of intra-op threads; 0 takes `default_threads`. Raises DrumlineError if the file is not a
    graph that ONNX Runtime can load.
    """

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
        super().__init__(features, classes, margin_s=margin_s, chunk_s=chunk_s)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or default_threads()
        options.inter_op_num_threads = 1
        # Waiting threads must sleep: spinning takes CPU time from other processes for nothing.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except _REFUSED as error:
            raise DrumlineError(f"{graph}: onnxruntime cannot load it: {error}") from error

    def run(self, features: Values) -> Sequence[Values]:
        outputs: Sequence[Values] = self._session.run(list(OUTPUTS), {INPUT: features})
        return outputs


def default_threads() -> int:
    """Two threads, or one on a single CPU: more do not speed up a small network."""
    return min(2, os.cpu_count() or 1)
