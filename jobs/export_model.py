"""Make a model package: `python jobs/export_model.py configs/export_model/small.yaml [name=value]`.

The same as `drumline export-model`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import export_model, log_to_console

if __name__ == "__main__":
    log_to_console()
    export_model()
