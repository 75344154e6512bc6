"""The configuration of a library job: `configs/transcribe_library/*.yaml`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from drumline.core.artifacts import join
from drumline.core.config import Config
from drumline.decoding.cache import CacheConfig
from drumline.runtime.config import RayConfig
from drumline.transcription.engine import Runtime
from drumline.transcription.formats.registry import named
from drumline.transcription.quantise import QuantiseConfig
from drumline.transcription.sources import Stem


class SharedCacheConfig(CacheConfig):
    """Where what the model said is kept, so that another preset or format never listens again."""

    uri: str = ""
    """A local folder or ``s3://bucket/prefix``, which other jobs and the endpoint may share; ``<output>/_work/cache``
    if empty."""


class WorkersConfig(Config):
    """The pool of workers, each with the model in memory. Nothing here changes a hit."""

    runtime: Runtime = "onnx"
    """``onnx`` on CPUs, ``torch`` on graphics cards."""
    num_workers: int = Field(default=0, ge=0)
    """As many as the cluster's processors, or graphics cards, allow if 0."""
    num_cpus: float = Field(default=1.0, gt=0)
    """Logical CPUs of a worker."""
    num_gpus: float = Field(default=0.0, ge=0)
    """Graphics cards of a worker; below 1 they share one."""
    threads: int = Field(default=1, ge=1)
    """Arithmetic threads of a worker on CPUs."""
    readers: int = Field(default=0, ge=0)
    """Threads that decode audio and make features ahead of the model; about ``num_cpus`` where it runs on a card."""
    together: int = Field(default=32, ge=1)
    """Pieces of any songs that torch is given in a call. onnxruntime takes them alone."""
    songs_a_call: int = Field(default=8, ge=1)
    """Songs that a worker takes at a time, at most."""


class LibraryRunConfig(Config):
    """How to run."""

    max_attempts: int = Field(default=2, ge=1)
    """Workers that one song may cost, by itself, before it is rejected."""
    song_timeout_s: float = Field(default=1800.0, gt=0)
    """The longest that one song may take [s]."""
    retry_rejected: bool = False
    """Try again what an earlier run rejected."""
    overwrite: bool = False
    """Replace files under the results' names that drumline did not write, or that were changed since."""
    ray: RayConfig = RayConfig()


class LibraryConfig(Config):
    """A library of songs, and what is to become of each."""

    library: str
    """Where the songs are: a local folder or ``s3://bucket/prefix``, searched with all that is below."""
    output: str
    """Where results go: a local folder or ``s3://bucket/prefix``."""
    songs: Literal["files", "folders"] = "files"
    """``files``: each audio file is a song. ``folders``: each folder with audio is one, as games keep them."""
    stem: Stem = "auto"
    """Audio of a song folder: its drum stems if it has any (``auto``), or everything (``mix``); ``separate``: the drums
    that a separator extracts from the mix, with the weights that DRUMLINE_SEPARATOR_WEIGHTS names, which every worker
    must see. As slow as the songs are long; each worker then holds 1.5 to 3.5 GB."""
    formats: tuple[str, ...] = ("midi",)
    """Formats that are written for each song: midi, json, csv, jams, labels, chart, mid, bsm; if none, only the
    table."""
    model: str = ""
    """A model package: a folder that every worker finds, a URI, or the name of one that comes with drumline; the newest
    of these if empty."""
    precision: Literal["", "int8", "float32", "float16"] = ""
    """Precision of the package's graph; the fastest if empty."""
    preset: str = ""
    """``default``, ``conservative``, ``aggressive``, or a YAML file; the package's own if empty."""
    grid: QuantiseConfig | None = None
    """Where hits are moved to; left where they were heard if absent."""
    cache: SharedCacheConfig = SharedCacheConfig()
    workers: WorkersConfig = WorkersConfig()
    node_price_an_hour: float = Field(default=0.0, ge=0)
    """Price of a node of the cluster per hour, in any currency; 0 reports no costs."""
    run: LibraryRunConfig = LibraryRunConfig()

    @model_validator(mode="after")
    def _known_formats(self) -> Self:
        for name in self.formats:
            named(name)
        return self

    @property
    def work_uri(self) -> str:
        return join(self.output, "_work")

    @property
    def stems_uri(self) -> str:
        """Where separated drums are kept, in 16 bits: some 10 MB a song."""
        return join(self.work_uri, "stems")

    @property
    def kept(self) -> CacheConfig:
        """The cache, wherever it is."""
        return self.cache.model_copy(update={"uri": self.cache.uri or join(self.work_uri, "cache")})
