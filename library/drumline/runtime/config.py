"""Configuration of a connection to Ray, readable where Ray is not installed."""

from typing import Literal

from drumline.core.config import Config


class RayConfig(Config):
    """Where and how wide to run."""

    address: str = ""
    """``auto`` or ``ray://...`` for a running cluster, ``local`` for a private one. Empty: RAY_ADDRESS, else local."""
    num_cpus: int | None = None
    """Logical CPUs of a private cluster; all of this machine if empty."""
    object_store_mb: int = 512
    """Object store of a private cluster [MiB]: rows are small, audio never passes through it."""
    listen: Literal["loopback", "all"] = "loopback"
    """Interfaces that the ports of a private cluster (Ray's own and its metrics) listen on: ``loopback`` or ``all``."""
