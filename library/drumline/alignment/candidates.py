"""Places where a chart may lie on its audio: the best lines of a search, followed and judged.

A place is looked at *sharply*, or *loosely*: for a chart written on the grid where a person played around it, 10 to 25
ms off. A loose look sees the song out of focus and judges by likeness, where a sharp one judges by fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from drumline.alignment.onset_rows import Floats, Ints, Onsets, blurred, salience, windows_of
from drumline.alignment.residuals import Peaks, heard_times, peaks_of
from drumline.alignment.score import fit, likeness
from drumline.alignment.search import Line, correlate, preference, search, track
from drumline.alignment.warp import Mapping, fit_line, local_path
from drumline.core.grid import HIGH
from drumline.features.onset_envelope import Envelope

WINDOW_S: Final = 4.0
"""One or two bars: enough onsets for a curve, short enough to follow a tempo."""
APART_S: Final = 0.08
"""Two places are different from here on; also how far a window may stray from a straight line in a loose look."""
_STRAY_S: Final = 0.4
"""The same in a sharp look, which has the fit to tell a window that went astray."""


@dataclass(frozen=True)
class Candidate:
    """A mapping near one line of a search."""

    mapping: Mapping
    """An offset and a drift; no knots yet."""
    heard_s: Floats
    """Audio time at which each onset was heard [N], NaN where it was not."""
    quality: float
    """The fit; of a loose look, the likeness."""
    worth: float
    """The quality, a little less where the prior offset is far."""
    shift_s: float
    """The offset in the chart's middle."""

    @staticmethod
    def nowhere(onsets: Onsets, prior_s: float) -> "Candidate":
        """The prior offset, where nothing was heard."""
        return Candidate(Mapping(prior_s, 0.0), np.full(len(onsets.times_s), np.nan), 0.0, 0.0, prior_s)


def find(
    responses: Envelope, onsets: Onsets, prior_s: float, *, reach_s: float, max_drift: float, loose: bool = False
) -> tuple[Candidate, ...]:
    """Places within ``reach_s`` of the prior offset and ``max_drift`` [s/s] of none, the most worthy first.

    ``responses`` are those of `evidence`, [4, T]. There may be no place at all.
    """
    chart_s, windows = onsets.times_s, windows_of(onsets, WINDOW_S)
    seen, peaks = salience(blurred(responses) if loose else responses), peaks_of(responses)
    candidates = []
    for rough in search(seen, onsets, windows, prior_s=prior_s, reach_s=reach_s, max_drift=max_drift):
        heard_s = _follow(seen, peaks, onsets, windows, rough, stray_s=APART_S if loose else _STRAY_S)
        if np.isnan(heard_s).all():
            continue
        line = fit_line(onsets, heard_s, max_drift=max_drift)
        path_s = local_path(chart_s, heard_s, windows, line)
        quality = likeness(seen, onsets, path_s) if loose else fit(seen, onsets, heard_s, path_s)
        worth = quality * float(preference((line.offset_s - prior_s) / reach_s))
        shift_s = float(np.mean(line.to_audio(chart_s) - chart_s))
        candidates.append(Candidate(line, heard_s, quality, worth, shift_s))
    return tuple(sorted(candidates, key=lambda candidate: -candidate.worth))


def lead(candidates: Sequence[Candidate]) -> float:
    """How many times the worth of the best of the other places that of the first is; infinite where there is none."""
    first = candidates[0]
    others = [candidate.worth for candidate in candidates if abs(candidate.shift_s - first.shift_s) > APART_S]
    return first.worth / max(others) if others and max(others) > 0 else float("inf")


def _follow(salience: Envelope, peaks: Peaks, onsets: Onsets, windows: Ints, rough: Line, *, stray_s: float) -> Floats:
    """Where each onset is heard [N] when each window may leave a rough line by up to ``stray_s``."""
    expected_s = rough.to_audio(onsets.times_s)
    curves = correlate(salience, onsets, windows, expected_s, reach=int(HIGH.frame(stray_s)))
    middles_s = np.bincount(windows, onsets.times_s) / np.bincount(windows)
    strayed_s = np.interp(onsets.times_s, middles_s, HIGH.seconds(track(curves)))
    return heard_times(peaks, onsets, expected_s + strayed_s)
