"""Examples in docstrings of the library run and give what they say."""

import doctest
import importlib

import pytest

MODULES = ("core.prefetch", "decoding.peak_picking", "decoding.second_pass", "labels.targets")


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"drumline.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
