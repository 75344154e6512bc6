"""What a run over a library did, how fast, and what it cost."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Summary:
    """Of one run. What was finished before it does not count."""

    songs: int
    """Transcribed."""
    cached: int
    """Of those, songs that the model had heard before."""
    rejected: int
    hours: float
    """Of audio, transcribed."""
    wall_s: float
    """From connecting to Ray to the last song."""
    nodes: int
    node_price_an_hour: float
    """0 where none is configured."""

    @property
    def songs_an_hour(self) -> float:
        return self.songs / self.wall_s * 3600 if self.songs else 0.0

    @property
    def times_real_time(self) -> float:
        return self.hours * 3600 / self.wall_s if self.songs else 0.0

    @property
    def cost_of_1000(self) -> float | None:
        """What 1,000 such songs cost; None where no price is configured or no song was transcribed."""
        if not self.songs or not self.node_price_an_hour:
            return None
        return self.node_price_an_hour * self.nodes * self.wall_s / 3600 / self.songs * 1000

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the run's report."""
        told = {name: getattr(self, name) for name in ("songs_an_hour", "times_real_time", "cost_of_1000")}
        return asdict(self) | {name: None if value is None else round(value, 4) for name, value in told.items()}

    def __str__(self) -> str:
        if not self.songs:
            return "nothing to transcribe that was not finished"
        cost = "" if self.cost_of_1000 is None else f", {self.cost_of_1000:.2f} for 1,000 songs"
        return (
            f"{self.songs} songs ({self.cached} of them cached), {self.hours:.2f} h of audio in {self.wall_s:.0f} s: "
            f"{self.songs_an_hour:,.0f} songs an hour, {self.times_real_time:,.0f} times real time{cost}"
        )
