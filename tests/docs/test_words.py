"""Names and prose use the field's terms: banned identifiers, docstring openings, and widths of Markdown lines."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BANNED = {
    "told", "tell", "tells", "heard", "hears", "Told", "Heard", "Outside", "Desk", "Asked", "Unread", "Wanted", "Front",
}  # fmt: skip
OPENINGS = ("Of ", "What ", "Likewise", "Which ")
WIDTH = 100
PACKAGES = sorted(
    path
    for parent in (ROOT / "library/drumline", ROOT / "serve")
    for path in parent.iterdir()
    if path.suffix == ".py" or (path / "__init__.py").is_file()
)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def banned_names(tree: ast.AST) -> set[str]:
    """Banned identifiers of a module: names, and attributes that are assigned."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name != "tell":  # of Python's own files
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):  # other uses may be a library's
            names.add(node.attr)
    return names & BANNED


def vague_docstrings(tree: ast.AST) -> list[str]:
    """Docstrings, those of fields included, that do not stand alone."""
    texts = (
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )
    return [text[:40] for text in texts if text.startswith(OPENINGS)]


def faults(path: Path) -> list[str]:
    """What is wrong in a package, with its places."""
    found = []
    for file in [path] if path.suffix == ".py" else sorted(path.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found += [f"{file.relative_to(ROOT)}: {fault}" for fault in (*banned_names(tree), *vague_docstrings(tree))]
    return found


def long_lines(text: str) -> list[str]:
    """Lines of prose wider than `WIDTH`: outside code, tables, images, generated blocks and lone long words."""
    prose = re.sub(r"<!-- made: .*?<!-- end -->|^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in prose.splitlines() if not line.lstrip().startswith(("|", "#", "!["))]
    return [line for line in lines if len(line) > WIDTH and len(line.split()) > 2]


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_code_has_no_banned_name_and_no_vague_docstring(path: Path) -> None:
    assert faults(path) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_prose_is_at_most_100_columns(page: Path) -> None:
    assert long_lines(page.read_text(encoding="utf-8")) == []


def test_the_lint_finds_what_it_bans() -> None:
    tree = ast.parse('def told(x):\n    """What it is."""\n    heard = x.place\n')
    assert banned_names(tree) == {"told", "heard"}
    assert vague_docstrings(tree) == ["What it is."]
    assert long_lines("word " * 30 + "\n```\n" + "code " * 30 + "\n```\n") == [("word " * 30)]
