"""Count the hits of a large dataset on Ray, one row group a task."""

import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pydantic import Field

from drumline.core.artifacts import join
from drumline.core.config import Config
from drumline.quality.health.dataset import num_groups, tally_groups
from drumline.quality.health.tally import Tally
from drumline.runtime.config import RayConfig
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import map_rows
from drumline.runtime.session import session

_COUNTED: Final = pa.schema([pa.field("tally", pa.binary(), nullable=False)])


class HealthRunConfig(Config):
    """Run settings of `check health`; none changes a number."""

    most_local_hits: int = Field(default=5_000_000, ge=0)
    """Largest dataset [hits] that is counted in this process without starting Ray; about 10 s per million hits."""
    task_timeout_s: float = Field(default=600.0, gt=0)
    """Time limit of one task [s]."""
    ray: RayConfig = RayConfig()


@dataclass(frozen=True)
class CountStep:
    """Count one row group (given by its index) into a pickled tally; runs as a Ray task."""

    dataset: str
    synthetic_sources: tuple[str, ...]
    known_labels: frozenset[str]
    known_techniques: frozenset[str]

    def __call__(self, row: str) -> Sequence[dict[str, Any]]:
        tally = Tally("dataset", self.known_labels, self.known_techniques)
        tally_groups(self.dataset, [int(row)], tally, synthetic_sources=self.synthetic_sources)
        return [{"tally": pickle.dumps(tally)}]


def count_on_ray(dataset: str, tally: Tally, config: HealthRunConfig, *, synthetic_sources: tuple[str, ...]) -> None:
    """Count all row groups on Ray. Raises DrumlineError if the run fails."""
    step = CountStep(dataset, synthetic_sources, tally.known_labels, tally.known_techniques)
    rows = [str(group) for group in range(num_groups(dataset))]
    # Counting is idempotent, so attempts need no persistent ledger.
    ledger = Ledger(join(tempfile.gettempdir(), "drumline"), timeout_s=config.task_timeout_s, max_attempts=1)
    with session(config.ray):
        for result in map_rows(rows, step, schema=_COUNTED, ledger=ledger):
            tally.merge(pickle.loads(result["tally"]))
