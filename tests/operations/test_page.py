"""docs/operations.md: every command names files, options and configurations that there are."""

import re

import click
import pytest
from ray.scripts.scripts import cli as ray_cli
from ray.serve.scripts import cli as serve_cli
from tests.operations.commands import ROOT, check_drumline, check_job
from tests.operations.page import PAGE, Block, blocks

BLOCKS = blocks()
PLAIN = {"export", "mkdir", "umask", "openssl", "tr", "curl", "grep", "sleep", "cp", "sed", "aws"}
"""What any shell has, or the cloud's own client."""


def test_nothing_on_the_page_escapes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("```bash") == len(BLOCKS) == text.count("```") / 2
    assert {block.kind for block in BLOCKS} == {"run", "cloud"}
    sections = {block.section for block in BLOCKS if block.kind == "run"}
    assert sections == {"", "The build of 10,000 songs", "Training", "A new model, with no downtime", "Metrics"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.section or 'Settings'}-{block.kind}")
def test_every_command_is_one(block: Block) -> None:
    every = list(block.commands())
    assert every
    for words in every:
        program, *rest = words
        if program == "drumline":
            check_drumline(words)
        elif program in ("ray", "serve"):
            check_click(ray_cli if program == "ray" else serve_cli, rest)
        elif program == "docker":
            assert rest[0] in ("build", "push")
            assert rest[1:2] != ["-f"] or (ROOT / rest[2]).is_file()
        elif program == "kubectl":
            assert rest[:1] != ["apply"] or (ROOT / rest[2]).is_file()
        else:
            assert program in PLAIN, words


def check_click(command: click.Command, words: list[str]) -> None:
    """Parse a command of Ray's without running it, and check the job or the file that it names."""
    context = click.Context(command)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    if "--" in words:  # ray job submit OPTIONS -- ENTRYPOINT
        environment = words[words.index("--runtime-env") + 1]
        assert (ROOT / environment).is_file()
        job = words[words.index("--") + 1 :]
        check_job(job)  # each word is quoted for the shell by Ray: no quotes within quotes
    parser = command.make_parser(context)
    names = [name for name in words if name.endswith(".yaml") and "/" not in name]
    assert all((ROOT / name).is_file() for name in names), words
    parser.parse_args(list(words))


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / link).exists(), link
