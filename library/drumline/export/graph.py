"""A network as an ONNX graph: features in, activations out, any batch, any number of frames.

Features stay outside. As a fast transform in SciPy they cost a tenth of what the convolutions of a graph would
(`features.logmel_torch`), and `export.parity` compares the two ways from samples to activations.
"""

import io
import warnings
from typing import Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from drumline.core.errors import ConfigError
from drumline.decoding.infer_onnx import INPUT, OUTPUTS
from drumline.model.network import HierarchicalDrumCRNN

OPSET: Final = 17

_TRACED_FRAMES: Final = 64


class _Activations(nn.Module):
    """The network up to its activations, as a tuple in the order of `OUTPUTS`."""

    def __init__(self, network: HierarchicalDrumCRNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, features_BTF: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        found = self.network(features_BTF).activations()
        return found.classes_BTC, found.onset_BT, found.offset_BT, found.velocity_BTC


def graph_of(network: HierarchicalDrumCRNN) -> onnx.ModelProto:
    """The graph, in float32. The network must be in evaluation mode.

    Raises ConfigError for a conformer: its chunks of attention would keep the batch and the length they were traced
    with.
    """
    if network.training:
        raise ValueError("a graph is of a network in evaluation mode: call network.eval() first")
    if network.config.context == "conformer":
        raise ConfigError("model.context=conformer has no ONNX graph; lstm, gru and none have")
    num_features = network.config.spectra * network.config.bands
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that needs no further package warns of its age, and tracing of every Python number it meets.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Activations(network).eval(),
            (torch.zeros(2, _TRACED_FRAMES, num_features),),
            buffer,  # type: ignore[arg-type]  # the tracing exporter writes to any file
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "batch", 1: "frames"} for name in (INPUT, *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    _start_from_zero(model)
    onnx.checker.check_model(model)
    return model


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with weights stored as float16: half the size. It computes in float32, on any provider.

    A runtime turns the weights back when it loads them, so nothing is slower. (Computing in float16 gains nothing on
    CPUs, and for GPUs there is torch.)
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    casts = []
    for weight in half.graph.initializer:
        if weight.data_type == TensorProto.FLOAT:
            name, stored = weight.name, f"{weight.name}.half"
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    _set_nodes(half, [*casts, *half.graph.node])
    onnx.checker.check_model(half)
    return half


def _start_from_zero(model: onnx.ModelProto) -> None:
    """Take the initial states from the recurrent layers: the tracer fixes their batch, and zero is the default."""
    for node in model.graph.node:
        if node.op_type in ("LSTM", "GRU"):
            del node.input[4:]
    wanted = {output.name for output in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    _set_nodes(model, kept[::-1])


def _set_nodes(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    del model.graph.node[:]
    model.graph.node.extend(nodes)
