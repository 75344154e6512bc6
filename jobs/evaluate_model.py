"""Judge systems from their files: `python jobs/evaluate_model.py configs/evaluate_model/rivals_mix.yaml [name=value]`.

The same as `drumline evaluate`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import evaluate, log_to_console

if __name__ == "__main__":
    log_to_console()
    evaluate()
