"""What was raised, out of what Ray makes of it."""


def cause_of(error: BaseException) -> BaseException:
    """What a worker raised."""
    while isinstance(inner := getattr(error, "cause", None), BaseException):
        error = inner
    return error
