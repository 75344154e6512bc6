"""`drumline mine`: what a model gets wrong, as material for its training."""

import click

from drumline.commands.checks import quality_check


@click.group()
def mine() -> None:
    """Material for training out of mistakes. Arguments and exit codes are those of `drumline check`."""


@mine.command("negatives")
@quality_check("drumline.quality.negatives.mine", "MineNegativesConfig", writes=True)
def mine_negatives() -> None:
    """Confident false alarms per class, from predictions or straight from a checkpoint over a dataset.

    \b
    drumline mine negatives configs/mine_negatives/train.yaml checkpoint=out/train/small
    drumline mine negatives samples.predictions=predictions.jsonl samples.events=events.jsonl output=out/negatives
    """
