"""The house rules that a machine can hold: import order, where Ray may appear, what importing may do."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "library" / "drumline"
ORDER = (
    "core", "runtime", "metrics", "effects", "charts", "audio", "features", "alignment", "labels", "rendering",
    "dataset", "augmentation", "model", "decoding", "training", "evaluation", "tuning", "quality", "export",
    "transcription", "band", "client", "api", "commands", "cli", "__main__",
)  # fmt: skip
MAY_IMPORT_RAY = ("runtime/", "training/distributed.py", "tuning/trainings.py", "tuning/decodings.py")


def modules() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def imports(path: Path) -> list[tuple[str, int]]:
    """Absolute names of all modules that a file imports, with the level of relative imports."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            found += [(f"{base}.{alias.name}" if base == "drumline" else base, node.level) for alias in node.names]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_go_leftwards_and_ray_stays_home(path: Path) -> None:
    name = path.relative_to(LIBRARY).as_posix()
    # The package itself only names, for type checkers, what it imports when it is used.
    own = ORDER.index("api" if name == "__init__.py" else name.split("/")[0].removesuffix(".py"))
    for imported, level in imports(path):
        assert level == 0, f"{name} imports relatively"
        root, _, rest = imported.partition(".")
        assert root not in ("jobs", "serve", "tests"), f"{name} imports {imported}"
        if root == "ray":
            assert name.startswith(MAY_IMPORT_RAY), f"{name} imports Ray"
        if root == "drumline" and rest and not rest.startswith("__"):
            assert ORDER.index(rest.split(".")[0]) <= own, f"{name} imports {imported}, which stands to its right"


def test_packages_hold_a_docstring_and_nothing_else() -> None:
    for path in LIBRARY.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert ast.get_docstring(ast.Module(body=body, type_ignores=[])), path
        if path.parent != LIBRARY:
            assert len(body) == 1, path


def test_help_needs_neither_ray_nor_torch() -> None:
    code = "import sys, drumline.cli; sys.exit(bool({'ray', 'torch', 'librosa', 'pyarrow'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_job_shadows_the_standard_library() -> None:
    jobs = LIBRARY.parents[1] / "jobs"
    assert {path.stem for path in jobs.glob("*.py")}.isdisjoint(sys.stdlib_module_names)
