"""A table for a terminal, or for `docs/benchmarks.md`."""

from collections.abc import Sequence

Cell = str | int | float | None


def table(headers: Sequence[str], rows: Sequence[Sequence[Cell]], *, markdown: bool) -> str:
    """Rows under headers, all but the first column flush right; None is a dash, floats have three digits."""
    texts = [list(headers), *([_text(cell) for cell in row] for row in rows)]
    if markdown:
        texts.insert(1, [" --- ", *[" ---: "] * (len(headers) - 1)])
        return "\n".join(f"| {' | '.join(cell.strip() for cell in row)} |" for row in texts)
    widths = [max(len(row[column]) for row in texts) for column in range(len(headers))]
    lines = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in texts]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
