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
    """The values of one key: one of ``choice``, ``grid``, ``uniform`` and ``log_uniform``."""

    choice: tuple[Any, ...] = ()
    """Any of these."""
    grid: tuple[Any, ...] = ()
    """Each of these, with every combination of the other grids."""
    uniform: Bounds | None = None
    """Between two numbers."""
    log_uniform: Bounds | None = None
    """Between two numbers above 0, evenly in their logarithm."""
    step: Number | None = None
    """Of ``uniform``: only the lower bound and so many steps above it. Bounds and step that are whole give whole
    numbers; so does ``log_uniform`` with the step 1."""
    when: dict[str, tuple[Any, ...]] = Field(default={})
    """Only where other keys of the space have one of these values; else the key keeps the value it has without."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
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
        """Of a list; none of a range."""
        return self.choice or self.grid

    @property
    def bounds(self) -> Bounds | None:
        """Of a range."""
        return self.uniform or self.log_uniform

    @property
    def whole(self) -> bool:
        """Whether a range has whole numbers only."""
        return self.step is not None and all(isinstance(each, int) for each in (*(self.bounds or ()), self.step))


class SearchConfig(Config):
    """Which points of the space are tried, in which order."""

    method: Literal["grid", "random", "tpe"] = "random"
    """Every combination of lists; at random; or where earlier trials were good (Optuna's TPE, the extra ``tune``)."""
    seed: int = 0
    """Of whatever is drawn."""
    startup: int = Field(default=10, ge=1)
    """TPE: trials at random before it models anything."""


class BudgetConfig(Config):
    """When a sweep ends. What is reached first counts, over all attempts at the sweep together."""

    trials: int | None = Field(default=None, ge=1)
    """Trials, failed ones and those found finished included."""
    hours: float | None = Field(default=None, gt=0)
    """Hours of running."""
    money: float | None = Field(default=None, gt=0)
    """What nodes may cost: ``node_price_an_hour`` times nodes times hours."""
    node_price_an_hour: float = Field(default=0.0, ge=0)
    """What a node of the cluster costs, in the currency of ``money``."""

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.money is not None and not self.node_price_an_hour:
            raise ValueError("money: needs node_price_an_hour, above 0")
        return self


class SchedulerConfig(Config):
    """Whether trials may be stopped or changed while they run."""

    kind: Literal["none", "asha", "pbt"] = "none"
    """``asha`` stops those that are behind the others at the same epoch (Li et al. 2018). ``pbt`` lets the worst of a
    population go on with the weights of the best, and values near theirs (Jaderberg et al. 2017)."""
    grace_epochs: int = Field(default=1, ge=1)
    """ASHA: no trial is stopped before."""
    reduction: float = Field(default=3.0, gt=1)
    """ASHA: at each rung the best 1 / reduction go on; a rung has so many times the epochs of the one before."""
    every_epochs: int = Field(default=1, ge=1)
    """PBT: epochs between two looks at the population."""
    quantile: float = Field(default=0.25, gt=0, le=0.5)
    """PBT: the share that is replaced, by as many of the best."""
    synchronous: bool = False
    """PBT: whether members wait at each look until all are there. Otherwise who is ahead is compared with those that
    had less time, and nobody waits."""


class TrainingsConfig(Config):
    """A sweep over `drumline train`: each trial is a training run."""

    config: str
    """The configuration that trials change: a file of configs/train_model/."""
    overrides: tuple[str, ...] = ()
    """Changes of it for all trials: ``name=value``."""
    concurrent: int = Field(default=0, ge=0)
    """Trials at once; 0: as many as fit the cluster's processors, and its graphics cards where workers use them."""


class DecodingsConfig(Config):
    """A sweep over ways to read activations that are there already: each trial decodes and scores a development set."""

    truth: ReferenceConfig
    """The development set. Of a dataset: its validation split, never the test split."""
    system: SystemConfig
    """Whose ``activations``, and the ``decoding`` that trials change."""
    vocabulary: Literal["3", "5", "8", "12"] = "5"
    """Whose F-measure is the score."""
    mean: Literal["micro", "macro"] = "micro"
    """Of strokes, or of classes."""
    window_s: float = Field(default=0.05, gt=0, le=0.2)
    """How near a hit must be to a stroke to count as it [s]."""
    unmatched: Unmatched = "error"
    """As in an evaluation."""
    actors: int = Field(default=0, ge=0)
    """Processes that share the songs; 0: one a logical CPU of the cluster."""

    @model_validator(mode="after")
    def _on_development_data(self) -> Self:
        if self.truth.dataset and "test" in self.truth.splits:
            raise ValueError("truth.splits: what is chosen on the test split cannot be judged on it; use [validation]")
        if not self.system.activations or self.system.predictions:
            raise ValueError("system: set `activations`, and no `predictions`: only those can be decoded anew")
        return self


Space = Annotated[dict[str, ParameterConfig], Field(min_length=1)]


class SweepConfig(Config):
    """What is tried, how, and for how long."""

    name: str
    """The report's title."""
    output: str
    """Where trials, tables and the report go: a local folder or ``s3://bucket/prefix``."""
    space: Space
    """By dotted name of the configuration's key; of a list's items by number (``stages.0.schedule.peak``)."""
    train: TrainingsConfig | None = None
    """A sweep over trainings."""
    decode: DecodingsConfig | None = None
    """A sweep over decodings."""
    search: SearchConfig = SearchConfig()
    scheduler: SchedulerConfig = SchedulerConfig()
    """Of trainings."""
    budget: BudgetConfig = BudgetConfig()
    winner: str = ""
    """Where the best configuration goes; ``<output>/winner.yaml`` if empty."""
    ray: RayConfig = RayConfig()

    @model_validator(mode="after")
    def _fits(self) -> Self:
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
