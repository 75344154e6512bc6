"""Format catalogue entries and check results for the terminal."""

from collections.abc import Iterable
from pathlib import Path

from drumline.dataset.corpora.catalogue import Material
from drumline.dataset.corpora.check import Verdict

NO_CHECKSUM = "no published checksum: recorded on first fetch"


def table(materials: Iterable[Material]) -> str:
    """Table of materials, one line each."""
    rows = [
        (each.name, each.kind, each.size, each.licence, "train" if each.may_train else "evaluate only", each.title)
        for each in materials
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join("  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows)


def describe(material: Material) -> str:
    """Full description of a material."""
    use = "may be trained on" if material.may_train else "for evaluation only: must not be trained on"
    lines = [f"{material.name}: {material.title}", f"  {material.homepage}"]
    lines.append(f"  licence   {material.licence} ({material.licence_url}); {use}")
    lines += [f"  cite      {material.citation}"] if material.citation else []
    lines += [f"  note      {material.note}"] if material.note else []
    lines.append(f"  size      {material.size}")
    for remote in material.files:
        lines += [f"  download  {remote.url}", f"            {remote.checksum or NO_CHECKSUM}"]
    if material.debian:
        lines.append(f"  Debian    apt install {material.debian.package}  ({material.debian.path})")
    return "\n".join(lines)


def verdict(found: Verdict, folder: Path) -> str:
    """Describe the check result of a folder."""
    counts = ", ".join(f"{number} {pattern}" for pattern, (number, _) in found.counts.items())
    if not found.problems:
        how = {None: "not fetched by drumline", False: "sizes as fetched", True: "contents as fetched"}[found.compared]
        return f"{folder}: holds {found.material.name} ({counts}; {how})"
    return "\n".join([f"{folder}: {found.material.name} is not whole:", *(f"  {line}" for line in found.problems)])
