"""Stand-in until `decoding.listening` lands."""
from dataclasses import dataclass
import numpy as np
from drumline.decoding.infer_onnx import OnnxNetwork, INPUT, OUTPUTS

@dataclass(frozen=True)
class Piece:
    first: int
    start: int
    stop: int
    last: int

class Onnx(OnnxNetwork):
    together = 1
    def answer(self, heard):
        return self._session.run(list(OUTPUTS), {INPUT: heard})
    def pieces(self, num_samples):
        n = self.features.grid.num_frames(num_samples)
        stops = [min(n, s + self._chunk) for s in range(0, n, self._chunk)]
        return [Piece(max(0, a - self._margin), a, b, min(n, b + self._margin)) for a, b in zip([0, *stops], stops, strict=False)]

def open_network(settings):
    from drumline.export.package import GRAPHS, find_package, read_package
    from drumline.transcription.engine import precision_of
    folder = find_package(settings.model); package = read_package(folder)
    p = precision_of(package, folder, settings.precision)
    n = Onnx(folder / GRAPHS[p], features=package.features, classes=package.classes, margin_s=package.margin_s, threads=settings.threads)
    n.together = settings.batching.max_windows or (1 if p == "int8" else 8)
    return n
