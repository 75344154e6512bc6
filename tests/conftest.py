"""What many tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("drumline", deadline=None)
settings.load_profile("drumline")

LONGEST = "tests/tuning/test_trainings.py"
"""Starts first: at the end of the alphabet it would keep one of two workers waiting for minutes."""

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
CASES = CORPUS.with_name("cases")


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of small inputs on which earlier versions failed, on the project's own machines."""
    if not CASES.is_dir():
        pytest.skip("the cases of earlier failures are not beside this checkout (../shared/cases)")
    return CASES


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real material that stands beside the checkout on the project's own machines."""
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real recordings is not beside this checkout (../shared/corpus)")
    return CORPUS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest file first; all others stay in their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
