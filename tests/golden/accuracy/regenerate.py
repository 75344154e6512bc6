"""Write golden.json anew, after a change that should change accuracy: say in the commit why.

python -m tests.golden.accuracy.regenerate
"""

import json
from pathlib import Path

from tests.conftest import CORPUS
from tests.golden.accuracy.measure import f5, mdb, rendered

from drumline.transcription.engine import open_engine

if __name__ == "__main__":
    engine = open_engine()
    found = {"rendered": rendered(), "drums": mdb(CORPUS / "mdb", "drums"), "mix": mdb(CORPUS / "mdb", "rebuilt")}
    told = {name: round(f5(engine, songs), 4) for name, songs in found.items()}
    Path(__file__).with_name("golden.json").write_text(json.dumps(told, indent=1) + "\n")
    print(told)
