"""Original errors of workers, unwrapped from Ray's."""

from typing import Final

_RAY_DATA_ADVICE: Final = "\nFailed to apply UDF transform"
"""Ray Data appends this line and some advice to the message of an error, or replaces an OSError's file name by it."""


def unwrap_error(error: BaseException) -> BaseException:
    """Original exception that a worker raised.

    Parameters
    ----------
    error
        An error of Ray, whose ``cause`` may wrap others.
    """
    while isinstance(inner := getattr(error, "cause", None), BaseException):
        error = inner
    return error


def error_message(error: BaseException) -> str:
    """Message of the original exception, without Ray's additions."""
    cause = unwrap_error(error)
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return text.partition(_RAY_DATA_ADVICE)[0].strip() or type(cause).__name__
