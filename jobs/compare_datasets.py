"""A candidate against a baseline: `python jobs/compare_datasets.py health candidate=... baseline=...`.

The same as `drumline compare`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import compare, log_to_console

if __name__ == "__main__":
    log_to_console()
    compare()
