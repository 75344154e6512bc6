"""Keeping the most confident of many candidates: so many of a label, so many of a recording, so many in all."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from pydantic import Field

from drumline.core.config import Config
from drumline.quality.negatives.findings import Candidate

BINS: Final = 10


class CapConfig(Config):
    """How much is mined."""

    min_confidence: float = Field(default=0.6, ge=0, le=1)
    """The least confidence."""
    max_per_label: int = Field(default=200, ge=1)
    """The most of one label."""
    max_per_recording: int = Field(default=50, ge=1)
    """The most of one label in one recording: one bad song is not all that there is to learn."""
    max_total: int = Field(default=2_000, ge=1)
    """The most in all."""
    exclude_labels: tuple[str, ...] = ()
    """Labels to leave alone."""


class Mine:
    """Candidates as they come; memory holds the best of each label only."""

    def __init__(self, config: CapConfig) -> None:
        self._config = config
        self._best: defaultdict[str, list[tuple[float, int, Candidate]]] = defaultdict(list)
        self._number = 0
        self.estimates = Counter[str]()
        self.false_alarms = Counter[str]()
        self.confident = Counter[str]()
        self.without_confidence = 0
        self.by_confidence: defaultdict[str, list[int]] = defaultdict(lambda: [0] * BINS)
        self.instead_of: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, candidates: Iterable[Candidate]) -> None:
        """The false alarms of one recording."""
        confident: defaultdict[str, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            self.false_alarms[candidate.label] += 1
            if candidate.confidence != candidate.confidence:
                self.without_confidence += 1
                continue
            self.by_confidence[candidate.label][min(BINS - 1, int(candidate.confidence * BINS))] += 1
            if candidate.confidence >= self._config.min_confidence:
                self.confident[candidate.label] += 1
                self.instead_of[candidate.label][candidate.instead_of] += 1
                if candidate.label not in self._config.exclude_labels:
                    confident[candidate.label].append(candidate)
        for label, own in confident.items():
            own.sort(key=lambda each: -each.confidence)
            for candidate in own[: self._config.max_per_recording]:
                self._keep(label, candidate)

    def chosen(self) -> list[Candidate]:
        """The most confident, within all limits; of equal ones those that came first."""
        best = sorted((item for heap in self._best.values() for item in heap), key=lambda item: item[:2], reverse=True)
        return [candidate for _, _, candidate in best[: self._config.max_total]]

    def _keep(self, label: str, candidate: Candidate) -> None:
        self._number += 1
        heap, item = self._best[label], (candidate.confidence, -self._number, candidate)
        if len(heap) < self._config.max_per_label:
            heapq.heappush(heap, item)
        else:
            heapq.heappushpop(heap, item)
