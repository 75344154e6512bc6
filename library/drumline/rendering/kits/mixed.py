"""A kit put together: each piece from a kit of its own, and others to play what those lack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drumline.core.errors import ConfigError
from drumline.rendering.kit import PIECE_OF, PIECES, Kit, Stroke


@dataclass(frozen=True)
class MixedKit:
    """A `kit.Kit` that asks other kits: `mixed_kit`."""

    name: str
    rate_hz: int
    players: Mapping[str, Kit]
    """Class -> the kit that plays it."""

    @property
    def drums(self) -> frozenset[str]:
        return frozenset(self.players)

    def stroke(
        self, drum: str, velocity: float, *, take: int, source_name: str = "", openness: float | None = None
    ) -> Stroke:
        """As `kit.Kit.stroke`."""
        player = self.players[drum]
        return player.stroke(drum, velocity, take=take, source_name=source_name, openness=openness)


def mixed_kit(name: str, pieces: Mapping[str, Kit], *, fill: Sequence[Kit] = ()) -> MixedKit:
    """The kit whose piece (`kit.PIECES`) is played by ``pieces``, or by the first of ``fill`` that can where it cannot.

    Kits are brought to one level when they are opened, so their pieces balance. Raises ConfigError where a piece is
    unknown, the kits differ in rate, or there is none.
    """
    if unknown := sorted(set(pieces) - set(PIECES)):
        raise ConfigError(f"{name}: {unknown[0]!r} is not one of {', '.join(PIECES)}")
    rates = sorted({kit.rate_hz for kit in (*pieces.values(), *fill)})
    if len(rates) != 1:
        raise ConfigError(f"{name}: the kits of a kit must have one sample rate, not {rates}")
    players = {}
    for drum, piece in PIECE_OF.items():
        able = [kit for kit in (*([pieces[piece]] if piece in pieces else []), *fill) if drum in kit.drums]
        if able:
            players[drum] = able[0]
    return MixedKit(name, rates[0], players)
