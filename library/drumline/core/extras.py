"""The optional dependencies: which extra of drumline brings a module that is not installed."""

from typing import Final

_EXTRAS: Final = {
    "aiobotocore": "cluster",
    "botocore": "cluster",
    "demucs": "separation",
    "fastapi": "serve",
    "mlflow": "mlflow",
    "onnx": "export",
    "optuna": "tune",
    "pooch": "cluster",
    "pyarrow": "cluster",
    "python_stretch": "train",
    "ray": "cluster",
    "requests": "serve",
    "s3fs": "cluster",
    "starlette": "serve",
    "tensorboardX": "train",
    "threadpoolctl": "cluster",
    "torch": "train",
    "wandb": "wandb",
}
"""Top-level module -> the smallest extra that brings it."""


def advice(module: str | None) -> str:
    """How to install the extra of a missing module, in one line; empty if no extra brings the module.

    Examples
    --------
    >>> advice("torch.nn")
    "needs torch, which this installation lacks: pip install 'drumline[train]'"
    >>> advice("drumline.nothing")
    ''
    """
    root = (module or "").split(".")[0]
    extra = _EXTRAS.get(root)
    return f"needs {root}, which this installation lacks: pip install 'drumline[{extra}]'" if extra else ""
