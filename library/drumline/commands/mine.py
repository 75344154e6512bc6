"""`drumline mine`: a model's errors as training material."""

import click

from drumline.commands.checks import quality_check


@click.group()
def mine() -> None:
    """Mine training material from errors. Arguments and exit codes are those of `drumline check`."""


@mine.command("negatives")
@quality_check("drumline.quality.negatives.mine", "MineNegativesConfig", writes=True)
def mine_negatives() -> None:
    """Mine confident false positives by class, from predictions or from a checkpoint run on a dataset.

    \b
    drumline mine negatives configs/mine_negatives/train.yaml checkpoint=out/train/small
    drumline mine negatives samples.predictions=predictions.jsonl samples.events=events.jsonl output=out/negatives
    """
