"""Known against unknown: scikit-learn's areas, whatever the ties and weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from drumline.metrics.bootstrap import BootstrapConfig, bootstrap, resample_weighted
from drumline.metrics.open_set import separation
from drumline.metrics.scores import ratio

samples = st.lists(
    st.tuples(st.integers(0, 8).map(lambda n: n / 8), st.booleans(), st.integers(0, 3)), min_size=2, max_size=30
).filter(lambda rows: any(k and w for _, k, w in rows) and any(not k and w for _, k, w in rows))


@given(samples)
def test_areas_are_scikit_learns(rows: list[tuple[float, bool, int]]) -> None:
    score, known, weight = (np.array(column) for column in zip(*rows, strict=True))
    for w in (None, weight):
        if w is None and known.all() | ~known.any():
            continue
        ours = separation(score, known, weight=w)
        fpr, tpr, _ = roc_curve(known, score, sample_weight=w, drop_intermediate=False)
        assert ours.auroc == pytest.approx(roc_auc_score(known, score, sample_weight=w))
        assert ours.auprc == pytest.approx(average_precision_score(known, score, sample_weight=w))
        assert ours.fpr_at_tpr == pytest.approx(fpr[np.argmax(tpr >= 0.95)])


def test_many_weightings_at_once_are_each_alone() -> None:
    rng = np.random.default_rng(0)
    score, known, weight = rng.random(50), rng.random(50) < 0.5, rng.integers(0, 3, (4, 50))
    together = separation(score, known, weight=weight)
    alone = [separation(score, known, weight=row) for row in weight]
    np.testing.assert_array_equal(together.auroc, [each.auroc for each in alone])
    np.testing.assert_array_equal(together.fpr_at_tpr, [each.fpr_at_tpr for each in alone])


def test_one_side_alone_has_no_answer() -> None:
    for known in ([True, True], [False, False], []):
        ours = separation([0.5, 0.2][: len(known)], known)
        assert np.isnan([ours.auroc, ours.auprc, ours.fpr_at_tpr]).all()


def test_weighted_draws_are_those_of_sums() -> None:
    rows = np.random.default_rng(1).integers(0, 9, (12, 2)).astype(float)
    config = BootstrapConfig(num_draws=150, seed=4)
    sums = bootstrap(rows, lambda s: ratio(s[..., 0], s.sum(axis=-1)), seed=4, num_draws=150)
    weighted = resample_weighted(len(rows), lambda w: ratio(w @ rows[:, 0], (w @ rows).sum(axis=-1)), config, chunk=7)
    np.testing.assert_allclose([weighted.value, weighted.low, weighted.high], [sums.value, sums.low, sums.high])
