"""Mine confident false alarms: `python jobs/mine_negatives.py configs/mine_negatives/train.yaml [name=value]`.

The same as `drumline mine negatives`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import log_to_console
from drumline.commands.mine import mine_negatives

if __name__ == "__main__":
    log_to_console()
    mine_negatives()
