"""The configuration of a training run: `configs/train_model/*.yaml`."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from drumline.augmentation.augment import AugmentConfig
from drumline.augmentation.mixup import MixupConfig
from drumline.augmentation.spec_augment import SpecAugmentConfig
from drumline.core.config import Config, fingerprint
from drumline.dataset.sampling import SamplingConfig
from drumline.dataset.sampling_weights import WeightsConfig
from drumline.decoding.config import DecodeConfig
from drumline.decoding.presets import Decoding
from drumline.features.logmel import LogMelConfig
from drumline.labels.targets import LabelConfig
from drumline.model.config import ModelConfig
from drumline.model.losses import LossConfig
from drumline.runtime.config import RayConfig
from drumline.training.progress import StageConfig


class OptimiserConfig(Config):
    """Optimiser (AdamW), gradient clipping and weight averaging."""

    weight_decay: float = Field(default=1e-4, ge=0)
    """Decoupled weight decay of AdamW."""
    clip_norm: float = Field(default=5.0, gt=0)
    """Maximum norm of the gradient over all parameters; larger gradients are scaled down."""
    accumulate: int = Field(default=1, ge=1)
    """Number of micro-batches into which a worker's batch is split to save memory. The gradient is that of the whole
    batch; batch norm normalises each micro-batch separately."""
    average: float = Field(default=0.0, ge=0, lt=1)
    """Decay per step of an exponential moving average of the weights, which is then validated and released; 0 disables
    it."""


class WorkerConfig(Config):
    """Workers and hardware. They change the weights only by rounding and by the batch size of batch norm."""

    num_workers: int = Field(default=1, ge=1)
    """Number of worker processes that share each batch; must divide ``sampling.batch_size``."""
    use_gpu: bool = False
    """Train on GPUs (nccl) instead of CPUs (gloo)."""
    num_gpus: float = Field(default=1.0, gt=0, le=1)
    """GPUs per worker; less than 1 lets several single-worker runs share a GPU."""
    num_cpus: float = Field(default=1.0, gt=0)
    """CPUs that Ray reserves for a worker."""
    threads: int = Field(default=1, ge=1)
    """CPU threads of a worker's tensor operations."""
    loader_cpus: float = Field(default=0.5, gt=0)
    """CPUs that Ray reserves for a task that loads windows."""
    max_failures: int = Field(default=3, ge=0)
    """Number of lost workers or nodes after which the run fails."""
    precision: Literal["float32", "bf16", "fp16"] = "float32"
    """Precision of the forward pass: automatic mixed precision with bf16 or fp16; fp16 uses gradient scaling."""
    compile: bool = False
    """Compile the network with torch.compile: slower start, faster steps."""

    @model_validator(mode="after")
    def _check_gpu_share(self) -> Self:
        if self.num_gpus < 1 and self.num_workers > 1:
            raise ValueError("num_gpus: workers of one run cannot share a GPU (nccl); set num_workers 1")
        return self


class KeepConfig(Config):
    """Checkpoints that a run keeps."""

    every_steps: int = Field(default=200, ge=1)
    """Steps between checkpoints for resuming; the end of each epoch saves one too."""
    best: int = Field(default=3, ge=1)
    """Number of checkpoints that are kept by validation score."""


class ValidationConfig(Config):
    """Validation after each epoch: recordings, decoding and score."""

    split: str = "validation"
    """Split of the dataset that is validated on."""
    max_recordings: int = Field(default=64, ge=1)
    """Maximum number of recordings, selected by song id, the same in every epoch."""
    max_seconds: float = Field(default=60.0, gt=0)
    """Validated part of each recording, from its start [s]."""
    decoding: Decoding = DecodeConfig(threshold=0.3)
    """Decoding of activations to hits."""
    score: str = "f5_50"
    """Metric that ends stages and ranks checkpoints: any of `training.validation`, such as ``f12_30`` (12 classes,
    30 ms), ``f5_50``, ``recall_64th``, ``pr_auc``."""


class LogConfig(Config):
    """Logs, pictures and experiment trackers of a run."""

    every_steps: int = Field(default=10, ge=1)
    """Steps per log line, which holds their mean loss."""
    pictures: int = Field(default=2, ge=0)
    """Number of validation recordings plotted after each epoch, reference above prediction."""
    picture_seconds: float = Field(default=8.0, gt=0)
    """Plotted part of each recording, from its start [s]."""
    tensorboard: bool = True
    """Write TensorBoard event files to ``tensorboard/``."""
    mlflow: str = ""
    """URI of an MLflow tracking server, or ``sqlite:///mlflow.db``; if empty, none. Needs the extra ``mlflow``."""
    wandb: Literal["", "offline", "online"] = ""
    """Log to Weights & Biases; offline runs in ``wandb/`` can be sent later by `wandb sync`. Needs the extra
    ``wandb``."""


class StartConfig(Config):
    """Initial weights of the network."""

    checkpoint: str = ""
    """URI of a checkpoint, of a training run's output (its best checkpoint), or of a package's ``weights.npz``. If
    empty, weights are initialised at random."""
    strict: bool = True
    """Require every weight to be present and of the right shape; otherwise load matching tensors and log the rest."""


class TrainConfig(Config):
    """Model, data and training of one run."""

    name: str
    """Name of the model in logs and on the model card."""
    dataset: str
    """Dataset built by `drumline build-dataset`: a folder or ``s3://bucket/prefix``."""
    output: str
    """Folder or URI for checkpoints, logs and metrics."""
    seed: int = 0
    """Random seed of initial weights, window sampling, augmentation and dropout."""
    sampling: SamplingConfig = SamplingConfig()
    """Windows, batches and epochs. ``batch_size`` is over all workers; each epoch ends with a validation."""
    weights: WeightsConfig = WeightsConfig()
    """Sampling weights of windows, unless ``weights_file`` names a table of weights."""
    weights_file: str = ""
    """Sampling weights written by `drumline sampling-weights`; if empty, computed beside the checkpoints."""
    hard_windows: str = ""
    """JSON Lines file of passages to sample more often; if empty, none."""
    stages: tuple[StageConfig, ...] = Field(min_length=1)
    """Training stages in order; each continues with the weights of the previous one."""
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
    def _check_consistency(self) -> Self:
        if (size := self.sampling.batch_size) % self.workers.num_workers:
            raise ValueError(
                f"sampling.batch_size {size} must divide by workers.num_workers {self.workers.num_workers}"
            )
        if (self.model.bands, self.model.spectra) != (self.features.bands, self.features.channels):
            raise ValueError(
                f"model.bands {self.model.bands} and model.spectra {self.model.spectra} must match the features: "
                f"{self.features.bands} and {self.features.channels}"
            )
        return self

    @property
    def max_epochs(self) -> int:
        """Maximum number of epochs over all stages."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def recipe(self) -> dict[str, Any]:
        """Configuration keys that determine the weights: all but output, hardware and logging."""
        return self.model_dump(mode="json", exclude={"output", "dataset", "workers", "keep", "logs", "ray", "name"})

    def run_fingerprint(self, dataset: str) -> str:
        """Fingerprint of the recipe and the dataset; a run resumes only from checkpoints with the same one."""
        return fingerprint(self.recipe, dataset)
