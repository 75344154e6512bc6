"""One production: every number that makes a drum bus and a mix of dry pieces.

It is plain data, so that a rendered song can say how it was made: ``from_json(to_json(p)) == p``, and the same
production of the same pieces gives the same samples. None means that an effect is off.
"""

from dataclasses import asdict, dataclass
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from drumline.core.config import canonical_json
from drumline.core.errors import ConfigError
from drumline.effects.codec import Codec
from drumline.effects.colour import Loss, Noise, Saturation
from drumline.effects.dynamics import Compressor
from drumline.effects.filters import Band
from drumline.effects.room import MeasuredRoom, Shoebox
from drumline.rendering.production.wires import SnareWires


@dataclass(frozen=True)
class Piece:
    """The channel of one piece at the desk."""

    name: str
    """A name of `kit_layout.PLACES`."""
    gain_db: float = 0.0
    pan: float = 0.0
    """-1 left to 1 right, constant power. With one channel, only its level is left."""
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True)
class Bleed:
    """How each piece is heard by the microphones of the others, late and dull."""

    level_db: float
    """At a distance of one metre, relative to its own microphone; it falls as one over the distance."""
    low_pass_hz: float


@dataclass(frozen=True)
class Master:
    """Mastering of the sum of drums and backing."""

    bands: tuple[Band, ...] = ()
    saturation: Saturation | None = None
    codec: Codec | None = None


@dataclass(frozen=True)
class Mix:
    """The drums among others."""

    drums_to_backing_db: float
    """Ratio of RMS where both sound, before compression."""
    backing_bleed_db: float | None = None
    """RMS of what of the backing is left in "drums only", relative to the drums where both sound."""
    compressor: Compressor | None = None
    limit_db: float | None = None
    """How far a limiter pushes the highest peak down."""
    master: Master = Master()


@dataclass(frozen=True)
class Production:
    seed: int
    """Random seed of the noise, with which the production was sampled."""
    channels: Literal[1, 2]
    pieces: tuple[Piece, ...] = ()
    """Pieces that are not named here pass as they are."""
    wires: SnareWires | None = None
    bleed: Bleed | None = None
    room: Shoebox | MeasuredRoom | None = None
    bands: tuple[Band, ...] = ()
    """Filters of the bus."""
    emphasis_db: float | None = None
    """How much attacks are raised."""
    compressor: Compressor | None = None
    saturation: Saturation | None = None
    noise: Noise | None = None
    loss: Loss | None = None
    codec: Codec | None = None
    peak_db: float = -1.0
    """Sample peak of the bus, and of the loudest of mix, drum stem and backing stem. Relative to full scale."""
    mix: Mix = Mix(drums_to_backing_db=-1.0)


_ADAPTER: Final = TypeAdapter(Production)


def to_json(production: Production) -> str:
    return canonical_json(asdict(production))


def from_json(text: str) -> Production:
    """The inverse of `to_json`. Raises ConfigError for anything else."""
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise ConfigError(f"not a production: {error}") from error
