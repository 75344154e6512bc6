"""Benchmarks run by hand: at least they follow the names of what they measure."""

import importlib
from pathlib import Path

import pytest

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != Path(__file__).stem)


@pytest.mark.parametrize("name", [name for name in MODULES if name != "__init__"])
def test_a_benchmark_can_be_imported(name: str) -> None:
    importlib.import_module(f"tests.bench.{name}")
