"""Keep the most confident of many candidates, within limits by label, by recording and in total."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from pydantic import Field

from drumline.core.config import Config
from drumline.quality.negatives.findings import Candidate

BINS: Final = 10


class CapConfig(Config):
    """Limits on the number of mined false positives."""

    min_confidence: float = Field(default=0.6, ge=0, le=1)
    """Lowest confidence of a mined false positive."""
    max_per_label: int = Field(default=200, ge=1)
    """Largest number mined of one label."""
    max_per_recording: int = Field(default=50, ge=1)
    """Largest number mined of one label in one recording, so that a single bad song does not dominate."""
    max_total: int = Field(default=2_000, ge=1)
    """Largest number mined in total."""
    exclude_labels: tuple[str, ...] = ()
    """Labels that are not mined."""


class CandidatePool:
    """The most confident candidates of each label, in bounded memory, with counts of all candidates."""

    def __init__(self, config: CapConfig) -> None:
        self._config = config
        self._best: defaultdict[str, list[tuple[float, int, Candidate]]] = defaultdict(list)
        self._number = 0
        self.estimates = Counter[str]()
        self.false_positives = Counter[str]()
        self.confident = Counter[str]()
        self.without_confidence = 0
        self.by_confidence: defaultdict[str, list[int]] = defaultdict(lambda: [0] * BINS)
        self.instead_of: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Add the false positives of one recording."""
        confident: defaultdict[str, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            self.false_positives[candidate.label] += 1
            if candidate.confidence != candidate.confidence:
                self.without_confidence += 1
                continue
            self.by_confidence[candidate.label][min(BINS - 1, int(candidate.confidence * BINS))] += 1
            if candidate.confidence >= self._config.min_confidence:
                self.confident[candidate.label] += 1
                self.instead_of[candidate.label][candidate.instead_of] += 1
                if candidate.label not in self._config.exclude_labels:
                    confident[candidate.label].append(candidate)
        for label, candidates_of_label in confident.items():
            candidates_of_label.sort(key=lambda candidate: -candidate.confidence)
            for candidate in candidates_of_label[: self._config.max_per_recording]:
                self._keep(label, candidate)

    def chosen(self) -> list[Candidate]:
        """The most confident candidates within all limits; earlier ones win ties."""
        best = sorted((item for heap in self._best.values() for item in heap), key=lambda item: item[:2], reverse=True)
        return [candidate for _, _, candidate in best[: self._config.max_total]]

    def _keep(self, label: str, candidate: Candidate) -> None:
        self._number += 1
        heap, item = self._best[label], (candidate.confidence, -self._number, candidate)
        if len(heap) < self._config.max_per_label:
            heapq.heappush(heap, item)
        else:
            heapq.heappushpop(heap, item)
