"""Beats and tempo of a recording, from its drums.

A *pulse* is what beats are looked for in: one number for every 10 ms, large where something that marks the beat begins.
From hits (`pulse_of_hits`) kick and snare count for more than what subdivides; from audio it is the onset envelope.

The tempo is the period at whose one, two, four and eight beats the autocorrelation is strongest on average, under a
broad prior around 110 beats a minute (after Klapuri, Eronen, Astola, "Analysis of the Meter of Acoustic Musical
Signals", IEEE TASLP 2006). The beats are then the best path through the pulse that keeps to that period,
by dynamic programming (Ellis, "Beat Tracking by Dynamic Programming", JNMR 2007): it follows a drummer who drifts, and
goes on through rests. Last, each beat is put on a line through its neighbours, so that frames and single strokes do not
show in the tempo map. Why not a library's: docs/decisions/0013-beat-tracking.md.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.charts.beats import RESOLUTION
from drumline.core.grid import HIGH
from drumline.core.tempo import TempoMap
from drumline.metrics.events import Events
from drumline.metrics.vocabulary import INSTRUMENTS

Pulse = NDArray[np.float64]
"""[T], a frame every `FRAME_S`."""

FRAME_S: Final = 0.01
BEATS_A_BAR: Final = 4
"""Assumed: of Groove MIDI's performances all but some 3 % are in 4/4."""

GIVEN_BPM: Final = (20.0, 400.0)
"""What a tempo can be that somebody gives."""

_RANGE_BPM: Final = (60.0, 200.0)
_CANDIDATES: Final = np.exp(np.arange(np.log(_RANGE_BPM[0]), np.log(_RANGE_BPM[1]), 0.005))
_USUAL_BPM, _SPREAD = 110.0, 1.0  # the prior: a normal distribution of the tempo's logarithm
_COMBED_BEATS: Final = (1, 2, 4, 8)
"""Where the autocorrelation is read: up to two bars. Three beats would reward the bars of other metres."""
# In the order of `INSTRUMENTS`, whose -1 (a cymbal of any kind, percussion) is the last.
_WEIGHTS: Final = np.array([1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5])
_LOUDEST: Final = 8.0
"""Of an envelope of mean 1: one stroke must not outweigh the song."""
_DOWNBEAT_WEIGHTS: Final = np.array([1.0, -1.0, 0.0, 0.0, 0.0, 2.0, 0.0])
_BUMP: Final = np.exp(-0.5 * np.square(np.arange(-4, 5) * FRAME_S / 0.02))  # a stroke speaks for 20 ms around it
_UNTOLD_VELOCITY: Final = 0.7
_TIGHTNESS: Final = 100.0
"""How dear it is to leave the period, against strokes of height 1 (Ellis's alpha)."""
_SMOOTHED_BEATS: Final = 4
"""On either side of a beat: how far its line reaches."""
_STRAIGHT_S: Final = 0.005
_LEAD_IN_S: Final = 0.03
"""The shortest, a beat at 2,000 bpm: what is nearer to second 0 stands on it."""
_LEAST_HITS: Final = 4


@dataclass(frozen=True)
class Beats:
    """Quarter notes from the start of a recording to its end."""

    times_s: NDArray[np.float64]
    """[B], rising, at least two."""
    downbeat: int
    """Index of the first beat that begins a bar, under `BEATS_A_BAR`."""
    tempo_bpm: float
    """The median."""

    def tempo_map(self) -> TempoMap:
        """The beats as a map with as few marks as keep each beat to `_STRAIGHT_S`.

        Second 0 is tick 0: a first beat within `_LEAD_IN_S` of it is put there, else one beat leads in. Bars begin on
        the downbeat: what precedes the first whole one is a bar of its own, of fewer beats.
        """
        leads_in = float(self.times_s[0]) >= _LEAD_IN_S
        beats_s = np.concatenate([[0.0], self.times_s if leads_in else self.times_s[1:]])
        knots = _knots(beats_s)
        tempos = [
            (RESOLUTION * first, round(60.0 * (last - first) / float(beats_s[last] - beats_s[first]), 6))
            for first, last in pairwise(knots)
        ]
        pickup = (self.downbeat + leads_in) % BEATS_A_BAR
        bars = ((0, pickup, 4), (RESOLUTION * pickup, BEATS_A_BAR, 4)) if pickup else ((0, BEATS_A_BAR, 4),)
        return TempoMap(RESOLUTION, tuple(tempos), bars)


def find_beats(
    events: Events, duration_s: float, *, tempo_bpm: float | None = None, envelope: NDArray[np.float32] | None = None
) -> Beats | None:
    """The beats under the hits of a recording, None where there are too few to say.

    With ``tempo_bpm`` that tempo holds throughout, and only where its beats lie is looked for. With an onset envelope
    [3, T] (`features.onset_envelope`) the beats are looked for in that instead; the hits still say which begin a bar.
    Raises ValueError for a tempo outside `GIVEN_BPM`.
    """
    if tempo_bpm is not None and not GIVEN_BPM[0] <= tempo_bpm <= GIVEN_BPM[1]:
        raise ValueError(f"a tempo of {tempo_bpm:g} bpm is outside {GIVEN_BPM[0]:g} to {GIVEN_BPM[1]:g}")
    if envelope is None and len(events) < _LEAST_HITS:
        return None
    pulse = pulse_of_hits(events, duration_s) if envelope is None else pulse_of_envelope(envelope)
    if not pulse.any():
        return None
    if tempo_bpm is not None:
        times_s = _steady(pulse, 60.0 / tempo_bpm)
    else:
        times_s = _smoothed(track(pulse, period_s(pulse)))
    if len(times_s) < 2:
        return None
    times_s = _extended(times_s, duration_s)
    return Beats(times_s, _downbeat(events, times_s), float(60.0 / np.median(np.diff(times_s))))


def pulse_of_hits(events: Events, duration_s: float) -> Pulse:
    """Each hit as a bump, as high as its drum's weight and its velocity say."""
    heights = _WEIGHTS[INSTRUMENTS.certain_class(events.label)] * np.where(
        np.isnan(events.velocity), _UNTOLD_VELOCITY, events.velocity
    )
    pulse = np.zeros(int(max(duration_s, float(events.time_s[-1])) / FRAME_S) + len(_BUMP))
    np.add.at(pulse, np.round(np.maximum(events.time_s, 0.0) / FRAME_S).astype(np.int64), heights)
    return np.asarray(np.convolve(pulse, _BUMP, mode="same"))


def pulse_of_envelope(envelope: NDArray[np.float32]) -> Pulse:
    """An onset envelope [3, T], its bands together."""
    frames = np.arange(0, envelope.shape[1] * HIGH.frame_s, FRAME_S)
    strength = np.minimum(envelope, _LOUDEST).sum(axis=0)
    return np.asarray(np.interp(HIGH.position(frames), np.arange(len(strength)), strength))


def period_s(pulse: Pulse) -> float:
    """The beat's period in seconds, within `_RANGE_BPM`."""
    lags = 60.0 / _CANDIDATES / FRAME_S
    correlation = _autocorrelation(pulse - pulse.mean(), int(max(_COMBED_BEATS) * lags.max()) + 2)
    combed = np.interp(np.outer(_COMBED_BEATS, lags), np.arange(len(correlation)), correlation).mean(axis=0)
    prior = np.exp(-0.5 * np.square(np.log(_CANDIDATES / _USUAL_BPM) / _SPREAD))
    # One is added so that the prior also orders what correlates negatively.
    return float(60.0 / _CANDIDATES[np.argmax((combed + 1.0) * prior)])


def track(pulse: Pulse, period_s: float) -> NDArray[np.float64]:
    """Times [s] of the beats on the best path at about this period, from the pulse's start to its end."""
    period = period_s / FRAME_S
    lags = np.arange(round(period / 2), round(period * 2) + 1)
    cost = _TIGHTNESS * np.square(np.log(lags / period))
    local = pulse / max(float(pulse.std()), 1e-9)
    best = local.copy()
    before = np.full(len(local), -1)
    # Within a block no frame is another's predecessor: all its frames are decided at once.
    for start in range(0, len(local), int(lags[0])):
        block = np.arange(start, min(start + int(lags[0]), len(local)))
        earlier = block[:, np.newaxis] - lags
        reached = np.where(earlier >= 0, best[np.maximum(earlier, 0)], 0.0) - cost
        chosen = reached.argmax(axis=1)
        rows = np.arange(len(block))
        best[block] += reached[rows, chosen]
        before[block] = earlier[rows, chosen]
    last = max(0, len(best) - round(period))
    frames = [last + int(best[last:].argmax())]
    while (previous := int(before[frames[-1]])) >= 0:
        frames.append(previous)
    return np.array(frames[::-1]) * FRAME_S


def _autocorrelation(values: Pulse, num_lags: int) -> NDArray[np.float64]:
    """For lags from 0, the first being 1; each divided by how much overlaps, so that long lags count alike."""
    size = 1 << (len(values) + num_lags).bit_length()
    spectrum = np.fft.rfft(values, size)
    found = np.fft.irfft(spectrum * spectrum.conj(), size)[:num_lags]
    overlap = 1.0 - np.minimum(np.arange(num_lags) / len(values), 0.9)
    return np.asarray(found / (overlap * max(float(found[0]), 1e-9)))


def _steady(pulse: Pulse, period_s: float) -> NDArray[np.float64]:
    """Beats of exactly this period where together they meet the most."""
    times_s = np.arange(len(pulse)) * FRAME_S
    phases_s = np.arange(0.0, period_s, FRAME_S / 4)
    grids_s = phases_s[:, np.newaxis] + np.arange(int(times_s[-1] / period_s) + 1) * period_s
    return np.asarray(grids_s[np.interp(grids_s, times_s, pulse, right=0.0).sum(axis=1).argmax()])


def _smoothed(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each beat on the least-squares line through itself and its neighbours."""
    smooth = times_s.copy()
    for index in range(len(times_s)):
        own_s = times_s[max(0, index - _SMOOTHED_BEATS) : index + _SMOOTHED_BEATS + 1]
        place = np.arange(len(own_s)) - min(index, _SMOOTHED_BEATS)
        slope = np.cov(place, own_s, bias=True)[0, 1] / max(float(place.var()), 1e-9)
        smooth[index] = own_s.mean() - slope * place.mean()
    return smooth


def _extended(times_s: NDArray[np.float64], duration_s: float) -> NDArray[np.float64]:
    """On to both ends of the recording, at the period of the nearest beats."""
    first, last = float(times_s[0]), float(times_s[-1])
    step = min(_SMOOTHED_BEATS, len(times_s) - 1)
    early, late = (first - float(times_s[step])) / step, (last - float(times_s[-1 - step])) / step
    lead = first + early * np.arange(int(-first / early), 0, -1)
    tail = last + late * np.arange(1, max(0, int((duration_s - last) / late)) + 1)
    found = np.concatenate([lead, times_s, tail])
    return np.asarray(np.maximum(found[found > -_LEAD_IN_S], 0.0))


def _knots(beats_s: NDArray[np.float64]) -> list[int]:
    """Beats, the first and the last among them, between which all others lie on straight lines within `_STRAIGHT_S`."""
    knots = [0]
    while (first := knots[-1]) < len(beats_s) - 1:
        last = first + 1
        while last + 1 < len(beats_s):
            line_s = np.linspace(beats_s[first], beats_s[last + 1], last + 2 - first)
            if np.abs(line_s - beats_s[first : last + 2]).max() > _STRAIGHT_S:
                break
            last += 1
        knots.append(last)
    return knots


def _downbeat(events: Events, times_s: NDArray[np.float64]) -> int:
    """The first beat of a bar, by what is played on the beats."""
    between_s = (times_s[1:] + times_s[:-1]) / 2
    nearest = np.searchsorted(between_s, events.time_s)
    on_beat = np.abs(events.time_s - times_s[nearest]) < np.median(np.diff(times_s)) / 8
    weights = _DOWNBEAT_WEIGHTS[INSTRUMENTS.certain_class(events.label)]
    places = np.bincount(nearest[on_beat] % BEATS_A_BAR, weights[on_beat], BEATS_A_BAR)
    return int(places.argmax())
