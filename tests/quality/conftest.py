"""Hypothesis without a clock, and the example files of BeatSight."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("without_a_clock", deadline=None)
settings.load_profile("without_a_clock")


@pytest.fixture(scope="session")
def examples(corpus: Path) -> Path:
    return corpus / "beatsight_examples"


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dataset of a few rendered songs."""
    from tests.training.songs import write_songs

    return write_songs(tmp_path_factory.mktemp("songs") / "dataset")


@pytest.fixture(scope="session")
def checkpoint(songs: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small model that has learnt a little of them."""
    from tests.quality.models import write_checkpoint

    return write_checkpoint(songs, tmp_path_factory.mktemp("model"), steps=40)
