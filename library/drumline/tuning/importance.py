"""Parameter importance by Optuna's PED-ANOVA (Watanabe, Bansal, Hutter, IJCAI 2023).

It compares the values of the best trials with those of all trials, parameter by parameter, which works for few trials
and without a model. Conditional parameters (`when`) are excluded.
"""

import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Final

from drumline.tuning.search import OPTUNA, frozen
from drumline.tuning.space import Space
from drumline.tuning.trials import Trial

LEAST_TRIALS: Final = 8
"""Minimum number of scored trials."""


def importance(space: Space, trials: Sequence[Trial]) -> Mapping[str, float] | None:
    """Compute the importance of each parameter.

    Parameters
    ----------
    space
        Search space.
    trials
        Trials of the sweep.

    Returns
    -------
    dict or None
        Importance by parameter in falling order, with sum 1; None without Optuna, or for too few trials or scores.
    """
    scored = [
        trial for trial in trials if trial.score is not None and trial.state != "failed" and trial.values in space
    ]
    if find_spec(OPTUNA) is None or len(scored) < LEAST_TRIALS or len({trial.score for trial in scored}) < 2:
        return None
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    study.add_trials([frozen(space, trial.values, trial.score) for trial in scored])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        importances = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in importances.items()}
