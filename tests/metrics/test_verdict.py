"""The verdict's rules."""

import pytest

from drumline.metrics.verdict import VerdictConfig, verdict


@pytest.mark.parametrize(
    ("roc_auc", "f", "num_reference", "finding"),
    [
        (0.99, 0.9, 1_000, "good"),
        (0.99, 0.5, 1_000, "threshold problem"),
        (0.80, 0.5, 1_000, "model problem"),
        (0.80, 0.9, 1_000, "model problem"),
        (0.99, 0.9, 99, "not enough data"),
        (float("nan"), 0.9, 1_000, "not enough data"),
        (0.99, float("nan"), 1_000, "not enough data"),
    ],
)
def test_findings(roc_auc: float, f: float, num_reference: int, finding: str) -> None:
    found = verdict("snare", roc_auc=roc_auc, f=f, num_reference=num_reference, config=VerdictConfig())
    assert (found.branch, found.finding) == ("snare", finding)
    assert found.reason
