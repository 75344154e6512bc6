"""Frame targets from hits: presence, articulation and velocity by branch, with masks for what is unknown.

In every integer column -1 is *masked* (no loss, no score there), 0 is "none" and k >= 1 is a state of
`taxonomy.BRANCHES`. A label stands for a set of classes, from which everything follows:

- **presence** of a branch is 1 where a hit can only be of that branch, -1 where one may be, else 0;
- **variation** is known where all such hits agree on a single class, else -1;
- **onset_any** is 1 where a hit can only be of predicted classes, whichever, -1 where it may be another.

What is certain wins over what is masked. `hihat_pedal` is kept in the data and not predicted by default: a
frame with nothing but a pedal hit has hi-hat variation 3, and presence and ``onset_any`` masked. An inaudible hit (flag
``faint``) is masked like one that may be of the branch.

Times are seconds of the audio: alignment has already added the song's ``offset_s``.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.core.grid import Grid
from drumline.core.hits import Hit
from drumline.core.taxonomy import BRANCHES, LABELS

MASKED: Final = -1
UNKNOWN_VELOCITY: Final = 255
UNPREDICTED: Final = frozenset({"hihat_pedal"})
"""Classes that the model does not predict by default."""
VARIED: Final = tuple(branch for branch, states in BRANCHES.items() if len(states) > 1)
"""Branches with several articulations: snare, tom, hihat, ride."""


class LabelConfig(Config):
    """How hits become targets."""

    dilation_frames: int = Field(default=0, ge=0)
    """Frames on either side of an onset that carry its state too; 0 marks the onset's frame only."""
    approximate_reach_s: float = Field(default=0.1, ge=0)
    """Time masked on either side of a hit whose charted rhythm is approximate [s]: the hits that are really played are
    between the charted ones."""
    widen: dict[str, str] = Field(default={"ride": "cymbal", "crash": "cymbal", "tom_mid": "tom"})
    """Label -> wider label, for hits read from a game lane, which is a majority guess (docs/formats.md): 70 to 84 % of
    blue cymbals are rides, about 80 % of green ones crashes."""

    @model_validator(mode="after")
    def _check_widening(self) -> Self:
        for label, wider in self.widen.items():
            if label not in LABELS or wider not in LABELS:
                raise ValueError(f"widen: {label} -> {wider}: both must be one of {', '.join(LABELS)}")
            if not LABELS[label] <= LABELS[wider]:
                raise ValueError(f"widen: {label} -> {wider}: {wider} leaves out classes of {label}")
        return self


@dataclass(frozen=True)
class Targets:
    """Targets of one song on one grid. Every array has shape (num_frames,)."""

    presence: Mapping[str, NDArray[np.int8]]
    """Branch -> whether it has a hit: -1 (masked), 0 or 1."""
    variation: Mapping[str, NDArray[np.int8]]
    """Branch of `VARIED` -> its state from 1 where present and known, else -1."""
    velocity: Mapping[str, NDArray[np.uint8]]
    """Branch -> velocity of the loudest hit, 0 to 127; `UNKNOWN_VELOCITY` where absent or unknown."""
    onset_any: NDArray[np.int8]
    """Whether any predicted class has an onset: -1 (masked), 0 or 1."""
    offset: NDArray[np.float32]
    """Frames from the frame's centre to the (earliest) onset, at ``onset_any == 1``; elsewhere NaN. Within ±0.5
    at the onset's own frame, within ±(0.5 + dilation_frames) at the frames around it."""

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """All arrays by flat name: ``kick_presence``, ``snare_variation``, ``onset_any`` ..., in a fixed order."""
        named: dict[str, NDArray[np.generic]] = {}
        for branch in BRANCHES:
            named[f"{branch}_presence"] = self.presence[branch]
            if branch in VARIED:
                named[f"{branch}_variation"] = self.variation[branch]
            named[f"{branch}_velocity"] = self.velocity[branch]
        return named | {"onset_any": self.onset_any, "onset_offset": self.offset}


def targets(
    hits: Sequence[Hit], *, grid: Grid, num_frames: int, unannotated: Collection[str], config: LabelConfig
) -> Targets:
    """Compute the frame targets of a song.

    Parameters
    ----------
    hits : sequence of Hit
        In any order; times in seconds of the audio. Hits outside the grid are left out.
    grid : Grid
        Frame grid of the targets.
    num_frames : int
        Length of every target array [frames].
    unannotated : collection of str
        Classes that the source does not annotate. A branch with a predicted class among them is masked, never silent.
    config : LabelConfig
        Dilation, masking and widening of labels.

    Returns
    -------
    Targets
        Arrays of shape (num_frames,).

    Examples
    --------
    >>> from drumline.core.grid import HIGH
    >>> hits = [Hit(0.1, "kick"), Hit(0.2, "snare_head", flags=("faint",))]
    >>> found = targets(hits, grid=HIGH, num_frames=60, unannotated=(), config=LabelConfig())
    >>> found.presence["kick"].nonzero()[0].tolist(), found.presence["snare"][34:36].tolist()
    ([17], [-1, 0])
    """
    position = grid.position([hit.time_s for hit in hits])
    frame = grid.frame([hit.time_s for hit in hits])
    inside = (frame >= 0) & (frame < num_frames)
    position, frame = position[inside], frame[inside]
    hits = [hit for hit, keep in zip(hits, inside, strict=True) if keep]
    possible = [_possible(hit, config) for hit in hits]
    free = np.array(["approximate" in hit.flags for hit in hits], dtype=bool)  # anything may be played here
    approximate = free | np.array(["roll" in hit.flags for hit in hits], dtype=bool)
    inaudible = np.array(["faint" in hit.flags for hit in hits], dtype=bool)
    approximate_reach = int(np.ceil(config.approximate_reach_s * grid.frame_rate_hz))
    left_out = frozenset(unannotated) - UNPREDICTED
    dilation = config.dilation_frames

    def spread(certain: NDArray[np.bool_], doubtful: NDArray[np.bool_], silent: int) -> NDArray[np.int8]:
        """1 near certain hits, masked near doubtful ones, else ``silent``."""
        column = np.full(num_frames, silent, dtype=np.int8)
        column[_near(frame[doubtful & approximate], num_frames, max(dilation, approximate_reach))] = MASKED
        column[_near(frame[doubtful], num_frames, dilation)] = MASKED
        column[_near(frame[certain], num_frames, dilation)] = 1
        return column

    presence, variation, velocity = {}, {}, {}
    loudness = np.array([-1 if hit.velocity is None else round(hit.velocity * 127) for hit in hits], dtype=np.int64)
    for branch, states in BRANCHES.items():
        predicted = states.keys() - UNPREDICTED
        only = np.array([bool(classes) and classes <= predicted for classes in possible], dtype=bool)
        may = np.array([bool(classes & states.keys()) for classes in possible], dtype=bool)
        certain = only & ~approximate & ~inaudible
        presence[branch] = spread(certain, (may | free) & ~certain, MASKED if left_out & predicted else 0)
        louder = _at_nearest(frame[certain], loudness[certain], np.maximum, num_frames, dilation)
        velocity[branch] = np.where(louder < 0, UNKNOWN_VELOCITY, louder).astype(np.uint8)
        if branch in VARIED:
            state = np.array([states[next(iter(c))] if len(c) == 1 and c <= states.keys() else 0 for c in possible])
            column = _agreed(frame[certain], state[certain], num_frames, dilation)
            pedal = may & ~only & ~approximate & ~inaudible & (state > 0)
            absent = presence[branch] != 1
            column[absent] = _agreed(frame[pedal], state[pedal], num_frames, dilation)[absent]
            variation[branch] = column

    certain = np.array([bool(classes) and not classes & UNPREDICTED for classes in possible], dtype=bool)
    certain &= ~approximate & ~inaudible
    onset_any = spread(certain, ~certain, MASKED if left_out else 0)
    onset = _at_nearest(frame[certain], position[certain], np.minimum, num_frames, dilation, absent=np.nan)
    return Targets(
        presence=presence,
        variation=variation,
        velocity=velocity,
        onset_any=onset_any,
        offset=(onset - np.arange(num_frames)).astype(np.float32),
    )


def _possible(hit: Hit, config: LabelConfig) -> frozenset[str]:
    return LABELS[config.widen.get(hit.label, hit.label) if hit.evidence == "gem" else hit.label]


def _nearest(onsets: NDArray[np.int64], num_frames: int, reach: int) -> NDArray[np.int64]:
    """Index of the onset (ascending) nearest to each frame, the earlier of two; -1 beyond ``reach``."""
    if not onsets.size:
        return np.full(num_frames, -1, dtype=np.int64)
    frames = np.arange(num_frames)
    after = np.clip(np.searchsorted(onsets, frames), 0, onsets.size - 1)
    before = np.clip(after - 1, 0, None)
    nearest = np.where(np.abs(onsets[before] - frames) <= np.abs(onsets[after] - frames), before, after)
    return np.where(np.abs(onsets[nearest] - frames) <= reach, nearest, -1)


def _near(onsets: NDArray[np.int64], num_frames: int, reach: int) -> NDArray[np.bool_]:
    return _nearest(np.unique(onsets), num_frames, reach) >= 0


def _at_nearest(
    frame: NDArray[np.int64],
    values: NDArray[np.int64] | NDArray[np.float64],
    reduce: np.ufunc,
    num_frames: int,
    reach: int,
    *,
    absent: float = -1,
) -> NDArray[np.float64]:
    """Values of hits, reduced over the hits of a frame, then carried to the frames within ``reach``."""
    order = np.argsort(frame, kind="stable")
    onsets, starts = np.unique(frame[order], return_index=True)
    reduced = reduce.reduceat(values[order], starts) if starts.size else np.zeros(0)
    return np.append(reduced, absent).astype(np.float64)[_nearest(onsets, num_frames, reach)]


def _agreed(frame: NDArray[np.int64], state: NDArray[np.int64], num_frames: int, reach: int) -> NDArray[np.int8]:
    """The state where all hits of the nearest onset frame agree on a known one, else masked."""
    low = _at_nearest(frame, state, np.minimum, num_frames, reach)
    high = _at_nearest(frame, state, np.maximum, num_frames, reach)
    return np.where((low == high) & (low > 0), low, MASKED).astype(np.int8)
