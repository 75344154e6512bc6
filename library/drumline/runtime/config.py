"""Configuration of a connection to Ray, readable where Ray is not installed."""

from typing import Literal

from drumline.core.config import Config


class RayConfig(Config):
    """Ray cluster of a run: its address, or the size of a private one."""

    address: str = ""
    """Address of the Ray cluster: ``auto`` or ``ray://...`` for a running one, ``local`` for a private one. If empty,
    RAY_ADDRESS, else ``local``."""
    num_cpus: int | None = None
    """Logical CPUs of a private cluster; if empty, all CPUs of this machine."""
    object_store_mb: int = 512
    """Size of a private cluster's object store [MiB]. Audio never passes through it."""
    listen: Literal["loopback", "all"] = "loopback"
    """Interfaces on which a private cluster's ports (Ray's and its metrics) listen: ``loopback`` or ``all``."""
