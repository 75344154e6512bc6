"""Counts, speed and cost of a library run."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Summary:
    """Summary of one run, without songs that were finished before."""

    songs: int
    """Transcribed."""
    cached: int
    """Number of those songs whose activations were cached."""
    rejected: int
    hours: float
    """Hours of transcribed audio."""
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
        """Cost of 1,000 such songs; None where no price is configured or no song was transcribed."""
        if not self.songs or not self.node_price_an_hour:
            return None
        return self.node_price_an_hour * self.nodes * self.wall_s / 3600 / self.songs * 1000

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the run's report."""
        rates = {name: getattr(self, name) for name in ("songs_an_hour", "times_real_time", "cost_of_1000")}
        return asdict(self) | {name: None if value is None else round(value, 4) for name, value in rates.items()}

    def __str__(self) -> str:
        if not self.songs:
            return "nothing to transcribe that was not finished"
        cost = "" if self.cost_of_1000 is None else f", {self.cost_of_1000:.2f} for 1,000 songs"
        return (
            f"{self.songs} songs ({self.cached} of them cached), {self.hours:.2f} h of audio in {self.wall_s:.0f} s: "
            f"{self.songs_an_hour:,.0f} songs an hour, {self.times_real_time:,.0f} times real time{cost}"
        )
