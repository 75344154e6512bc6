"""The configuration of a sweep: `configs/tune_model/*.yaml`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.evaluation.config import SystemConfig
from drumline.evaluation.pairing import Unmatched
from drumline.evaluation.references import ReferenceConfig
from drumline.runtime.config import RayConfig

Number = int | float
Bounds = tuple[Number, Number]


class ParameterConfig(Config):
    """Range or list of a parameter: one of ``choice``, ``grid``, ``uniform`` and ``log_uniform``."""

    choice: tuple[Any, ...] = ()
    """List of values to choose from."""
    grid: tuple[Any, ...] = ()
    """List of values that are all tried, in every combination with the other grids."""
    uniform: Bounds | None = None
    """Lower and upper bound of a uniform distribution."""
    log_uniform: Bounds | None = None
    """Lower and upper bound, above 0, of a log-uniform distribution."""
    step: Number | None = None
    """Step of ``uniform``, from the lower bound. Integer bounds and step give integers, as does ``log_uniform`` with
    step 1."""
    when: dict[str, tuple[Any, ...]] = Field(default={})
    """Condition: values of other parameters for which this one exists; otherwise the key keeps its base value."""

    @model_validator(mode="after")
    def _check_distribution(self) -> Self:
        given = [name for name in ("choice", "grid", "uniform", "log_uniform") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"set one of choice, grid, uniform and log_uniform, not {' and '.join(given) or 'none'}")
        if (bounds := self.bounds) is None:
            if self.step is not None:
                raise ValueError("step: values of a list have none")
            return self
        low, high = bounds
        if not low < high:
            raise ValueError(f"{given[0]}: the lower bound {low} must be below the upper, {high}")
        if self.log_uniform and low <= 0:
            raise ValueError(f"log_uniform: the lower bound {low} must be above 0")
        if self.step is not None and (self.step <= 0 or (self.log_uniform and not (self.step == 1 and self.whole))):
            raise ValueError(f"step: {self.step}: above 0; with log_uniform only 1, between whole bounds")
        if self.step is not None and abs((steps := (high - low) / self.step) - round(steps)) > 1e-9:
            raise ValueError(
                f"step: the bounds {low} and {high} are {steps:g} steps of {self.step} apart: no whole number"
            )
        return self

    @property
    def values(self) -> tuple[Any, ...]:
        """Values of a list; empty for a range."""
        return self.choice or self.grid

    @property
    def bounds(self) -> Bounds | None:
        """Bounds of a range; None for a list."""
        return self.uniform or self.log_uniform

    @property
    def whole(self) -> bool:
        """Whether a range has integers only."""
        return self.step is not None and all(isinstance(each, int) for each in (*(self.bounds or ()), self.step))


class SearchConfig(Config):
    """Search method of a sweep."""

    method: Literal["grid", "random", "tpe"] = "random"
    """Search method: all combinations of lists (``grid``), ``random``, or Optuna's TPE (``tpe``, extra ``tune``)."""
    seed: int = 0
    """Random seed of the search."""
    startup: int = Field(default=10, ge=1)
    """Number of random trials before TPE models the scores."""


class BudgetConfig(Config):
    """Budget of a sweep over all its runs; the first limit that is reached ends it."""

    trials: int | None = Field(default=None, ge=1)
    """Maximum number of trials, including failed and reused ones."""
    hours: float | None = Field(default=None, gt=0)
    """Maximum running time [h]."""
    money: float | None = Field(default=None, gt=0)
    """Maximum cost: ``node_price_an_hour`` times node hours."""
    node_price_an_hour: float = Field(default=0.0, ge=0)
    """Price of a cluster node per hour, in the currency of ``money``."""

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.money is not None and not self.node_price_an_hour:
            raise ValueError("money: needs node_price_an_hour, above 0")
        return self


class SchedulerConfig(Config):
    """Trial scheduler: early stopping (ASHA) or population-based training (PBT)."""

    kind: Literal["none", "asha", "pbt"] = "none"
    """Scheduler: ``asha`` stops trials that score below the others at the same epoch (Li et al. 2018). ``pbt`` replaces
    the worst trials of a population by copies of the best with perturbed parameters (Jaderberg et al. 2017)."""
    grace_epochs: int = Field(default=1, ge=1)
    """ASHA: epochs before a trial may be stopped."""
    reduction: float = Field(default=3.0, gt=1)
    """ASHA: reduction factor; at each rung the best 1 / reduction of the trials continue, for reduction times the
    epochs."""
    every_epochs: int = Field(default=1, ge=1)
    """PBT: epochs between two perturbations."""
    quantile: float = Field(default=0.25, gt=0, le=0.5)
    """PBT: share of trials that is replaced by the same share of the best."""
    synchronous: bool = False
    """PBT: wait for all trials before each perturbation; otherwise trials are compared with the others' latest
    scores."""


class TrainingsConfig(Config):
    """Sweep over training runs (`drumline train`)."""

    config: str
    """Base configuration: a file of configs/train_model/."""
    overrides: tuple[str, ...] = ()
    """Overrides of the base configuration for all trials, ``name=value``."""
    concurrent: int = Field(default=0, ge=0)
    """Number of concurrent trials; 0 selects as many as the cluster's CPUs, and GPUs if used, allow."""


class DecodingsConfig(Config):
    """Sweep over decoding parameters: each trial decodes stored activations and scores a development set."""

    truth: ReferenceConfig
    """Reference hits of the development set; of a dataset the validation split, never the test split."""
    system: SystemConfig
    """System with its ``activations``, and the ``decoding`` that trials change."""
    vocabulary: Literal["3", "5", "8", "12"] = "5"
    """Vocabulary of the F-measure that is the score."""
    mean: Literal["micro", "macro"] = "micro"
    """Mean of the F-measure, over hits (``micro``) or over classes (``macro``)."""
    window_s: float = Field(default=0.05, gt=0, le=0.2)
    """Matching tolerance of hits [s]."""
    unmatched: Unmatched = "error"
    """Handling of songs without prediction or reference, as in an evaluation."""
    actors: int = Field(default=0, ge=0)
    """Number of processes that share the songs; 0 selects one per logical CPU of the cluster."""

    @model_validator(mode="after")
    def _on_development_data(self) -> Self:
        if self.truth.dataset and "test" in self.truth.splits:
            raise ValueError("truth.splits: what is chosen on the test split cannot be judged on it; use [validation]")
        if not self.system.activations or self.system.predictions:
            raise ValueError("system: set `activations`, and no `predictions`: only those can be decoded anew")
        return self


Space = Annotated[dict[str, ParameterConfig], Field(min_length=1)]


class SweepConfig(Config):
    """Search space, search method, scheduler and budget of a sweep."""

    name: str
    """Title of the report."""
    output: str
    """Folder or ``s3://bucket/prefix`` for trials, tables and the report."""
    space: Space
    """Parameters by dotted configuration key; items of lists by index (``stages.0.schedule.peak``)."""
    train: TrainingsConfig | None = None
    """Settings of a sweep over training runs."""
    decode: DecodingsConfig | None = None
    """Settings of a sweep over decoding parameters."""
    search: SearchConfig = SearchConfig()
    """Search method."""
    scheduler: SchedulerConfig = SchedulerConfig()
    """Trial scheduler of training runs."""
    budget: BudgetConfig = BudgetConfig()
    """Limits of trials, time and cost."""
    winner: str = ""
    """File for the best configuration; if empty, ``<output>/winner.yaml``."""
    ray: RayConfig = RayConfig()

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if (self.train is None) == (self.decode is None):
            raise ValueError("set either `train` or `decode`")
        if self.decode and self.scheduler.kind != "none":
            raise ValueError("scheduler: only trainings have epochs to look at")
        pbt, method, budget = self.scheduler.kind == "pbt", self.search.method, self.budget
        if pbt and (method != "random" or budget.trials is None):
            raise ValueError("scheduler: pbt needs search.method random and budget.trials, the size of the population")
        if method != "grid" and budget.trials is None and budget.hours is None and budget.money is None:
            raise ValueError(f"budget: a {method} search has no end of its own: set trials, hours or money")
        return self
