"""Do a package's graphs say what the checkpoint said? From samples to activations, and in strokes found.

Both ways are walked whole: torch's features, network and chunks, and those of the command line. So it also proves
that features outside the graph are the ones the network was trained on.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.core.config import Config
from drumline.decoding.activations import Activations
from drumline.decoding.config import DecodeConfig
from drumline.decoding.infer import infer
from drumline.decoding.infer_onnx import OnnxNetwork
from drumline.decoding.model_package import Parity, Precision
from drumline.features.logmel_torch import LogMel
from drumline.model.network import HierarchicalDrumCRNN
from drumline.training.validation import Counts, Recording, count, metrics

_COMPARED = ("probability", "onset", "velocity")
_SCORE = "f5_50"


class Limits(Config):
    """Largest differences of a graph from the checkpoint in torch."""

    max_difference: float = Field(gt=0)
    """The largest difference of any probability, onset or velocity."""
    mean_difference: float = Field(gt=0)
    """The mean difference of all of them."""
    f_drop: float = Field(ge=0)
    """Largest drop of the micro F-measure of 5 classes at 50 ms."""


@dataclass
class _Tally:
    largest: float
    total: float
    number: int
    counts: Counts

    def take(self, found: Activations, expected: Activations, recording: Recording, decoding: DecodeConfig) -> None:
        for name in _COMPARED:
            difference = np.abs(getattr(found, name) - getattr(expected, name))
            self.largest = max(self.largest, float(difference.max()))
            self.total += float(difference.sum(dtype=np.float64))
            self.number += difference.size
        self.counts += count(recording, found, decoding)


def compare(
    network: HierarchicalDrumCRNN,
    features: LogMel,
    graphs: Mapping[Precision, OnnxNetwork],
    recordings: Iterable[Recording],
    decoding: DecodeConfig,
) -> dict[Precision, Parity]:
    """Each graph against the network, over recordings, at least one; ``decoding`` makes hits of activations."""
    tallies = {name: _Tally(0.0, 0.0, 0, Counts.none()) for name in graphs}
    truth = Counts.none()
    for recording in recordings:
        expected = infer(network, features, recording.samples)
        truth += count(recording, expected, decoding)
        for name, graph in graphs.items():
            tallies[name].take(_heard(graph, recording.samples), expected, recording, decoding)
    f = metrics(truth)[_SCORE]
    return {name: _parity(tally, f) for name, tally in tallies.items()}


def beyond(parity: Mapping[Precision, Parity], limits: Mapping[Precision, Limits]) -> list[str]:
    """Descriptions of differences beyond the limits; graphs without limits are not checked."""
    found = []
    for name, limit in limits.items():
        if (comparison := parity.get(name)) is None:
            continue
        if comparison.max_difference > limit.max_difference:
            found.append(f"{name}: largest difference {comparison.max_difference:.2g}, limit {limit.max_difference:g}")
        if comparison.mean_difference > limit.mean_difference:
            found.append(f"{name}: mean difference {comparison.mean_difference:.2g}, limit {limit.mean_difference:g}")
        if comparison.f_change is not None and -comparison.f_change > limit.f_drop:
            found.append(f"{name}: F changes by {comparison.f_change:+.4f}, limit -{limit.f_drop:g}")
    return found


def _heard(graph: OnnxNetwork, samples: NDArray[np.float32]) -> Activations:
    return Activations.joined(list(graph.infer(lambda start, stop: samples[start:stop], len(samples))))


def _parity(tally: _Tally, f_of_torch: float) -> Parity:
    f = metrics(tally.counts)[_SCORE]
    is_scored = math.isfinite(f) and math.isfinite(f_of_torch)
    return Parity(
        max_difference=tally.largest,
        mean_difference=tally.total / max(1, tally.number),
        f=f if is_scored else None,
        f_change=f - f_of_torch if is_scored else None,
    )
