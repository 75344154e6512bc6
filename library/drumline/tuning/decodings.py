"""Sweep over decoding parameters on Ray: actors hold the songs in memory and score batches of points.

Below the output, ``points/<number>.json`` holds the trials of a batch, written atomically, so that a killed sweep
resumes at its current batch.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from pydantic import TypeAdapter
from tqdm import tqdm

from drumline.core.artifacts import join, names, read_bytes, write_bytes
from drumline.core.config import changed, fingerprint
from drumline.core.errors import ConfigError, DrumlineError
from drumline.decoding.calibration import read_calibration
from drumline.decoding.config import DecodeConfig
from drumline.runtime.session import session
from drumline.tuning.budget import Spent
from drumline.tuning.config import DecodingsConfig, SweepConfig
from drumline.tuning.decode_scorer import DecodeScorer, DevelopmentSong, development_songs, score
from drumline.tuning.search import search_of
from drumline.tuning.space import Point, Space
from drumline.tuning.sweep import Again, Sweep
from drumline.tuning.trials import Progress, Trial

log = logging.getLogger("drumline")

_BATCH = 200
_LEARNING_BATCH = 20
"""Batch size of searches that learn from scores."""
_TRIALS = TypeAdapter(list[Trial])


@dataclass
class Points:
    """Trial store of a sweep over decoding parameters (`sweep.Store`)."""

    output: str
    done: dict[str, Trial] = field(default_factory=dict)
    batches: int = 0

    def __post_init__(self) -> None:
        for name in sorted(names(join(self.output, "points"))):
            if name.endswith(".json"):
                read = _TRIALS.validate_json(read_bytes(join(self.output, "points", name)))
                self.done |= {trial.id: trial for trial in read}
                self.batches = int(name.removesuffix(".json")) + 1

    def add(self, trials: Sequence[Trial]) -> None:
        """Write a batch of trials."""
        uri = join(self.output, "points", f"{self.batches:06d}.json")
        write_bytes(uri, _TRIALS.dump_json([*trials]))
        self.done |= {trial.id: trial for trial in trials}
        self.batches += 1

    def ids(self) -> list[str]:
        return [*self.done]

    def progress(self, id_: str) -> Progress | None:
        return self.done.get(id_)

    def result(self, id_: str) -> Trial | None:
        return self.done.get(id_)

    def forget(self, id_: str) -> None:
        del self.done[id_]

    reopen = forget


def check_decodings(config: SweepConfig, space: Space) -> DecodeConfig:
    """Decoder settings that trials change. Raises ConfigError if they or the space are invalid."""
    assert config.decode is not None
    base = config.decode.system.decoding
    if base.micro is not None or any(name.startswith("micro") for name in space.parameters):
        raise ConfigError("decode.system.decoding: `micro` reads audio again: no sweep over activations can")
    space.check(base, location="decode.system.decoding")
    if config.decode.system.calibration:
        fixed = {
            name for name, one in read_calibration(config.decode.system.calibration).labels.items() if one.threshold
        }
        for name in space.parameters:
            if fixed and (name == "threshold" or name.startswith("thresholds.")):
                raise ConfigError(
                    f"space.{name}: the calibration's thresholds stand above it; sweep threshold_log_odds, or leave "
                    "system.calibration out"
                )
    return base


def sweep_decodings(config: SweepConfig, again: Again) -> tuple[list[Trial], Spent]:
    """Run the remaining trials of a sweep over decoding parameters.

    Parameters
    ----------
    config
        Configuration of the sweep.
    again
        Finished trials to repeat.

    Returns
    -------
    trials
        All trials of the sweep.
    spent
        Time and cost so far.

    Raises
    ------
    ConfigError
        The configuration is invalid; raised before any work.
    """
    assert config.decode is not None
    space = Space.of(config.space)
    base = check_decodings(config, space)
    search = search_of(space, config.search)
    cases = development_songs(config.decode)
    spent = Spent.of(config.output)
    with session(config.ray) as about:
        scorers = _ScorerPool(cases, config.decode)
        points = Points(config.output)

        def identify(point: Point) -> str:
            return fingerprint(changed(base, point, location="space"), scorers.digest)

        sweep = Sweep(space, search, points, budget=config.budget, identify=identify, again=again)
        bar = tqdm(total=config.budget.trials, initial=len(sweep.done), unit="point", desc="decoding", mininterval=1.0)
        with bar:
            spent.tick(about["nodes"])
            while not spent.over(config.budget) and (batch := _batch(sweep)):
                decodings = [changed(base, point, location="space") for _, point in batch]
                counts = scorers.counts(decodings)
                trials = [
                    Trial(id=id_, state="finished", values=point, curve=((1, score(own, config.decode)),))
                    for (id_, point), own in zip(batch, counts, strict=True)
                ]
                points.add(trials)
                for trial in trials:
                    sweep.ended(trial)
                spent.tick(about["nodes"])
                bar.update(len(sweep.done) - bar.n)
                bar.set_postfix_str(f"best {max(each.score or 0.0 for each in sweep.done.values()):.4f}")
        spent.write()
    if over := spent.over(config.budget):
        log.info("the budget is used up: %s. With a larger one the sweep goes on", over)
    return [*sweep.done.values()], spent


def _batch(sweep: Sweep) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    while len(found) < (_LEARNING_BATCH if sweep.search.learns else _BATCH) and (proposed := sweep.next()):
        found.append(proposed)
    return found


class _ScorerPool:
    """A development set whose songs are distributed over processes."""

    def __init__(self, cases: Sequence[DevelopmentSong], config: DecodingsConfig) -> None:
        number = min(config.actors or max(1, int(ray.cluster_resources().get("CPU", 1))), len(cases))
        # A lost process is restarted and reads its songs again; it holds no other state.
        actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_ScorerActor)
        self.actors = [actor.remote([*cases[share::number]], config) for share in range(number)]
        parts = self._all([actor.digests.remote() for actor in self.actors])
        digests = {name: digest for part in parts for name, digest in part.items()}
        how = config.model_dump(mode="json", exclude={"truth", "system", "actors", "unmatched"})
        self.digest = fingerprint(how, digests)
        """Fingerprint of the songs and of their scoring."""

    def counts(self, decodings: Sequence[DecodeConfig]) -> NDArray[np.int64]:
        """Counts over all songs, int64 [decodings, classes, 3]."""
        parts = self._all([actor.counts.remote([*decodings]) for actor in self.actors])
        total: NDArray[np.int64] = np.sum(parts, axis=0)
        return total

    def _all(self, references: list[Any]) -> list[Any]:
        try:
            return list(ray.get(references))
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, DrumlineError):
                raise error.cause from error
            raise


class _ScorerActor:
    def __init__(self, cases: Sequence[DevelopmentSong], config: DecodingsConfig) -> None:
        self.scorer = DecodeScorer(cases, config)

    def digests(self) -> dict[str, str]:
        digests = dict(self.scorer.digests)
        if self.scorer.calibration is not None:
            digests[""] = fingerprint(self.scorer.calibration)
        return digests

    def counts(self, decodings: Sequence[DecodeConfig]) -> NDArray[np.int64]:
        return np.stack([self.scorer.counts(decoding) for decoding in decodings])
