"""How much of the score each key decides: Optuna's PED-ANOVA (Watanabe, Bansal, Hutter, IJCAI 2023).

It asks how the values of the best trials differ from those of all, key by key, so it does with few trials and needs no
model. Keys that not all trials have (`when`) are left out.
"""

import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Final

from drumline.tuning.search import OPTUNA, frozen
from drumline.tuning.space import Space
from drumline.tuning.trials import Trial

LEAST_TRIALS: Final = 8
"""Of fewer nothing is told."""


def importance(space: Space, trials: Sequence[Trial]) -> Mapping[str, float] | None:
    """Share of each key, the greatest first, 1 together; None without Optuna, or for too few trials or scores."""
    scored = [each for each in trials if each.score is not None and each.state != "failed" and each.values in space]
    if find_spec(OPTUNA) is None or len(scored) < LEAST_TRIALS or len({each.score for each in scored}) < 2:
        return None
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    study.add_trials([frozen(space, trial.values, trial.score) for trial in scored])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        told = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in told.items()}
