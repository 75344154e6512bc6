"""Graphs answer as the network does: every kind of network, any batch, any length; and smaller graphs nearly so."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tests.export.tiny import FEATURES, noise, tiny_network

from drumline.core.errors import ConfigError
from drumline.decoding.infer_onnx import INPUT, OUTPUTS
from drumline.export.graph import graph_of, with_half_weights
from drumline.export.quantise import quantised
from drumline.features.logmel import log_mel

KINDS = {
    "lstm": {},
    "gru": {"context": "gru"},
    "no context": {"context": "none"},
    "flat": {"preset": "small_flat"},
    "window norm": {"window_norm": 0.3},
    "one cymbal at a time": {"cymbal": "softmax"},
    "separable, weighed": {"convolution": "separable", "squeeze_excitation": True, "convs_per_block": 2},
}


def answers(graph: onnx.ModelProto, features: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    found: list[np.ndarray] = session.run(list(OUTPUTS), {INPUT: features})
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_answers_as_the_network_does(kind: str) -> None:
    network = tiny_network(**KINDS[kind])
    graph = graph_of(network)
    for batch, frames in ((1, 200), (3, 77), (2, 1)):
        features = np.random.default_rng(frames).random((batch, frames, 128), dtype=np.float32) * 5
        with torch.no_grad():
            expected = network(torch.from_numpy(features)).activations()
        named = (expected.classes_BTC, expected.onset_BT, expected.offset_BT, expected.velocity_BTC)
        for found, wanted in zip(answers(graph, features), named, strict=True):
            np.testing.assert_allclose(found, wanted.numpy(), atol=2e-4)


def test_smaller_graphs_say_nearly_the_same() -> None:
    features = log_mel(noise(6.0), FEATURES)
    plain = graph_of(tiny_network(channels=(4, 8, 16), pooling=(2, 2, 2)))  # two convolutions stay as they are
    expected = answers(plain, features[np.newaxis])[0]
    assert expected.std() > 0.1  # it has opinions
    half, eighth = with_half_weights(plain), quantised(plain, [features])
    assert half.ByteSize() < 0.8 * plain.ByteSize()
    for graph, least in ((half, 1e-4), (eighth, 0.02)):
        error = np.abs(answers(graph, features[np.newaxis])[0] - expected)
        assert 0 < error.mean() < least
    assert {"DynamicQuantizeLSTM", "QuantizeLinear"} <= {node.op_type for node in eighth.graph.node}
    assert quantised(plain, [features]) == eighth


def test_what_has_no_graph_says_so() -> None:
    with pytest.raises(ConfigError, match="conformer has no ONNX graph"):
        graph_of(tiny_network(context="conformer"))
    with pytest.raises(ValueError, match="evaluation mode"):
        graph_of(tiny_network().train())
