"""Events made anew: `python jobs/curate_events.py merge manifests 'events=[a.jsonl, b.jsonl]' output=out/merged`.

The same as `drumline merge`, `annotate`, `normalize`, `derive`, `collect` and `make`, in the form that `ray job submit`
runs (see README.md).
"""

import click

from drumline.cli import log_to_console
from drumline.commands.collect import collect
from drumline.commands.manifests import annotate, derive, merge, normalize
from drumline.commands.quality import make

if __name__ == "__main__":
    log_to_console()
    click.Group(commands=[merge, annotate, normalize, derive, collect, make])()
