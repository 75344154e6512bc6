"""Report of a sweep: HTML page, tables, and the winner as a runnable configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from drumline import __version__
from drumline.core.artifacts import join, write_bytes
from drumline.core.config import canonical_json, changed, fingerprint, load_config
from drumline.core.page import page_environment
from drumline.training.config import TrainConfig
from drumline.tuning import plots
from drumline.tuning.budget import Spent
from drumline.tuning.config import SweepConfig
from drumline.tuning.importance import LEAST_TRIALS, importance
from drumline.tuning.space import Space
from drumline.tuning.table import best_first, write_tables
from drumline.tuning.trials import REASONS, Trial

_MOST_ROWS = 50


def score_name(config: SweepConfig) -> str:
    """Name of the score of trials, such as ``f5_50``."""
    if config.decode:
        window_ms = round(1000 * config.decode.window_s)
        return f"{'f' if config.decode.mean == 'micro' else 'macro'}{config.decode.vocabulary}_{window_ms}"
    assert config.train is not None
    return load_config(TrainConfig, config.train.config, config.train.overrides).validation.score


def write_report(trials: Sequence[Trial], config: SweepConfig, spent: Spent) -> str:
    """Write tables, page and winner; ``trials`` in the order in which they ended. Gives the winner's URI, or ""."""
    space = Space.of(config.space)
    write_tables(trials, [*space.parameters], config.output)
    write_bytes(join(config.output, "sweep.json"), canonical_json(config, indent=1).encode())
    write_bytes(join(config.output, "report.html"), page(trials, config, spent).encode())
    best = next((trial for trial in best_first(trials) if trial.score is not None and trial.state != "failed"), None)
    if best is None:
        return ""
    uri = config.winner or join(config.output, "winner.yaml")
    write_bytes(uri, winner(best, config).encode())
    return uri


def winner(best: Trial, config: SweepConfig) -> str:
    """The best trial's configuration as YAML: of `drumline train`, or a preset of `drumline transcribe`."""
    changes = ", ".join(f"{name}={value}" for name, value in best.values.items())
    head = f"# The best of {config.name}: {score_name(config)} {best.score:.4f} on development data, with {changes}.\n"
    if config.decode:
        base = config.decode.system.decoding
        tree = changed(base, best.values, location="winner").model_dump(mode="json", exclude_defaults=True)
        return head + _yaml(tree)
    assert config.train is not None
    settings = load_config(TrainConfig, config.train.config, config.train.overrides)
    chosen = changed(settings, best.values, location="winner").model_copy(
        update={"name": f"{settings.name}, winner of {config.name}", "output": join(config.output, "winner")}
    )
    if config.scheduler.kind == "pbt":
        head += "# These are its last values: PBT changed them on the way, so a run of this file is not that trial.\n"
    head += f"# Its own run: {best.run}\n"
    return head + _yaml(chosen.model_dump(mode="json", exclude_defaults=True))


def page(trials: Sequence[Trial], config: SweepConfig, spent: Spent) -> str:
    """The whole page: one file that needs no other."""
    space, score, ordered = Space.of(config.space), score_name(config), best_first(trials)
    importances = importance(space, trials)
    seconds = sum(trial.seconds for trial in trials)
    drawn = {"parallel": plots.parallel(space, ordered, score=score), "best": plots.best_so_far(trials, score=score)}
    if config.train:
        drawn["learning"] = plots.learning(ordered, score=score)
    if importances:
        drawn["importance"] = plots.shares(importances)
    environment = page_environment("tuning/templates")
    environment.filters["value"] = _shown
    return environment.get_template("report.html.j2").render(
        config=config,
        fingerprint=fingerprint(config),
        drumline=__version__,
        score=score,
        trials=ordered[:_MOST_ROWS],
        num_trials=len(trials),
        num_more=max(0, len(ordered) - _MOST_ROWS),
        best=ordered[0] if ordered and ordered[0].score is not None else None,
        states={state: sum(trial.state == state for trial in trials) for state in ("finished", "stopped", "failed")},
        reasons=_reasons(trials),
        keys=[*space.parameters],
        space=space.parameters,
        spent=spent,
        seconds=seconds,
        cost=spent.money(config.budget) if config.budget.node_price_an_hour else None,
        drawn=drawn,
        slices=plots.slices(space, ordered, score=score),
        least_trials=LEAST_TRIALS,
    )


def _reasons(trials: Sequence[Trial]) -> Mapping[str, tuple[int, str]]:
    found = [trial.reason for trial in trials if trial.reason]
    return {reason: (found.count(reason), meaning) for reason, meaning in REASONS.items() if reason in found}


def _yaml(tree: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(tree), sort_keys=False, allow_unicode=True, width=120)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
