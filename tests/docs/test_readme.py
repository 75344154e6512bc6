"""What the first page says of the released model is what the model's own card says."""

import re
from pathlib import Path

from drumline.decoding.model_package import find_package

README = Path(__file__).parents[2] / "README.md"


def test_the_first_page_has_the_released_models_scores() -> None:
    card = (find_package("") / "card.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .* to [^|]*\) \|$", card, re.MULTILINE)
    assert len(rows) >= 5
    text = README.read_text(encoding="utf-8")
    assert [row for row in rows if row not in text] == []
