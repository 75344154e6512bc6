"""What a transcription on the command line may import: its whole budget is 2.7 CPU-seconds, start-up included."""

import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "ray",
    "librosa",
    "numba",
    "sklearn",
    "pandas",
    "matplotlib",
    "scipy.signal",
    "scipy.optimize",
    "scipy.stats",
}
MODULES = {
    "the result, beats and formats": (
        "result", "beat_tracking", "quantise", "formats.registry", "formats.song_folder",
        *(f"formats.{name}" for name in ("midi", "json", "csv", "jams", "labels", "chart", "mid", "musicxml", "bsm")),
    ),
    "the fallback": ("heuristic",),
}  # fmt: skip


def loaded(code: str) -> set[str]:
    """Modules in a fresh interpreter after running some code."""
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], check=True, capture_output=True, text=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize("what", MODULES)
def test_transcription_imports_nothing_heavy(what: str) -> None:
    names = [f"drumline.transcription.{name}" for name in MODULES[what]]
    found = loaded(f"import {', '.join(names)}")
    assert not found & {*HEAVY, "pyarrow"}


def test_decoding_imports_nothing_heavy() -> None:
    assert not loaded("import drumline.decoding.peaks, drumline.audio.decode") & {*HEAVY, "pyarrow", "av"}


def test_a_format_is_imported_when_it_is_asked_for() -> None:
    assert not {"symusic", "mido", "drumline.charts.chart_labels"} & loaded(
        "import drumline.transcription.formats.registry"
    )
