"""Fit log-probability shifts of each drum's articulations on decoded hits."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import BRANCHES
from drumline.core.vocabularies import LABEL_NAMES
from drumline.decoding.calibration import Calibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import Peaks, select_peaks
from drumline.evaluation.development_set import Decoded, DevelopmentSong, Found
from drumline.metrics.calibration import shifts_of_kinds

_MOST_SHIFT: Final = 2.0
"""Largest shift of a log-probability, because the articulation shares of a development set are not universal."""


def kind_shifts(
    found: Sequence[Found], decoding: DecodeConfig, calibration: Calibration, *, min_strokes: int
) -> dict[str, dict[str, float]]:
    """Drum of the calibration -> kind -> shift; no kinds where a drum has one only, or too few strokes.

    Parameters
    ----------
    found
        Songs of the development set, found with this calibration and no shifts of kinds.
    decoding
        The decoding that will be used.
    calibration
        Offsets, temperatures and thresholds that were fitted before.
    min_strokes
        The least number of strokes of known kind.

    Returns
    -------
    dict
        Shifts of log-probabilities, the first kind's 0.
    """
    songs = [(each.song, *select_peaks(each.candidates, decoding, calibration)) for each in found if each.candidates]
    classes = next(each.candidates.classes for each in found if each.candidates)
    return {
        drum: _shifts_of(drum, songs, classes, window_s=calibration.window_s, min_strokes=min_strokes)
        for drum in calibration.labels
    }


def _shifts_of(
    drum: str,
    songs: Sequence[tuple[DevelopmentSong, NDArray[np.float64], Peaks]],
    classes: Sequence[str],
    *,
    window_s: float,
    min_strokes: int,
) -> dict[str, float]:
    kinds = [kind for kind in BRANCHES[drum] if kind in classes]
    if len(kinds) < 2:
        return {}
    columns = [classes.index(kind) for kind in kinds]
    probability, truth = list[NDArray[np.float32]](), list[int]()
    for song, times_s, peaks in songs:
        of_drum = np.isin(peaks.column, columns)
        hits = Events.of(times_s[of_drum], [classes[column] for column in peaks.column[of_drum]])
        decoded = Decoded(song.reference, hits, song.unannotated).only(drum)
        pairs = decoded.judge(drum, window_s).pairs
        played = [LABEL_NAMES[label] for label in song.reference.label[pairs[:, 0]]]
        is_known = np.isin(played, kinds)
        probability.append(peaks.probability[of_drum][pairs[is_known, 1]][:, columns])
        truth += [kinds.index(kind) for kind in played if kind in kinds]
    if len(truth) < min_strokes:
        return {}
    shifts = shifts_of_kinds(np.concatenate(probability), truth, most=_MOST_SHIFT)
    return dict(zip(kinds, shifts.round(3).tolist(), strict=True))
