"""Songs to train on, written once."""

import pytest
from tests.training.songs import write_songs


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_songs(tmp_path_factory.mktemp("songs") / "dataset")
