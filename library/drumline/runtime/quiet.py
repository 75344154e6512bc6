"""Ray's narration: dropped from the console, kept in Ray's own log files. Warnings and errors still reach both."""

import logging
import os

import ray

WORKER_HOOK = "drumline.runtime.quiet.quieten_worker"
"""`quieten_worker` by the name under which Ray runs it at the start of each worker of a private cluster."""


_NO_DASHBOARD = "http://127.0.0.1:9"
"""The port that discards: nobody answers."""
_NO_NEWS = ("Progress bars disabled", "_StatsActor.update_execution_metrics")
"""We disable them and show our own; and of statistics that fail (`quieten`) no user need hear."""


def quieten() -> None:
    """Quieten a process that has imported what it uses of Ray: imports set loggers up."""
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setLevel(logging.WARNING)
            handler.addFilter(_worth_telling)
    for name in list(logging.root.manager.loggerDict):
        if name.endswith("ray/train/v2/_internal/execution/context.py"):  # so out of reach of Ray's LoggingConfig
            logging.getLogger(name).setLevel(logging.WARNING)
    # Ray Data's statistics forget a dataset whose reader was stopped, and fail on what it still had to tell.
    logging.getLogger("ray._private.worker").addFilter(_worth_telling)
    # It warns that a private cluster is protected by a token, which is as it should be.
    logging.getLogger("ray._private.authentication.authentication_token_setup").setLevel(logging.ERROR)


def quieten_worker() -> None:
    """Quieten a worker of a private cluster before it does anything. Imports nothing that is slow."""
    # Ray Train's watchdog asks the dashboard every second whether the controller lives, and a private cluster has none.
    watchdog = "ray.train.v2._internal.execution.controller.placement_group_cleaner"
    logging.getLogger(watchdog).setLevel(logging.ERROR)
    # Without an address it looks for any cluster on the machine, and dies where there are two.
    os.environ.setdefault("RAY_ADDRESS", ray.get_runtime_context().gcs_address)
    # Nor may it find another cluster's dashboard, which knows no such controller: it would end a run that is well.
    os.environ["RAY_API_SERVER_ADDRESS"] = _NO_DASHBOARD


def _worth_telling(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not any(words in message for words in _NO_NEWS)
