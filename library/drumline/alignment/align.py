"""Chart time to audio time: an offset, a drift, at need a warp, and a verdict.

Positive offsets mean that the audio starts late: ``audio_s = chart_s + offset_s``. With a drift,
``audio_s = chart_s * (1 + drift_ppm / 1e6) + offset_s``; with knots, the line through them.

A chart is looked for three times, until one look is content: sharply around its own offset; sharply farther away,
where the fit must be better; and loosely (see `places`). A sharp look cannot tell a loose chart from chance; there the
chart's own offset is the evidence: of all the places around it, the best by far must be the one it claims.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from drumline.alignment.candidates import WINDOW_S, Candidate, find, lead
from drumline.alignment.onset_rows import Onsets, onsets_of, responses, windows_of
from drumline.alignment.residuals import without_lags
from drumline.alignment.warp import Mapping, fit_warp, residual_s
from drumline.core.config import Config
from drumline.core.errors import Rejected
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.features.onset_envelope import Envelope, onset_envelope


class AlignmentConfig(Config):
    """How far to look, and what to accept."""

    max_offset_s: float = Field(2.5, gt=0)
    """Seconds to either side of the chart's own offset that are searched first."""
    wide_offset_s: float = Field(15.0, ge=0)
    """Seconds to either side that are searched where the first search finds no fit; 0 for never."""
    max_drift_ppm: float = Field(1_000.0, ge=0)
    """Steady drift that may be corrected, in parts per million: 1,000 is 0.24 s over four minutes."""
    max_residual_ms: float = Field(30.0, gt=0)
    """Median absolute error in milliseconds against offset and drift, over which a song is rejected. Under it, a warp
    may still lower the error."""
    min_fit: float = Field(0.2, ge=0)
    """Fit under which chart and audio do not belong together, for a long chart (see `alignment.score`)."""
    min_fit_surcharge: float = Field(25.0, ge=0)
    """Added to it, divided by the number of onsets: chance does more for a short chart."""
    min_fit_ceiling: float = Field(0.45, ge=0)
    """Fit that is enough for any chart, and asked of each that lies farther than ``near_offset_s`` from its own
    offset: most charts claim the right one, and another song on the same metronome fits best elsewhere."""
    min_fit_wide: float = Field(0.6, ge=0)
    """Fit needed by offsets that only the wide search finds: it has more chances to be wrong."""
    near_offset_s: float = Field(0.08, ge=0)
    """Seconds to either side of the chart's own offset within which its claim counts: a lower fit will do there, and a
    loose chart must lie there; 0 gives the claim no weight and accepts no loose chart."""
    min_likeness: float = Field(0.2, ge=0)
    """Likeness that a loose chart must have there: the fit without its tightness (see `alignment.score`)."""
    min_lead: float = Field(1.25, ge=1)
    """How many times more it must have there than at any other place within `max_offset_s`. Two grooves on one
    metronome are alike, but hardly less so a beat later."""
    min_onsets: int = Field(8, ge=1)
    """Onsets without which nothing can be said."""
    full_search_onsets: int = Field(60, ge=1)
    """Onsets a chart needs to be searched for over the whole reach; one with half as many is searched half as far, and
    never wide or loosely. A bar or two fits many places: there the chart's own offset must be nearly right."""
    force: bool = False
    """Keep a song that would be rejected: the offset the chart claims if nothing fits, else the best mapping."""


@dataclass(frozen=True)
class Alignment:
    """Where a chart lies on its audio."""

    verdict: str
    """``aligned`` (offset and drift), ``warped`` (knots as well) or ``forced`` (it would have been rejected)."""
    offset_s: float
    """``audio_s = chart_s + offset_s`` at the chart's start."""
    prior_offset_s: float
    """Offset that the chart itself states [s]."""
    drift_ppm: float
    """Parts per million by which the audio's clock runs slower than the chart's; 0 where none could be shown."""
    drift_ms: float
    """The same over the span of the chart's hits, in milliseconds."""
    residual_ms: float
    """Median absolute error of the heard onsets against the mapping, knots included, once what each kind of drum is
    heard late as a whole is taken out (`deviations.without_lags`)."""
    straight_residual_ms: float
    """The same against offset and drift alone."""
    fit: float
    """How well chart and audio belong together: 0 for nothing in common, 0.5 to 2 as a rule. Of a loose chart, the
    likeness."""
    num_onsets: int
    """Onsets that were compared."""
    knots: tuple[tuple[float, float], ...] = ()
    """(chart_s, audio_s) of the warp, in order; empty where there is none."""

    def to_audio(self, chart_s: ArrayLike) -> NDArray[np.float64]:
        """Audio seconds of chart seconds (any shape)."""
        return self._mapping.to_audio(np.asarray(chart_s, dtype=np.float64))

    @property
    def _mapping(self) -> Mapping:
        return Mapping(self.offset_s, self.drift_ppm * 1e-6, self.knots)


def align(
    samples: NDArray[np.float32], hits: Sequence[Hit], *, prior_offset_s: float, config: AlignmentConfig
) -> Alignment | Rejected:
    """Align a chart's hits with mono audio [N] at 22,050 Hz; ``prior_offset_s`` is the chart's own claim.

    Rejected as ``alignment_failed`` where chart and audio do not belong together, or too little is there to tell, and
    as ``drift_too_large`` where they do but the audio strays from every straight line by more than the limit.
    """
    onsets = onsets_of(hits)
    envelopes = responses(onset_envelope(samples))
    count = len(onsets.times_s)
    if count < config.min_onsets or not envelopes.any():
        if config.force and count:
            claimed = Candidate.nowhere(onsets, prior_offset_s)
            return _alignment("forced", claimed, onsets, prior_offset_s)
        return Rejected(
            "alignment_failed",
            f"{count} onsets against {len(samples) / RATE_HZ:.0f} s of audio: at least {config.min_onsets} are needed, "
            "and audio that is not silent",
        )

    found, problem = _look(envelopes, onsets, prior_offset_s, config)
    if problem and config.force:
        claimed = replace(found, mapping=Mapping(prior_offset_s, 0.0))
        return _alignment("forced", claimed, onsets, prior_offset_s)
    if problem:
        return Rejected("alignment_failed", problem)
    mapping = fit_warp(onsets.times_s, found.heard_s, windows_of(onsets, WINDOW_S), found.mapping)
    found = replace(found, mapping=mapping)
    alignment = _alignment("warped" if found.mapping.knots else "aligned", found, onsets, prior_offset_s)
    if alignment.straight_residual_ms <= config.max_residual_ms:
        return alignment
    if config.force:
        return replace(alignment, verdict="forced")
    return Rejected(
        "drift_too_large",
        f"{alignment.straight_residual_ms:.0f} ms median error over {onsets.span_s:.0f} s with the best offset and "
        f"drift, limit {config.max_residual_ms:g} ms: a tempo map that leaves the recording, or another edit of it",
    )


def _look(envelopes: Envelope, onsets: Onsets, prior_s: float, config: AlignmentConfig) -> tuple[Candidate, str]:
    """The place of the first look that is content; else the last sharp one's best, and why it will not do."""
    count, max_drift = len(onsets.times_s), config.max_drift_ppm * 1e-6
    enough = count >= config.full_search_onsets
    needed = min(config.min_fit + config.min_fit_surcharge / count, config.min_fit_ceiling)
    looks = [(config.max_offset_s * min(1.0, count / config.full_search_onsets), needed, config.min_fit_ceiling)]
    if config.wide_offset_s > config.max_offset_s and enough:
        looks.append((config.wide_offset_s, config.min_fit_wide, config.min_fit_wide))
    for reach_s, min_fit_near, min_fit_far in looks:
        candidates = find(envelopes, onsets, prior_s, reach_s=reach_s, max_drift=max_drift)
        best = candidates[0] if candidates else Candidate.nowhere(onsets, prior_s)
        min_fit = min_fit_near if abs(best.shift_s - prior_s) < config.near_offset_s else min_fit_far
        if best.quality >= min_fit:
            return best, ""
    if enough:
        loose = find(envelopes, onsets, prior_s, reach_s=config.max_offset_s, max_drift=max_drift, loose=True)
        if (
            loose
            and abs(loose[0].shift_s - prior_s) < config.near_offset_s
            and loose[0].quality >= config.min_likeness
            and lead(loose) >= config.min_lead
        ):
            return loose[0], ""
    return best, (
        f"fit {best.quality:.2f} within {reach_s:.1f} s of the chart's own offset, {min_fit:.2f} needed with {count} "
        "onsets: another song's audio, another edit, or hardly any drums in it"
    )


def _alignment(verdict: str, found: Candidate, onsets: Onsets, prior_offset_s: float) -> Alignment:
    mapping = found.mapping
    straight = Mapping(mapping.offset_s, mapping.drift)

    def residual_ms(own: Mapping) -> float:
        expected_s = own.to_audio(onsets.times_s)
        return 1e3 * residual_s(without_lags(found.heard_s, expected_s, onsets), expected_s)

    return Alignment(
        verdict=verdict,
        offset_s=mapping.offset_s,
        prior_offset_s=prior_offset_s,
        drift_ppm=mapping.drift * 1e6,
        drift_ms=mapping.drift * onsets.span_s * 1e3,
        residual_ms=residual_ms(mapping),
        straight_residual_ms=residual_ms(straight),
        fit=found.quality,
        num_onsets=len(onsets.times_s),
        knots=mapping.knots,
    )
