"""The truth: out of a dataset's tables it is the same as out of the charts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.core.errors import ConfigError
from drumline.core.tempo import TempoMap
from drumline.evaluation.references import ReferenceConfig, find_references, tempo_of_beats


@given(
    st.lists(st.tuples(st.integers(2, 12), st.floats(60, 240)), min_size=1, max_size=6),
    st.floats(-0.5, 2),
    st.floats(0.98, 1.02),
)
def test_a_tempo_map_comes_back_from_beats(parts: list[tuple[int, float]], offset_s: float, drift: float) -> None:
    marks = [0, *np.cumsum([beats for beats, _ in parts])[:-1].tolist()]
    tempo = TempoMap(480, tuple((480 * beat, bpm) for beat, (_, bpm) in zip(marks, parts, strict=True)))
    beat = np.arange(0, sum(beats for beats, _ in parts) + 0.1, 0.25)
    audio_s = tempo.seconds(beat * 480) * drift + offset_s
    found, found_offset_s = tempo_of_beats(beat, audio_s)
    assert found is not None
    assert found.seconds(beat * found.resolution) + found_offset_s == pytest.approx(audio_s, abs=1e-6)


def test_without_beats_there_is_no_tempo() -> None:
    for beat in ([], [1.0], [np.nan, np.nan], [1.0, 1.5]):
        assert tempo_of_beats(np.array(beat), np.arange(len(beat), dtype=float))[0] is None


def test_a_truth_has_one_place() -> None:
    for tree in ({}, {"dataset": "a", "roots": [{"uri": "b"}]}):
        with pytest.raises(ValueError, match="set either `dataset` or `roots`"):
            ReferenceConfig.model_validate(tree, strict=False)
    with pytest.raises(ConfigError, match="no such folder"):
        find_references(ReferenceConfig.model_validate({"roots": [{"uri": "nowhere"}]}, strict=False))
