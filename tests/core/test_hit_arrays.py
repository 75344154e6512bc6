"""Events: sorted, whole, and nothing else."""

import numpy as np
import pytest

from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import LABEL_NAMES


def test_hits_are_put_in_order_with_all_they_carry() -> None:
    events = Events.of([2.0, 1.0], ["kick", "crash"], velocity=[0.2, 0.1], confidence=[0.9, np.nan])
    assert events.time_s.tolist() == [1.0, 2.0]
    assert [LABEL_NAMES[number] for number in events.label] == ["crash", "kick"]
    np.testing.assert_array_equal(events.velocity, np.float32([0.1, 0.2]))
    np.testing.assert_array_equal(events.confidence, np.float32([np.nan, 0.9]))
    assert np.isnan(events.openness).all()
    assert len(events.select(events.time_s > 1.5)) == 1
    assert events.shifted(0.5).time_s.tolist() == [1.5, 2.5]
    assert len(Events.none()) == 0


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        Events.of([np.nan], ["kick"])
    with pytest.raises(ValueError, match="1 times, but 2 labels"):
        Events.of([1.0], ["kick", "kick"])
    with pytest.raises(ValueError, match="1 times, but 2 values"):
        Events.of([1.0], ["kick"], velocity=[0.1, 0.2])
    with pytest.raises(KeyError, match="cowbell"):
        Events.of([1.0], ["cowbell"])
