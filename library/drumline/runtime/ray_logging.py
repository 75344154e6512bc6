"""Reduce Ray's console output to warnings and errors; Ray's log files keep everything."""

import logging
import os

import ray

WORKER_HOOK = "drumline.runtime.ray_logging.configure_worker"
"""Import path of `configure_worker`, which Ray runs at the start of each worker of a private cluster."""

_NO_DASHBOARD = "http://127.0.0.1:9"
"""Address of the discard port, on which nothing listens."""
_IRRELEVANT = ("Progress bars disabled", "_StatsActor.update_execution_metrics")
"""Messages about progress bars, which drumline replaces by its own, and about failing statistics."""


def reduce_ray_logging() -> None:
    """Reduce Ray's logging in this process. Call it after all imports of Ray, which set up its loggers."""
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setLevel(logging.WARNING)
            handler.addFilter(_is_relevant)
    for name in list(logging.root.manager.loggerDict):
        if name.endswith("ray/train/v2/_internal/execution/context.py"):  # so out of reach of Ray's LoggingConfig
            logging.getLogger(name).setLevel(logging.WARNING)
    # Ray Data's statistics forget a dataset whose reader was stopped, and fail on its last update.
    logging.getLogger("ray._private.worker").addFilter(_is_relevant)
    # It warns that a private cluster is protected by a token, which is as it should be.
    logging.getLogger("ray._private.authentication.authentication_token_setup").setLevel(logging.ERROR)


def configure_worker() -> None:
    """Reduce logging and set addresses in a new worker of a private cluster. Imports nothing slow."""
    # Ray Train's watchdog asks the dashboard every second whether the controller lives, and a private cluster has none.
    watchdog = "ray.train.v2._internal.execution.controller.placement_group_cleaner"
    logging.getLogger(watchdog).setLevel(logging.ERROR)
    # Without an address it looks for any cluster on the machine, and dies where there are two.
    os.environ.setdefault("RAY_ADDRESS", ray.get_runtime_context().gcs_address)
    # Nor may it find another cluster's dashboard, which knows no such controller: it would end a run that is well.
    os.environ["RAY_API_SERVER_ADDRESS"] = _NO_DASHBOARD


def _is_relevant(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not any(words in message for words in _IRRELEVANT)
