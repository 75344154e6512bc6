"""Fit a class_thresholds.json: `python jobs/calibrate_model.py configs/calibrate_model/validation.yaml [name=value]`.

The same as `drumline calibrate`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import calibrate, log_to_console

if __name__ == "__main__":
    log_to_console()
    calibrate()
