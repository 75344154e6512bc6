"""Train a model: `python jobs/train_model.py configs/train_model/demo.yaml [name=value ...]`.

The same as `drumline train`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import log_to_console, train

if __name__ == "__main__":
    log_to_console()
    train()
