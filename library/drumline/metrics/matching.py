"""Matching of estimates with references: one-to-one, within a window, in time linear in the pairs that may match.

A pair may match if ``estimate - window <= reference <= estimate + window`` in float64, which is the boundary of
`mir_eval.util.match_events` to the last bit. The number of matches is always the greatest possible, as mir_eval's is;
among all matchings of that size `match` takes one of least total distance, so that offsets and velocities compare what
belongs together (mir_eval takes any).

Why it is this simple: windows of equal width around sorted times neither nest nor change order, so two pairs that cross
can be uncrossed at no cost and without leaving the window. An order-preserving optimum therefore exists, and a walk in
time order finds it.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LEAVE_ESTIMATE: Final = 0
_LEAVE_REFERENCE: Final = 1
_PAIR: Final = 2


def num_matches(reference_s: ArrayLike, estimate_s: ArrayLike, *, window_s: float) -> int:
    """The greatest number of pairs. Both arrays sorted, in seconds.

    Each estimate in turn takes the earliest reference that is left: no other choice leaves more to those that follow.
    """
    reference, estimate = (np.asarray(times, dtype=np.float64) for times in (reference_s, estimate_s))
    first = np.searchsorted(reference, estimate - window_s, side="left")
    after = np.searchsorted(reference, estimate + window_s, side="right")
    ends = (np.bincount(places, minlength=len(reference) + 1) for places in (first, after))
    estimates_near = np.cumsum(np.subtract(*ends))  # of each reference
    alone = (after - first == 1) & (estimates_near[first] == 1)  # it and its reference have only each other
    tangled = estimate[(after > first) & ~alone]
    free = np.ones(len(reference), dtype=bool)
    free[first[alone]] = False
    return int(alone.sum()) + _num_tangled(reference[free].tolist(), tangled.tolist(), window_s)


def _num_tangled(references: list[float], estimates: list[float], window_s: float) -> int:
    found = at = 0
    for estimate in estimates:
        first, last = estimate - window_s, estimate + window_s
        while at < len(references) and references[at] < first:
            at += 1
        if at == len(references):
            break
        if references[at] <= last:
            found += 1
            at += 1
    return found


def match(reference_s: ArrayLike, estimate_s: ArrayLike, *, window_s: float) -> NDArray[np.int64]:
    """Pairs (reference index, estimate index) [K, 2] in rising order: the most possible, of those the closest."""
    reference, estimate = (np.asarray(times, dtype=np.float64) for times in (reference_s, estimate_s))
    return match_preferring(
        reference,
        estimate,
        window_s=window_s,
        wanted=np.ones(len(reference), bool),
        charged=np.ones(len(estimate), bool),
    )


def match_preferring(
    reference_s: NDArray[np.float64],
    estimate_s: NDArray[np.float64],
    *,
    window_s: float,
    wanted: NDArray[np.bool_],
    charged: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Pairs [K, 2] that cover the most wanted references and the most charged estimates; of those the closest.

    ``wanted`` [N]: references whose loss would be a miss. ``charged`` [M]: estimates that would be false alarms without
    a partner. Both goals are reached in full at once (Mendelsohn and Dulmage 1958: if one matching covers some
    references and another some estimates, a third covers both), so the best sum has the best of each. And values that
    belong to a reference or an estimate, not to their pair, leave the argument about crossing as it is.
    """
    lows = np.searchsorted(reference_s, estimate_s - window_s, side="left").tolist()
    highs = np.searchsorted(reference_s, estimate_s + window_s, side="right").tolist()
    # All distances together, in windows, are worth less than one hit.
    worth = float(min(len(reference_s), len(estimate_s)) + 1)
    reference_values = np.where(wanted, worth, 0.0).tolist()
    estimate_values = np.where(charged, worth, 0.0).tolist()
    references, estimates = reference_s.tolist(), estimate_s.tolist()
    per_window = 1.0 / window_s if window_s > 0 else 0.0
    # best[i]: the value of the best pairs of the first i references with the estimates so far. An estimate changes it
    # from its first reference on; beyond its last one it is constant, and filled in when a later estimate gets there.
    best = [0.0]
    choices: list[list[int]] = []
    for low, high, time_s, value in zip(lows, highs, estimates, estimate_values, strict=True):
        best.extend([best[-1]] * (high + 1 - len(best)))
        row = []
        one_less = best[low]
        for i in range(low, high):
            paired = one_less + reference_values[i] + value - abs(references[i] - time_s) * per_window
            one_less = best[i + 1]
            choice = _LEAVE_ESTIMATE
            if best[i] > best[i + 1]:
                best[i + 1], choice = best[i], _LEAVE_REFERENCE
            if paired > best[i + 1]:
                best[i + 1], choice = paired, _PAIR
            row.append(choice)
        choices.append(row)
    return _trace(lows, choices, len(best) - 1)


def _trace(lows: list[int], choices: list[list[int]], num_references: int) -> NDArray[np.int64]:
    """The pairs that led to the best value, read backwards."""
    pairs = []
    i = num_references
    for estimate in range(len(choices) - 1, -1, -1):
        low, row = lows[estimate], choices[estimate]
        i = min(i, low + len(row))
        while i > low and row[i - 1 - low] == _LEAVE_REFERENCE:
            i -= 1
        if i > low and row[i - 1 - low] == _PAIR:
            i -= 1
            pairs.append((i, estimate))
    return np.array(pairs[::-1], dtype=np.int64).reshape(-1, 2)
