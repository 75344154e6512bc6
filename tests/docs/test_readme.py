"""What the first page says of the released model is what the model's own card says."""

import re
from pathlib import Path

from drumline.export.package import find_package

README = Path(__file__).parents[2] / "README.md"


def test_the_first_page_tells_the_released_models_scores() -> None:
    card = (find_package("") / "card.md").read_text(encoding="utf-8")
    rows = [
        re.search(rf"^\| {part} \| ([\d.]+) .*?\| ([\d.]+) ", card, re.MULTILINE)
        for part in ("drum tracks", "rebuilt mixes")
    ]
    (drums, drums_rival), (mix, mix_rival) = (row.groups() for row in rows if row)
    text = " ".join(README.read_text(encoding="utf-8").split())
    told = f"the released model finds {drums} % (micro F, 5 classes, ±50 ms) on drum tracks and {mix} % on mixes"
    assert told in text
    assert f"ADTOF, the best public one, {drums_rival} % and {mix_rival} %" in text
