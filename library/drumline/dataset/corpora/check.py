"""Check whether folders are complete copies of catalogued material: file counts, sizes and checksums."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from drumline.core.artifacts import sha256_file
from drumline.dataset.corpora.catalogue import Material
from drumline.dataset.corpora.fetch import Record, read_record


@dataclass(frozen=True)
class Verdict:
    """Result of checking one material in a folder."""

    material: Material
    counts: dict[str, tuple[int, int]]
    """(matching files, required files) by pattern."""
    damaged: tuple[str, ...] = ()
    """Files that differ from the download, each with its problem."""
    compared: bool | None = None
    """Agreement with the download record: True by contents, False by sizes only, None without a record."""

    @property
    def problems(self) -> tuple[str, ...]:
        missing = [
            f"{name}: {found} files, {wanted} wanted" for name, (found, wanted) in self.counts.items() if found < wanted
        ]
        return (*missing, *self.damaged)


def check(material: Material, folder: Path, *, hashed: bool) -> Verdict:
    """Check a folder or file against a material; ``hashed`` compares the contents of downloaded files."""
    files = _files(folder)
    record = read_record(folder)
    if record is None or record.name != material.name:
        return Verdict(material, _counts(material, folder, files))
    return Verdict(material, _counts(material, folder, files), tuple(compare(record, files, hashed=hashed)), hashed)


def recognise(materials: Collection[Material], folder: Path, *, hashed: bool) -> list[Verdict]:
    """Check a folder against all materials: returns the complete ones, else those that are partly present."""
    files = _files(folder)
    found = {material.name: _counts(material, folder, files) for material in materials}
    begun = [each for each in materials if all(number for number, _ in found[each.name].values())]
    whole = [each for each in begun if all(number >= wanted for number, wanted in found[each.name].values())]
    return [check(material, folder, hashed=hashed) for material in whole or begun]


def compare(record: Record, files: dict[str, Path], *, hashed: bool) -> Iterable[str]:
    """Differences between a download record and files: sizes, and with ``hashed`` contents."""
    for fetched in record.files:
        if (path := files.get(fetched.path)) is None:
            yield f"{fetched.path}: missing"
        elif (num_bytes := path.stat().st_size) != fetched.num_bytes:
            yield f"{fetched.path}: {num_bytes:,} bytes, {fetched.num_bytes:,} were fetched"
        elif hashed and sha256_file(path) != fetched.sha256:
            yield f"{fetched.path}: its SHA-256 is not that of what was fetched"


def _files(folder: Path) -> dict[str, Path]:
    """Files below a folder by relative path with "/"; a single file counts as a folder of one."""
    if folder.is_file():
        return {folder.name: folder}
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def _counts(material: Material, folder: Path, files: Collection[str]) -> dict[str, tuple[int, int]]:
    """(matching files, required files) by pattern; the folder's own name is part of the paths."""
    paths = [f"{folder.resolve().name}/{path}".casefold() for path in files]
    return {
        pattern: (sum(_ends_with(path, pattern.casefold()) for path in paths), wanted)
        for pattern, wanted in material.holds.items()
    }


def _ends_with(path: str, pattern: str) -> bool:
    """Whether the last parts of a path match the parts of a pattern."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts[-len(wanted) :], wanted))
