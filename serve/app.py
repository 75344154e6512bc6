"""The application that Ray Serve runs: `application`, by the name ``serve.app:application``."""

import os
from typing import Any, Final

from ray import serve
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import LoggingConfig

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from serve.front import Front
from serve.keys import VARIABLE, is_loopback, read_keys
from serve.listener import Listener
from serve.model import open_model
from serve.settings import Replicas, Settings

_LOOK_BACK_S: Final = 15.0
"""Over which Serve averages how much there is to do. It is told every ten seconds."""


def application(args: dict[str, Any]) -> serve.Application:
    """The deployments of `Settings`. Raises ConfigError for settings that cannot be."""
    settings = parse_config(Settings, args, "serve")
    if not read_keys(settings.keys_file, os.environ) and not is_loopback(settings.host):
        raise ConfigError(f"{settings.host}: beyond this machine, API keys are needed (keys_file, or {VARIABLE})")
    open_model(settings)  # what is wrong with it is told here, and not by replicas that start again and again
    listener = serve.deployment(Listener, name="Listener", **_options(settings.listeners))
    front = serve.deployment(serve.ingress()(Front), name="Front", **_options(settings.front))
    return front.bind(settings, listener.bind(settings))


def _options(replicas: Replicas) -> dict[str, Any]:
    return {
        "autoscaling_config": AutoscalingConfig(
            min_replicas=replicas.min_replicas,
            max_replicas=replicas.max_replicas,
            target_ongoing_requests=replicas.target_recordings,
            upscale_delay_s=replicas.upscale_s,
            downscale_delay_s=replicas.downscale_s,
            look_back_period_s=_LOOK_BACK_S,
        ),
        "max_ongoing_requests": replicas.max_recordings,
        "max_queued_requests": -1,  # the front's desk bounds what waits, and says when to come back
        "ray_actor_options": {"num_cpus": replicas.num_cpus, "num_gpus": replicas.num_gpus},
        "graceful_shutdown_timeout_s": replicas.drain_s,
        "graceful_shutdown_wait_loop_s": 0.5,
        "health_check_period_s": 5,
        "health_check_timeout_s": 120,  # a busy machine is no reason to kill a replica with what it works on
        "logging_config": LoggingConfig(log_level="WARNING", enable_access_log=False),
    }
