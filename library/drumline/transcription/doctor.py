"""`drumline doctor`: what is installed, which model, on what; what is missing and how to get it. Imports none of it."""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from drumline import __version__
from drumline.audio.separation.weights import VARIABLE
from drumline.core.errors import DrumlineError
from drumline.decoding.model_package import find_package, read_package


@dataclass(frozen=True)
class Finding:
    """One line."""

    what: str
    state: str
    """``ok``, ``absent`` (nobody needs it for transcribing) or ``missing``."""
    detail: str
    """State of the part, or how to install it."""


_MODULES = {
    "numpy": ("numpy", "transcribing", "drumline"),
    "scipy": ("scipy", "transcribing", "drumline"),
    "soundfile": ("soundfile", "reading WAV, FLAC and Ogg", "drumline"),
    "av": ("av", "reading MP3, AAC and other audio", "drumline"),
    "soxr": ("soxr", "reading audio", "drumline"),
    "onnxruntime": ("onnxruntime", "transcribing with a model", "onnxruntime"),
    "torch": ("torch", "training and exporting", "drumline[train]"),
    "ray": ("ray", "datasets, training and serving", "drumline[cluster]"),
    "onnx": ("onnx", "exporting", "drumline[export]"),
    "demucs": ("demucs", "separating drums on torch", "drumline[separation]"),
}
"""Module -> its distribution, what it is for, and what to install."""
_NEEDED = ("numpy", "scipy", "soundfile", "av", "soxr", "onnxruntime")


def examine(model: str = "") -> Iterator[Finding]:
    """All findings, in the order they are told; ``model`` as in `decoding.model_package.find_package`."""
    yield Finding("drumline", "ok", f"{__version__}, Python {platform.python_version()}, {platform.machine()}")
    for module, (distribution, purpose, wanted) in _MODULES.items():
        yield _module(module, distribution, purpose, wanted)
    yield _model(model)
    yield _device()
    yield _separator()


def _module(module: str, distribution: str, purpose: str, wanted: str) -> Finding:
    if find_spec(module) is None:
        state = "missing" if module in _NEEDED else "absent"
        return Finding(module, state, f"for {purpose}: pip install '{wanted}'")
    try:
        return Finding(module, "ok", version(distribution))
    except PackageNotFoundError:
        return Finding(module, "ok", "of unknown version")


def _model(wanted: str) -> Finding:
    try:
        folder = find_package(wanted)
        package = read_package(folder)
    except DrumlineError as error:
        return Finding("model", "missing", str(error))
    detail = f"{package.name} {package.version} ({', '.join(package.precisions)}), preset {package.preset}: {folder}"
    return Finding("model", "ok", detail)


def _device() -> Finding:
    """Device of transcription on the command line: always the CPU."""
    return Finding("device", "ok", f"CPU, {os.cpu_count()} processors; onnxruntime uses up to 2 of them")


def _separator() -> Finding:
    named = os.environ.get(VARIABLE, "")
    if named and os.path.exists(named):
        return Finding("separator", "ok", f"{named} ({VARIABLE})")
    hint = f"for --stem separate: set {VARIABLE} to htdemucs' weights (.onnx)"
    return Finding("separator", "absent", f"{named} does not exist; {hint}" if named else hint)
