"""drumline: from rhythm-game charts and recordings to drum-transcription data, models and charts.

The names below are imported when they are first used, so ``import drumline`` costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drumline.api.chart import Chart, read_chart
    from drumline.api.dataset import Dataset, Example
    from drumline.api.hits import Hits
    from drumline.api.transcription import Model, Transcription, load_model, transcribe

__version__ = "0.1.0"

__all__ = [
    "Chart",
    "Dataset",
    "Example",
    "Hits",
    "Model",
    "Transcription",
    "__version__",
    "load_model",
    "read_chart",
    "transcribe",
]

_MODULES = {
    "Chart": "chart",
    "Dataset": "dataset",
    "Example": "dataset",
    "Hits": "hits",
    "Model": "transcription",
    "Transcription": "transcription",
    "load_model": "transcription",
    "read_chart": "chart",
    "transcribe": "transcription",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'drumline' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"drumline.api.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
