"""Configuration of a dataset build: `configs/build_dataset/*.yaml`."""

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
"""Version of song processing; raised when its results change, so that finished songs are processed again."""


class ShardConfig(Config):
    """Packing of recordings into training shards."""

    payload: Literal["flac", "logmel"] = "flac"
    """Stored audio: ``flac`` (needed for augmentation) or ``logmel`` features (smaller, faster to load)."""
    target_mb: float = Field(default=128.0, gt=0)
    """Target size of a shard [MiB of payload]; a shard holds at least one recording."""
    hops: tuple[int, ...] = (128, 64)
    """Hop sizes of stored label grids [samples at 22,050 Hz]; empty for none."""
    logmel: LogMelConfig = LogMelConfig()


class RunConfig(Config):
    """Run settings of a build; none changes the dataset's bytes."""

    max_attempts: int = Field(default=3, ge=1)
    """Number of attempts at a song whose worker crashes or times out before it is rejected."""
    song_timeout_s: float = Field(default=600.0, gt=0)
    """Time limit for processing one song without separation [s]."""
    separation_timeout_s: float = Field(default=3600.0, gt=0)
    """Time limit for separating one song [s]; on a CPU separation takes about as long as the song lasts."""
    max_failed_fraction: float = Field(default=0.5, ge=0, le=1)
    """Largest share of songs that may be unreadable, crash, time out or fail unexpectedly. Above it the run itself is
    taken
    to be at fault (storage, memory, a defect): it ends with an error and publishes nothing."""
    allow_empty: bool = False
    """Publish a dataset without songs; otherwise a build that rejects every song ends with an error."""
    retry_rejected: bool = False
    """Process songs again that an earlier run rejected; other finished songs are reused."""
    keep_work: bool = True
    """Keep finished songs beside the dataset, so that a later build with more songs reuses them."""
    ray: RayConfig = RayConfig()


class BuildConfig(Config):
    """Songs, processing, splits, shards and run settings of a dataset build."""

    name: str
    """Name of the dataset, shown on its card."""
    roots: tuple[RootConfig, ...] = Field(min_length=1)
    """Folders, archives and buckets to search for songs."""
    output: str
    """Location of the dataset: a local folder or ``s3://bucket/prefix``."""
    previous: str = ""
    """Earlier dataset whose songs keep their splits; if empty, the dataset in ``output``, if any."""
    work: str = ""
    """Location of unfinished work and separated stems; ``<output>/_work`` if empty."""
    difficulty: Literal["expert", "hard", "medium", "easy"] = "expert"
    """Difficulty of game charts to use; lower difficulties omit notes."""
    transcriptions: Literal["skip", "include"] = "skip"
    """Charts that carry drumline's transcription mark: ``skip`` rejects them, ``include`` uses them as pseudo-labels
    (``evidence`` is ``transcription``)."""
    domains: Literal["best", "all"] = "best"
    """Recordings per song: ``purest`` keeps the one with the least other sound, ``all`` keeps every one."""
    render_missing: bool = False
    """Render charts without audio on a synthesised kit, as domain ``rendered``, instead of rejecting them."""
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
        """Fingerprint of all settings that affect song processing, except the separator."""
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
        """Fingerprint of all settings that affect the dataset's bytes."""
        return fingerprint(str(PRODUCT_VERSION), self.recipe)

    @property
    def recipe(self) -> dict[str, Any]:
        """Configuration without locations and run settings, as stored in the manifest."""
        elsewhere = {"run", "output", "work", "previous", "roots"}
        hardware = {"weights", "download", "device", "batch_size", "num_cpus", "num_gpus", "num_actors", "cache"}
        tree = self.model_dump(mode="json", exclude=elsewhere)
        tree["separation"] = {key: value for key, value in tree["separation"].items() if key not in hardware}
        roots = [(root.label, root.kind, root.class_order) for root in self.roots]
        return tree | {"roots": [list(root) for root in sorted(roots)]}
