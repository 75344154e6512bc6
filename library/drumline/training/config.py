"""The configuration of a training run: `configs/train_model/*.yaml`."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from drumline.augmentation.augment import AugmentConfig
from drumline.augmentation.mixup import MixupConfig
from drumline.augmentation.spec_augment import SpecAugmentConfig
from drumline.core.config import Config, fingerprint
from drumline.dataset.sampling import SamplingConfig
from drumline.dataset.sampling_weights import WeightsConfig
from drumline.decoding.presets import Decoding
from drumline.decoding.strokes import DecodeConfig
from drumline.features.logmel import LogMelConfig
from drumline.labels.targets import LabelConfig
from drumline.model.config import ModelConfig
from drumline.model.losses import LossConfig
from drumline.runtime.config import RayConfig
from drumline.training.progress import StageConfig


class OptimiserConfig(Config):
    """How gradients become steps (AdamW)."""

    weight_decay: float = Field(default=1e-4, ge=0)
    """Decoupled weight decay."""
    clip_norm: float = Field(default=5.0, gt=0)
    """Greatest norm of the gradient of all parameters together."""
    accumulate: int = Field(default=1, ge=1)
    """Parts of a worker's batch that go through the network one after the other, to save memory. The gradient is that
    of the whole; batch norm sees each part by itself."""
    average: float = Field(default=0.0, ge=0, lt=1)
    """Decay a step of an exponential moving average of the weights, which is then what is judged; 0 for none."""


class WorkerConfig(Config):
    """Where it runs. Nothing here decides the weights, but for rounding and for what batch norm sees at once."""

    num_workers: int = Field(default=1, ge=1)
    """Processes that share each batch: its size must divide by their number."""
    use_gpu: bool = False
    """GPUs (nccl); else CPUs (gloo)."""
    num_gpus: float = Field(default=1.0, gt=0, le=1)
    """Share of a GPU of each worker; less than 1 lets several runs of one worker each share a card."""
    num_cpus: float = Field(default=1.0, gt=0)
    """CPUs of each worker."""
    threads: int = Field(default=1, ge=1)
    """Threads of each worker's arithmetic on CPUs."""
    loader_cpus: float = Field(default=0.5, gt=0)
    """CPUs of each task that loads windows."""
    max_failures: int = Field(default=3, ge=0)
    """Workers or nodes that may be lost before the run gives up."""
    precision: Literal["float32", "bf16", "fp16"] = "float32"
    """Of activations in the network: automatic mixed precision, fp16 with gradient scaling."""
    compile: bool = False
    """torch.compile the network: slower to start, faster to run."""

    @model_validator(mode="after")
    def _cards(self) -> Self:
        if self.num_gpus < 1 and self.num_workers > 1:
            raise ValueError("num_gpus: workers of one run cannot share a card (nccl); set num_workers 1")
        return self


class KeepConfig(Config):
    """What is kept of a run, and when."""

    every_steps: int = Field(default=200, ge=1)
    """Steps between checkpoints to go on from; each epoch's end makes one too."""
    best: int = Field(default=3, ge=1)
    """Checkpoints kept by score."""


class ValidationConfig(Config):
    """How an epoch is judged: on whole recordings, by their events."""

    split: str = "validation"
    """Split of the dataset."""
    max_recordings: int = Field(default=64, ge=1)
    """Recordings of that split, drawn once by song id."""
    max_seconds: float = Field(default=60.0, gt=0)
    """Of each recording, from its start [s]."""
    decoding: Decoding = DecodeConfig(threshold=0.3)
    """How activations become hits."""
    score: str = "f5_50"
    """What stages and the best checkpoints go by: any metric of `training.validation`, such as ``f12_30`` (12 classes,
    30 ms), ``f5_50``, ``recall_64th``, ``pr_auc``."""


class LogConfig(Config):
    """What is told of a run beside its checkpoints."""

    every_steps: int = Field(default=10, ge=1)
    """Steps of which one line tells the mean."""
    pictures: int = Field(default=2, ge=0)
    """Validation recordings that are drawn after each epoch, truth above prediction."""
    picture_seconds: float = Field(default=8.0, gt=0)
    """Of each, from its start [s]."""
    tensorboard: bool = True
    """Event files in ``tensorboard/``."""
    mlflow: str = ""
    """A tracking server's URI, or ``sqlite:///mlflow.db``; empty for none. Needs the extra ``mlflow``."""
    wandb: Literal["", "offline", "online"] = ""
    """Weights & Biases; offline, `wandb sync` can send the folder ``wandb/`` later. Needs the extra ``wandb``."""


class StartConfig(Config):
    """Weights to start from."""

    checkpoint: str = ""
    """A checkpoint's URI; a training run's output, then its best; a package's ``weights.npz``. Empty: at random."""
    strict: bool = True
    """Whether every weight must be there and fit; else what fits is taken, and the rest is told."""


class TrainConfig(Config):
    """Everything that decides a model, and how to train it."""

    name: str
    """What logs and the model card call it."""
    dataset: str
    """A dataset that `drumline build-dataset` built: a folder or ``s3://bucket/prefix``."""
    output: str
    """Where checkpoints, logs and metrics go."""
    seed: int = 0
    """Of weights, windows and dropout."""
    sampling: SamplingConfig = SamplingConfig()
    """Windows, batches and epochs. ``batch_size`` is over all workers; an epoch's end is a validation."""
    weights: WeightsConfig = WeightsConfig()
    """How windows are weighed, unless ``weights_file`` names a table of weights."""
    weights_file: str = ""
    """Weights that `drumline sampling-weights` wrote; made anew beside the checkpoints if empty."""
    hard_windows: str = ""
    """A file of passages to see more often (JSON Lines); empty for none."""
    stages: tuple[StageConfig, ...] = Field(min_length=1)
    """One after the other; each goes on with the weights of the one before."""
    model: ModelConfig = ModelConfig()
    features: LogMelConfig = LogMelConfig()
    labels: LabelConfig = LabelConfig()
    augment: AugmentConfig = AugmentConfig()
    spec_augment: SpecAugmentConfig = SpecAugmentConfig()
    mixup: MixupConfig = MixupConfig()
    losses: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    start: StartConfig = StartConfig()
    validation: ValidationConfig = ValidationConfig()
    keep: KeepConfig = KeepConfig()
    logs: LogConfig = LogConfig()
    workers: WorkerConfig = WorkerConfig()
    ray: RayConfig = RayConfig()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (size := self.sampling.batch_size) % self.workers.num_workers:
            raise ValueError(
                f"sampling.batch_size {size} must divide by workers.num_workers {self.workers.num_workers}"
            )
        if (self.model.bands, self.model.spectra) != (self.features.bands, self.features.channels):
            raise ValueError(
                f"model.bands {self.model.bands} and model.spectra {self.model.spectra} must be what features give: "
                f"{self.features.bands} and {self.features.channels}"
            )
        return self

    @property
    def max_epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    @property
    def recipe(self) -> dict[str, Any]:
        """The configuration less where it runs, what is kept and told: what decides the weights, with the dataset."""
        return self.model_dump(mode="json", exclude={"output", "dataset", "workers", "keep", "logs", "ray", "name"})

    def run_fingerprint(self, dataset: str) -> str:
        """Of the recipe and the dataset's own fingerprint: a run only goes on from its own checkpoints."""
        return fingerprint(self.recipe, dataset)
