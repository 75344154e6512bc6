"""Does this chart belong to this audio at all? One number, measured on right and on wrong pairs.

Three things tell, none of them alone. *Lift* is how far the salience at the chart's onsets stands above the song's
mean, in standard deviations: high when every charted stroke is heard, but a sparse chart finds that in many songs.
*Correlation* is between the salience and the chart's onset train, over the chart's span and a little around, the mean
over the rows that have enough onsets: high only when also what is heard is charted, but two backbeats of one tempo
share much. *Tightness* is how much closer the onsets lie to their expected times than chance, which scatters by some
20 ms.
Their product is the *fit*; without tightness it is the *likeness*, by which loose charts are judged, as a grid that a
person plays around is no tighter than chance (docs/studies.md has the distributions of right and wrong pairs).
"""

from typing import Final

import numpy as np

from drumline.alignment.onset_rows import Floats, Onsets, sampled
from drumline.alignment.warp import residual_s
from drumline.core.grid import HIGH
from drumline.features.onset_envelope import Envelope

_KERNEL: Final = np.array([0.3, 0.7, 1.0, 0.7, 0.3])
"""An onset in frames: annotations and players are a frame or two from exact."""
_ENOUGH: Final = 3
"""Onsets that a row must have for its correlation to mean something."""
_CHANCE_S: Final = 0.02
"""The residual of a song in which nothing fits."""
_MAY_MISS: Final = 0.2
"""The share of onsets that may lie outside the audio at no cost."""
_MARGIN: Final = 0.25
"""How far around the chart uncharted onsets count against it, as a share of its span: a short chart fits many songs."""
_EDGE: Final = 10
"""Frames around the chart at least, inside the audio or not."""


def lift(salience: Envelope, onsets: Onsets, audio_s: Floats) -> float:
    """The mean salience at onsets believed to be at ``audio_s`` [N], each the best within a frame.

    A few onsets may lie outside the audio (a trimmed start); beyond `_MAY_MISS` of them, each counts as unheard.
    """
    frames = HIGH.frame(audio_s)
    inside = np.count_nonzero((frames >= 0) & (frames < salience.shape[1]))
    around = sampled(salience, onsets.rows[:, None], frames[:, None] + np.arange(-1, 2))
    return float(around.max(axis=1).sum() / max(inside, (1 - _MAY_MISS) * len(frames)))


def correlation(salience: Envelope, onsets: Onsets, audio_s: Floats) -> float:
    """The mean over rows of Pearson's correlation between salience and onset train, over the chart's span."""
    frames = HIGH.frame(audio_s)
    margin = int(_MARGIN * (frames.max() - frames.min()))
    first = min(max(int(frames.min()) - margin, 0), int(frames.min()) - _EDGE)
    last = max(min(int(frames.max()) + margin, salience.shape[1]), int(frames.max()) + _EDGE)
    span = np.arange(first, last + 1)
    found = []
    for row in range(len(salience)):
        at = frames[onsets.rows == row] - first
        sampled_salience = sampled(salience, np.array(row), span)
        if len(at) < _ENOUGH or sampled_salience.std() == 0:
            continue
        train = np.zeros(len(span))
        train[at] = 1.0
        train = np.minimum(np.convolve(train, _KERNEL, "same"), 1.0)
        found.append(float(np.corrcoef(train, sampled_salience)[0, 1]))
    return float(np.mean(found)) if found else 0.0


def likeness(salience: Envelope, onsets: Onsets, audio_s: Floats) -> float:
    """Lift times correlation: 0 for nothing in common. ``audio_s`` [N] is where the onsets are believed to be."""
    return max(0.0, lift(salience, onsets, audio_s)) * max(0.0, correlation(salience, onsets, audio_s))


def fit(salience: Envelope, onsets: Onsets, heard_s: Floats, audio_s: Floats) -> float:
    """Likeness times tightness: 0 for nothing in common, about 0.5 to 2 for right pairs.

    ``heard_s`` [N] is where the onsets were heard (NaN: nowhere), ``audio_s`` [N] where they are believed to be.
    """
    tightness = max(0.0, 1.0 - residual_s(heard_s, audio_s) / _CHANCE_S)
    return tightness * likeness(salience, onsets, audio_s)
