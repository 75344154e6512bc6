"""`drumline init`: the configurations that commands name, written where they can be edited."""

from importlib.resources import as_file, files
from pathlib import Path

import click

from drumline.commands.options import handle_errors
from drumline.core.errors import ConfigError


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@handle_errors
def init(folder: Path) -> None:
    """Write the example configurations into FOLDER/configs.

    An existing file is never replaced: if one differs from the configuration of that name, nothing is written.

    \b
    drumline init .
    drumline build-dataset configs/build_dataset/demo.yaml --dry-run
    """
    with as_file(files("drumline") / "configs") as source:
        contents = {
            folder / "configs" / path.relative_to(source): path.read_bytes() for path in sorted(source.rglob("*.yaml"))
        }
    if changed := [path for path, data in contents.items() if path.exists() and path.read_bytes() != data]:
        raise ConfigError(f"{changed[0]}: exists with other contents ({len(changed)} such files): name another folder")
    for path, data in contents.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
    click.echo(f"{len(contents)} configurations in {folder / 'configs'}")
