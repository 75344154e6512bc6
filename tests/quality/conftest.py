"""Hypothesis without a clock, and the example files of BeatSight."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("without_a_clock", deadline=None)
settings.load_profile("without_a_clock")


@pytest.fixture(scope="session")
def examples(corpus: Path) -> Path:
    return corpus / "beatsight_examples"
