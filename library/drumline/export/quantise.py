"""An int8 graph: static for convolutions, dynamic for recurrence.

- Convolutions take 8-bit inputs, whose range was measured on real windows (static), and 8-bit weights with a scale for
  each channel. The first two are left in float32: with one input channel 8 bits make the first slower, and on what
  the second hears they cost more than in all the others together.
- An LSTM's weights become 8-bit, its inputs are scaled as they come (dynamic). Step by step it is bound by reading its
  weights, so a quarter of the bytes is twice the speed. The scale is that of a whole call: equal calls give equal
  answers, but a window must not share its call with others.
- Everything else stays: the heads are little work, and a probability should keep its digits.
"""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from drumline.decoding.infer_onnx import INPUT


class _Windows(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, windows: Iterable[NDArray[np.float32]]) -> None:
        self._windows: Iterator[NDArray[np.float32]] = iter(windows)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        window = next(self._windows, None)
        return None if window is None else {INPUT: window[np.newaxis]}


def quantised(model: onnx.ModelProto, windows: Iterable[NDArray[np.float32]]) -> onnx.ModelProto:
    """The int8 graph; ``windows`` are features [frames, F] of recordings, at least one."""
    with tempfile.TemporaryDirectory() as folder, _quiet():
        plain, prepared, static, dynamic = (
            str(Path(folder) / f"{name}.onnx") for name in ("plain", "prepared", "static", "dynamic")
        )
        onnx.save(model, plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        convolutions = [node.name for node in onnx.load(prepared).graph.node if node.op_type == "Conv"]
        quantize_static(
            prepared,
            static,
            _Windows(windows),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=convolutions[:2],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        quantize_dynamic(static, dynamic, op_types_to_quantize=["LSTM"], weight_type=QuantType.QInt8)
        return onnx.load(dynamic)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without onnxruntime's advice on the root logger to do what has just been done."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
