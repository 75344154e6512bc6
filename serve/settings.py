"""What an endpoint is: model, limits, jobs, scaling. `args` of `config.yaml`, or what `drumline serve` was told."""

from typing import Literal

from pydantic import Field

from drumline.core.artifacts import join
from drumline.core.config import Config


class Limits(Config):
    """What strangers may send. Beyond it they are told so, in a 4xx."""

    max_upload_mb: float = Field(default=100.0, gt=0)
    """Of a file, as it is sent [MB]."""
    max_folders: int = Field(default=4, ge=1)
    """Song folders (``format=folder``) that are waited for, for each replica of the front, one of which is encoded at a
    time; half as many of one client. More are answered 429."""
    max_duration_s: float = Field(default=1800.0, gt=0)
    """Of a recording, decoded [s]."""
    max_synchronous_s: float = Field(default=600.0, gt=0)
    """Of a recording that is answered at once [s]; a longer one asks with ``async=true``."""
    max_channels: int = Field(default=8, ge=1)
    """Of a recording: a file of a few kilobytes can hold a thousand silent ones."""
    upload_timeout_s: float = Field(default=120.0, gt=0)
    """For a whole upload [s]."""
    idle_timeout_s: float = Field(default=10.0, gt=0)
    """For the next bytes of an upload [s]."""
    min_upload_kb_s: float = Field(default=8.0, ge=0)
    """Rate below which an upload gives its place to the next one where places are short [kB/s]."""
    max_uploads_per_client: int = Field(default=32, ge=1)
    """Uploads of one client (an API key; without keys all are one) under way at once, for each front replica."""
    work_timeout_s: float = Field(default=300.0, gt=0)
    """For decoding and listening [s]."""


class Jobs(Config):
    """Accepted recordings: files in one place, so that they outlive any process."""

    store: str
    """Where they are: a folder that all replicas share, or any fsspec URI. Nobody else should write there."""
    keep_s: float = Field(default=3600.0, gt=0)
    """How long a recording and its result are kept [s]."""
    max_mb: float = Field(default=4000.0, gt=0)
    """Recordings kept in all [MB]. Beyond it those of finished transcriptions go, the oldest of whoever has most first;
    results stay. Where that makes no room, newcomers are answered 429."""
    max_client_mb: float = Field(default=1000.0, gt=0)
    """Recordings kept of one client (an API key; without keys all are one) [MB], in the same way."""
    max_waiting: int = Field(default=64, ge=1)
    """Accepted and not finished, for each replica of the front: more are answered 429."""
    max_attempts: int = Field(default=3, ge=1)
    """How often a recording is tried whose replica dies."""
    lease_s: float = Field(default=15.0, gt=0)
    """How long after its replica was last heard of a job is taken over by another [s]."""


class Replicas(Config):
    """How many listen, on what."""

    min_replicas: int = Field(default=1, ge=0)
    """Always there."""
    max_replicas: int = Field(default=2, ge=1)
    """At most, under load."""
    target_recordings: float = Field(default=4.0, gt=0)
    """In each replica at once, on average: more of them start another replica."""
    upscale_s: float = Field(default=10.0, ge=0)
    """How long there must be too many before another replica starts [s]."""
    downscale_s: float = Field(default=300.0, ge=0)
    """How long there must be too few before a replica goes [s]."""
    max_recordings: int = Field(default=8, ge=1)
    """In each replica at once; this bounds its memory."""
    num_cpus: float = Field(default=1.0, ge=0)
    """Of each replica, as Ray counts."""
    num_gpus: float = Field(default=0.0, ge=0)
    """Of each replica."""
    drain_s: float = Field(default=60.0, ge=0)
    """What a replica that is to go may still take for what it has begun [s]."""


class Batching(Config):
    """Windows of all recordings in a replica, heard together."""

    max_windows: int = Field(default=0, ge=0)
    """At once. 0: 16 on torch, 4 in a graph, but 1 in int8, whose answers would depend on who shares the call."""
    wait_ms: float = Field(default=4.0, ge=0)
    """How long the first of a batch waits for others [ms]."""


class Settings(Config):
    """An endpoint."""

    model: str = ""
    """A model package: a folder, a URI, or the name of one that comes with drumline; the newest of these if empty."""
    runtime: Literal["onnx", "torch"] = "onnx"
    """``onnx`` is the CPU's, ``torch`` a graphics card's (listeners.num_gpus), or the CPU's where there is none."""
    precision: Literal["", "int8", "float32", "float16"] = ""
    """Of an ONNX graph; the fastest if empty, as on the command line."""
    threads: int = Field(default=0, ge=0)
    """Of arithmetic in a replica; 0 for the usual number."""
    cache: str = ""
    """Where activations are kept, a folder or any fsspec URI; ``cache`` in the store if empty."""
    cache_mb: float = Field(default=2048.0, gt=0)
    """At most so much of them [MB]."""
    host: str = "127.0.0.1"
    """Where `drumline serve` listens: anything but loopback needs keys. (``serve deploy`` has its own.)"""
    keys_file: str = ""
    """A file or URI of API keys, a line ``name:sha256`` each; DRUMLINE_API_KEYS holds more. Without any, only loopback
    is answered."""
    cors_origins: tuple[str, ...] = ()
    """Other sites whose pages may call this endpoint."""
    limits: Limits = Limits()
    """What strangers may send."""
    jobs: Jobs
    """Accepted recordings."""
    listeners: Replicas = Replicas()
    """Replicas with the model."""
    front: Replicas = Replicas(max_replicas=1, target_recordings=64.0, max_recordings=512, num_cpus=0.1)
    """Replicas that speak HTTP, decode activations and keep jobs."""
    batching: Batching = Batching()
    """Windows heard together."""

    @property
    def cache_uri(self) -> str:
        """Where activations are."""
        return self.cache or join(self.jobs.store, "cache")

    @property
    def cache_bytes(self) -> int:
        return int(self.cache_mb * 1_000_000)
