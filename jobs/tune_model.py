"""Sweep over trainings or decodings: `python jobs/tune_model.py configs/tune_model/demo.yaml [name=value ...]`.

The same as `drumline tune`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import log_to_console, tune

if __name__ == "__main__":
    log_to_console()
    tune()
