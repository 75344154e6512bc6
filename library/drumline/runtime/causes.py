"""What was raised, out of what Ray makes of it."""

from typing import Final

_ADDED: Final = "\nFailed to apply UDF transform"
"""Ray Data puts this and some advice behind the text of an error; where an OSError would name a file, instead of it."""


def cause_of(error: BaseException) -> BaseException:
    """What a worker raised."""
    while isinstance(inner := getattr(error, "cause", None), BaseException):
        error = inner
    return error


def text_of(error: BaseException) -> str:
    """What a worker said."""
    cause = cause_of(error)
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return text.partition(_ADDED)[0].strip() or type(cause).__name__
