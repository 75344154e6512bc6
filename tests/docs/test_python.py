"""The examples of docs/python.md and of the API's docstrings, run."""

import doctest
import importlib
from pathlib import Path

import pytest
from tests.dataset.small_dataset import write_dataset

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_the_page_runs(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8").replace("\n```\n", "\n\n")  # doctest takes a fence for output
    names = {"uri": write_dataset(tmp_path / "dataset", num_songs=1)}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(doctest.DocTestParser().get_doctest(page, names, PAGE.name, str(PAGE), 0))
    assert runner.tries > 30
    assert runner.failures == 0


@pytest.mark.parametrize("module", ["hits", "transcription", "chart"])
def test_docstrings_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"drumline.api.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
