"""A network of a few thousand random weights that has opinions, and packages of it."""

from pathlib import Path

import numpy as np
import onnx
import torch

from drumline.core.artifacts import sha256_file
from drumline.core.config import canonical_json
from drumline.decoding.infer import weights_file
from drumline.decoding.model_package import GRAPHS, NAME, WEIGHTS, Package, Precision
from drumline.export.graph import graph_of, with_half_weights
from drumline.export.quantise import quantised
from drumline.features.logmel import LogMelConfig, log_mel
from drumline.model.branches import PREDICTED
from drumline.model.config import ModelConfig
from drumline.model.network import HierarchicalDrumCRNN

FEATURES = LogMelConfig()
SIZE = {"channels": (4, 8), "pooling": (4, 4), "context_width": 12, "branch_width": 8}


def tiny_network(**changes: object) -> HierarchicalDrumCRNN:
    """In evaluation mode."""
    torch.manual_seed(1)
    network = HierarchicalDrumCRNN(ModelConfig.model_validate({"preset": "small", **SIZE, **changes}, strict=False))
    with torch.no_grad():
        for name, weights in network.heads.named_parameters():
            if name.endswith("out.weight"):
                weights.mul_(40.0)  # probabilities near 0 and near 1, and not all near the prior
    return network.eval()


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Bursts at -14 LUFS or so."""
    random = np.random.default_rng(seed)
    samples = random.standard_normal(round(seconds * 22_050)) * 0.2
    return (samples * np.repeat(random.random(len(samples) // 2205 + 1) ** 2, 2205)[: len(samples)]).astype(np.float32)


def write_package(
    folder: Path,
    *precisions: Precision,
    network: HierarchicalDrumCRNN | None = None,
    features: LogMelConfig = FEATURES,
    micro: str = "",
) -> Path:
    """A package without thresholds, card or parity, called as its folder; of the tiny network, or another."""
    name, _, version = folder.name.partition("-")
    folder.mkdir(parents=True)
    network = network or tiny_network()
    plain = graph_of(network)
    (folder / WEIGHTS).write_bytes(weights_file(network))
    makers = {
        "float32": lambda: plain,
        "float16": lambda: with_half_weights(plain),
        "int8": lambda: quantised(plain, [log_mel(noise(4.0), features)]),
    }
    for precision in precisions:
        onnx.save(makers[precision](), str(folder / GRAPHS[precision]))
    package = Package(
        name=name,
        version=version or "0",
        drumline="0",
        classes=PREDICTED,
        features=features,
        micro=micro,
        network=network.config,
        margin_s=2.0,
        files={file: sha256_file(folder / file) for file in (WEIGHTS, *(GRAPHS[each] for each in precisions))},
        parity={},
    )
    (folder / NAME).write_text(canonical_json(package))
    return folder
