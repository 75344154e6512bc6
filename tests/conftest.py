"""What many tests share."""

from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real material that stands beside the checkout on the project's own machines."""
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real recordings is not beside this checkout (../shared/corpus)")
    return CORPUS
