"""Build a training set: `python jobs/build_dataset.py configs/build_dataset/demo.yaml [name=value ...]`.

The same as `drumline build-dataset`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import build_dataset, log_to_console

if __name__ == "__main__":
    log_to_console()
    build_dataset()
