"""The configuration of a dataset build: `configs/build_dataset/*.yaml`."""

from typing import Any, Literal

from pydantic import Field

from drumline.alignment.align import AlignmentConfig
from drumline.audio.decode import AudioConfig
from drumline.audio.separation.protocol import SeparationConfig
from drumline.core.artifacts import join
from drumline.core.config import Config, fingerprint
from drumline.dataset.duplicates import DuplicateConfig
from drumline.dataset.sources import RootConfig
from drumline.dataset.splits import SplitConfig
from drumline.features.logmel import LogMelConfig
from drumline.labels.targets import LabelConfig
from drumline.runtime.config import RayConfig

PRODUCT_VERSION = 4
"""Raised whenever the work on one song changes its result: finished songs are then done again."""


class ShardConfig(Config):
    """How recordings are packed."""

    payload: Literal["flac", "logmel"] = "flac"
    """``flac`` keeps audio (augmentation needs it), ``logmel`` keeps features (smaller jobs start faster)."""
    target_mb: float = Field(default=128.0, gt=0)
    """Size to aim at [MiB of payload]; a shard holds at least one recording."""
    hops: tuple[int, ...] = (128, 64)
    """Label grids to store [samples at 22,050 Hz]."""
    logmel: LogMelConfig = LogMelConfig()


class RunConfig(Config):
    """How to run. Nothing here changes a byte of the dataset."""

    max_attempts: int = Field(default=3, ge=1)
    """Workers that one song may cost before it is rejected."""
    song_timeout_s: float = Field(default=600.0, gt=0)
    """The longest that one song may take [s], its separation apart."""
    separation_timeout_s: float = Field(default=3600.0, gt=0)
    """The longest that the separation of one song may take [s]: on a CPU about as long as the song."""
    max_failed_fraction: float = Field(default=0.5, ge=0, le=1)
    """Of all songs, those that may be unreadable, crash, time out or fail unforeseen. More is the run's own trouble
    (storage, memory, a defect): it ends with an error, and publishes nothing."""
    allow_empty: bool = False
    """Publish a dataset without a song; else a build that rejects every song ends with an error."""
    retry_rejected: bool = False
    """Try again what an earlier run rejected, and nothing else that is finished."""
    keep_work: bool = True
    """Keep finished songs beside the dataset, so that a later build with more songs reuses them."""
    ray: RayConfig = RayConfig()


class BuildConfig(Config):
    """Everything that decides a dataset, and how to run the build."""

    name: str
    """What the dataset card calls it."""
    roots: tuple[RootConfig, ...] = Field(min_length=1)
    """Where songs are."""
    output: str
    """Where the dataset goes: a local folder or ``s3://bucket/prefix``."""
    previous: str = ""
    """A finished dataset whose songs keep their splits; the one in ``output``, if any, when empty."""
    work: str = ""
    """Where unfinished work and separated stems are kept; ``<output>/_work`` if empty."""
    difficulty: Literal["expert", "hard", "medium", "easy"] = "expert"
    """Which difficulty of a game chart is the performance. Lower ones leave notes out."""
    transcriptions: Literal["skip", "include"] = "skip"
    """Charts that drumline transcribed, which their mark tells: ``skip`` rejects them, ``include`` takes them as
    pseudo-labels (``evidence`` is ``transcription``) of recordings that nobody charted."""
    domains: Literal["best", "all"] = "best"
    """Keep the purest recording of each song, or every one (training mixes them)."""
    render_missing: bool = False
    """Play charts without audio on a synthesised kit, as domain ``rendered``, instead of rejecting them."""
    audio: AudioConfig = AudioConfig()
    separation: SeparationConfig = SeparationConfig()
    alignment: AlignmentConfig = AlignmentConfig()
    labels: LabelConfig = LabelConfig()
    duplicates: DuplicateConfig = DuplicateConfig()
    splits: SplitConfig = SplitConfig()
    shards: ShardConfig = ShardConfig()
    run: RunConfig = RunConfig()

    @property
    def work_uri(self) -> str:
        return self.work or join(self.output, "_work")

    @property
    def song_fingerprint(self) -> str:
        """Of all that decides the work on one song, but the separator: what is finished under it stays finished."""
        return fingerprint(
            str(PRODUCT_VERSION),
            self.difficulty,
            self.transcriptions,
            self.domains,
            str(self.render_missing),
            self.audio,
            str(self.separation.gate_db),
            self.alignment,
        )

    @property
    def dataset_fingerprint(self) -> str:
        """Of all that decides the dataset's bytes, besides the songs themselves."""
        return fingerprint(str(PRODUCT_VERSION), self.recipe)

    @property
    def recipe(self) -> dict[str, Any]:
        """The configuration less where and how it runs: what belongs in the manifest."""
        elsewhere = {"run", "output", "work", "previous", "roots"}
        hardware = {"weights", "download", "device", "batch_size", "num_cpus", "num_gpus", "num_actors", "cache"}
        tree = self.model_dump(mode="json", exclude=elsewhere)
        tree["separation"] = {key: value for key, value in tree["separation"].items() if key not in hardware}
        roots = [(root.label, root.kind, root.class_order) for root in self.roots]
        return tree | {"roots": [list(root) for root in sorted(roots)]}
