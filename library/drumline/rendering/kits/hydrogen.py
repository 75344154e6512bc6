"""Hydrogen drumkits: a folder with ``drumkit.xml`` and its samples (hydrogen-music.org).

Three generations are read: one ``filename`` an instrument; ``layer`` elements; and layers inside
``instrumentComponent`` elements, which are microphones that sound together. Layers are laid over velocities 0 to 1;
where they overlap they take turns. All gains multiply: layer, component, instrument gain, instrument volume.
"""

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Final

from drumline.core.errors import ConfigError
from drumline.rendering.kits.instrument import Instrument, Region
from drumline.rendering.kits.recording import Sound

_VELOCITY_DB: Final = 20.0  # Hydrogen multiplies by the velocity


@dataclass(frozen=True)
class Drumkit:
    """Contents of a ``drumkit.xml``."""

    name: str
    author: str
    licence: str
    instruments: tuple[Instrument, ...]


def read_drumkit(data: bytes, location: str) -> Drumkit:
    """The kit. Raises ConfigError with the place where the file is damaged."""
    try:
        root = ElementTree.fromstring(data.strip())
    except ElementTree.ParseError as error:
        raise ConfigError(f"{location}: not XML ({error})") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # newer files have a namespace, older ones none
    try:
        volumes = {_text(each, "id"): _number(each, "volume", 1.0) for each in root.iterfind(".//drumkitComponent")}
        instruments = [_instrument(each, volumes) for each in root.iterfind(".//instrument")]
    except ValueError as error:
        raise ConfigError(f"{location}: {error}") from error
    return Drumkit(
        name=_text(root, "name"),
        author=_text(root, "author"),
        licence=_text(root, "license") or _text(root, "licence"),
        instruments=tuple(instrument for instrument in instruments if instrument.regions),
    )


def _instrument(element: ElementTree.Element, volumes: dict[str, float]) -> Instrument:
    gain = _number(element, "gain", 1.0) * _number(element, "volume", 1.0)
    semitones = _number(element, "pitchOffset", 0.0)
    microphones = element.findall("instrumentComponent") or [element]
    regions: list[Region] = []
    for microphone in microphones:
        own = 1.0
        if microphone is not element:
            own = _number(microphone, "gain", 1.0) * volumes.get(_text(microphone, "component_id"), 1.0)
        # The oldest files name one sample in the instrument itself.
        for turn, layer in enumerate(microphone.findall("layer") or [microphone]):
            if filename := _text(layer, "filename"):
                level = gain * own * (_number(layer, "gain", 1.0) if layer is not element else 1.0)
                sound = Sound(
                    path=filename,
                    gain_db=20.0 * math.log10(level) if level > 0 else -math.inf,
                    semitones=semitones + _number(layer, "pitch", 0.0),
                )
                regions.append(Region(sound, _number(layer, "min", 0.0), _number(layer, "max", 1.0), (turn,)))
    return Instrument(_text(element, "name"), tuple(regions), slope_db=_VELOCITY_DB)


def _text(element: ElementTree.Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _number(element: ElementTree.Element, name: str, default: float) -> float:
    text = _text(element, name)
    try:
        return float(text) if text else default
    except ValueError as error:
        raise ValueError(f"<{name}>{text}</{name}> in {element.tag} {_text(element, 'name')!r} is no number") from error
