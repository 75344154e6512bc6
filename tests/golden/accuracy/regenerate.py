"""Write golden.json anew, after a change that should change accuracy: say in the commit why.

python -m tests.golden.accuracy.regenerate
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.golden.accuracy.measure import development, f5, rendered

from drumline.transcription.engine import open_engine

if __name__ == "__main__":
    engine = open_engine()
    with TemporaryDirectory() as folder:
        found = {"rendered": f5(engine, rendered()), "development": development(engine, Path(folder))}
    found = {name: round(f, 4) for name, f in found.items()}
    Path(__file__).with_name("golden.json").write_text(json.dumps(found, indent=1) + "\n")
    print(found)
