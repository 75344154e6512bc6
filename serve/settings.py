"""Settings of an endpoint: model, limits, jobs, scaling. `args` of `config.yaml`, or options of `drumline serve`."""

from typing import Annotated, Literal

from pydantic import AliasChoices, Field

from drumline.core.artifacts import join
from drumline.core.config import Config


class Limits(Config):
    """Limits on requests; beyond them a request is refused with a 4xx status."""

    max_upload_mb: float = Field(default=100.0, gt=0)
    """Maximum size of an uploaded file [MB]."""
    max_folders: int = Field(default=4, ge=1)
    """Maximum number of clients that wait for a song folder (``format=folder``), per gateway replica; half as many for
    one client. Folders are encoded one at a time. Further requests get 429."""
    max_duration_s: float = Field(default=1800.0, gt=0)
    """Maximum duration of a recording [s]."""
    max_synchronous_s: float = Field(default=600.0, gt=0)
    """Maximum duration of a recording in a synchronous request [s]; longer ones need ``async=true``."""
    max_channels: int = Field(default=8, ge=1)
    """Maximum number of audio channels: a file of a few kilobytes can hold a thousand silent ones."""
    upload_timeout_s: float = Field(default=120.0, gt=0)
    """Time limit of an upload [s]."""
    idle_timeout_s: float = Field(default=10.0, gt=0)
    """Time limit for the next bytes of an upload [s]."""
    min_upload_kb_s: float = Field(default=8.0, ge=0)
    """Upload rate below which an upload loses its slot to the next one when all slots are taken [kB/s]."""
    max_uploads_per_client: int = Field(default=32, ge=1)
    """Maximum number of concurrent uploads per client and gateway replica. A client is an API key; without keys all
    requests count as one client."""
    work_timeout_s: float = Field(default=300.0, gt=0)
    """Time limit for decoding and inference [s]."""


class Jobs(Config):
    """Storage and retries of jobs: accepted recordings are files, so that they survive any process."""

    store: str
    """Folder that all replicas share, or any fsspec URI, used by nothing else."""
    keep_s: float = Field(default=3600.0, gt=0)
    """Time after which a recording and its result are removed [s]."""
    keep_edited_s: float = Field(default=30 * 86_400.0, gt=0)
    """Time after the last edit at which an edited transcription and its recording are removed [s]."""
    max_mb: float = Field(default=4000.0, gt=0)
    """Maximum size of all stored recordings [MB]. Beyond it, recordings of finished jobs are removed, the oldest of the
    largest client first; results stay. If none is finished, uploads get 429."""
    max_client_mb: float = Field(default=1000.0, gt=0)
    """Maximum size of the stored recordings of one client [MB], with the same rule. A client is an API key; without
    keys all requests count as one client."""
    max_waiting: int = Field(default=64, ge=1)
    """Maximum number of unfinished jobs per gateway replica; further requests get 429."""
    max_attempts: int = Field(default=3, ge=1)
    """Maximum number of attempts at a recording whose worker dies."""
    lease_s: float = Field(default=15.0, gt=0)
    """Time after which a job whose gateway no longer renews its lease is taken over by another [s]."""


class Replicas(Config):
    """Number, load and resources of the replicas of a deployment."""

    min_replicas: int = Field(default=1, ge=0)
    """Minimum number of replicas."""
    max_replicas: int = Field(default=2, ge=1)
    """Maximum number of replicas under load."""
    target_recordings: float = Field(default=4.0, gt=0)
    """Target number of concurrent requests per replica; a higher average starts another replica."""
    upscale_s: float = Field(default=10.0, ge=0)
    """Time of high load before another replica starts [s]."""
    downscale_s: float = Field(default=300.0, ge=0)
    """Time of low load before a replica stops [s]."""
    max_recordings: int = Field(default=8, ge=1)
    """Maximum number of concurrent requests per replica; bounds its memory."""
    num_cpus: float = Field(default=1.0, ge=0)
    """CPUs that Ray reserves for a replica."""
    num_gpus: float = Field(default=0.0, ge=0)
    """GPUs that Ray reserves for a replica."""
    drain_s: float = Field(default=60.0, ge=0)
    """Time in which a stopping replica may finish its requests [s]."""


class Batching(Config):
    """Batches of windows, shared by all recordings in a worker replica."""

    max_windows: int = Field(default=0, ge=0)
    """Maximum number of windows in a batch. 0 selects 16 on torch, 4 in an ONNX graph, and 1 in int8, whose activations
    would depend on the other windows of a batch."""
    wait_ms: float = Field(default=4.0, ge=0)
    """Time that the first window of a batch waits for others [ms]."""


class Settings(Config):
    """Settings of an endpoint."""

    model: str = ""
    """Model package: a folder, a URI, or the name of one that comes with drumline; if empty, the newest of these."""
    runtime: Literal["onnx", "torch"] = "onnx"
    """Inference runtime: ``onnx`` on the CPU; ``torch`` on a GPU (workers.num_gpus), or on the CPU if there is none."""
    precision: Literal["", "int8", "float32", "float16"] = ""
    """Precision of the ONNX graph; if empty, the fastest, as on the command line."""
    threads: int = Field(default=0, ge=0)
    """Inference threads per replica; 0 selects the default."""
    cache: str = ""
    """Folder or fsspec URI of cached activations; if empty, ``cache`` in the job store."""
    cache_mb: float = Field(default=2048.0, gt=0)
    """Maximum size of the activation cache [MB]."""
    host: str = "127.0.0.1"
    """Address on which `drumline serve` accepts connections; any but loopback needs API keys. (``serve deploy`` has its
    own setting.)"""
    keys_file: str = ""
    """File or URI of API keys, lines of ``name:sha256``; DRUMLINE_API_KEYS holds more. Without any key, only loopback
    is served."""
    cors_origins: tuple[str, ...] = ()
    """Other sites whose pages may call this endpoint."""
    limits: Limits = Limits()
    """Limits on requests."""
    jobs: Jobs
    """Storage and retries of jobs."""
    workers: Annotated[Replicas, Field(validation_alias=AliasChoices("workers", "listeners"))] = Replicas()
    """Worker replicas, which run the model. (Until 0.6: ``listeners``.)"""
    gateway: Annotated[Replicas, Field(validation_alias=AliasChoices("gateway", "front"))] = Replicas(
        max_replicas=1, target_recordings=64.0, max_recordings=512, num_cpus=0.1
    )
    """Gateway replicas, which serve HTTP, keep jobs and decode activations. (Until 0.6: ``front``.)"""
    batching: Batching = Batching()
    """Batches of windows."""

    @property
    def cache_uri(self) -> str:
        """Folder or URI of the activation cache."""
        return self.cache or join(self.jobs.store, "cache")

    @property
    def cache_bytes(self) -> int:
        """Maximum size of the activation cache [bytes]."""
        return int(self.cache_mb * 1_000_000)
