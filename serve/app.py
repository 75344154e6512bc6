"""The application that Ray Serve runs: `application`, imported as ``serve.app:application``."""

import os
from typing import Any, Final

from fastapi import FastAPI
from ray import serve
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import LoggingConfig

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from serve.gateway import Gateway
from serve.keys import VARIABLE, is_loopback, read_keys
from serve.model import open_model
from serve.routes import build_application
from serve.settings import Replicas, Settings
from serve.worker import Worker

_LOOK_BACK_S: Final = 15.0
"""Averaging time of Serve's load measurement [s]; replicas report every ten seconds."""


class HttpGateway(Gateway):
    """A gateway replica with its HTTP application."""

    def __serve_build_asgi_app__(self) -> FastAPI:
        return build_application(self, self.lifespan)


def application(args: dict[str, Any]) -> serve.Application:
    """Build the deployments of an endpoint.

    Parameters
    ----------
    args
        Keys of `Settings`.

    Raises
    ------
    ConfigError
        Invalid settings, a missing model package, or no API keys beyond loopback.
    """
    settings = parse_config(Settings, args, "serve")
    if not read_keys(settings.keys_file, os.environ) and not is_loopback(settings.host):
        raise ConfigError(f"{settings.host}: beyond this machine, API keys are needed (keys_file, or {VARIABLE})")
    open_model(settings)  # report a faulty package here, not from replicas that restart for ever
    worker = serve.deployment(Worker, name="Worker", **_options(settings.workers))
    gateway = serve.deployment(serve.ingress()(HttpGateway), name="Gateway", **_options(settings.gateway))
    return gateway.bind(settings, worker.bind(settings))


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
        "max_queued_requests": -1,  # the gateway's dispatcher limits the queue and sends Retry-After
        "ray_actor_options": {"num_cpus": replicas.num_cpus, "num_gpus": replicas.num_gpus},
        "graceful_shutdown_timeout_s": replicas.drain_s,
        "graceful_shutdown_wait_loop_s": 0.5,
        "health_check_period_s": 5,
        "health_check_timeout_s": 120,  # a busy machine is no reason to kill a replica and its jobs
        "logging_config": LoggingConfig(log_level="WARNING", enable_access_log=False),
    }
