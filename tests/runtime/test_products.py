"""Finished work: found again, and removed without what else is in its folder."""

from pathlib import Path

from drumline.core.errors import Rejected
from drumline.runtime.products import Products


def test_only_products_are_removed_from_a_folder(tmp_path: Path) -> None:
    products = Products(str(tmp_path))
    products.save("0123456789abcdef", b"product")
    products.save("fedcba9876543210", Rejected("audio_missing", "none"))
    (tmp_path / "01" / "mine.parquet").write_bytes(b"a person's")
    products.forget_all()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mine.parquet"]
    assert products.find("0123456789abcdef") is None
