"""Build a training set: `python jobs/build_dataset.py configs/build_dataset/demo.yaml [name=value ...]`.

The same as `drumline build-dataset`, in the form that `ray job submit` runs (docs/operations in README.md).
"""

import logging
import sys

from drumline.cli import build_dataset

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    build_dataset()
