"""Quality gates: `python jobs/check_dataset.py ready configs/check_ready/demo.yaml [name=value]`.

The same as `drumline check`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import check, log_to_console

if __name__ == "__main__":
    log_to_console()
    check()
