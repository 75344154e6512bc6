"""The named ways to read activations: the files in ``presets/`` beside this module, or a file of the user's own."""

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from drumline.core.config import load_config
from drumline.core.errors import ConfigError
from drumline.decoding.config import DecodeConfig

PRESETS: Final = ("default", "conservative", "aggressive")
"""Those that any package can be read by."""
MICRO: Final = "micro"
"""The one that needs a package with a micro model."""

_FOLDER: Final = Path(__file__).parent / "presets"


def load_preset(name: str) -> DecodeConfig:
    """A preset by its name, or the YAML file of that path. Raises ConfigError where there is neither."""
    if name in (*PRESETS, MICRO):
        return load_config(DecodeConfig, _FOLDER / f"{name}.yaml")
    if name.endswith((".yaml", ".yml")):
        return load_config(DecodeConfig, name)
    raise ConfigError(f"preset {name!r} is not one of {', '.join((*PRESETS, MICRO))}, nor a .yaml file")


def _loaded(value: Any) -> Any:
    return load_preset(value) if isinstance(value, str) else value


Decoding = Annotated[DecodeConfig, BeforeValidator(_loaded)]
"""In a configuration: the name of a preset, or the keys themselves."""
