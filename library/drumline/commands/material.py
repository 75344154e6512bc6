"""`drumline corpora`: public material, listed, fetched and checked."""

import sys
from pathlib import Path

import click

from drumline.commands.options import handle_errors


@click.group()
def corpora() -> None:
    """Public corpora, drum kits and SoundFonts: list them, fetch them, check a folder."""


_catalogue_option = click.option(
    "--catalogue",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A YAML file of more materials, in the form of drumline's own catalogue.yaml.",
)


@corpora.command("list")
@click.argument("names", nargs=-1)
@_catalogue_option
@handle_errors
def list_corpora(names: tuple[str, ...], catalogue: Path | None) -> None:
    """List the catalogue with licences; with NAMES, show these entries in full."""
    from drumline.dataset.corpora.catalogue import find, load_catalogue
    from drumline.dataset.corpora.words import describe, table

    known = load_catalogue(catalogue)
    click.echo("\n\n".join(describe(find(known, name)) for name in names) if names else table(known.values()))


@corpora.command("fetch")
@click.argument("name")
@click.option(
    "--to", required=True, type=click.Path(file_okay=False, path_type=Path), help="Parent folder of the download."
)
@click.option("--yes", is_flag=True, help="Accept the licence and download without asking.")
@_catalogue_option
@handle_errors
def fetch_corpus(name: str, to: Path, yes: bool, catalogue: Path | None) -> None:
    """Download NAME into TO/NAME, after showing its size and licence and asking.

    A download that broke off goes on where it was when the same command runs again.

    \b
    drumline corpora fetch groove-midi --to ~/corpora
    """
    from drumline.dataset.corpora.catalogue import find, load_catalogue
    from drumline.dataset.corpora.words import describe

    material = find(load_catalogue(catalogue), name)
    click.echo(describe(material))
    if material.files and not yes:
        click.confirm(f"\nAccept the licence ({material.licence}) and download {material.size}?", abort=True)
    from drumline.dataset.corpora.check import check
    from drumline.dataset.corpora.fetch import fetch
    from drumline.dataset.corpora.words import verdict

    folder = fetch(material, to, show_progress=sys.stderr.isatty())
    found = check(material, folder, hashed=False)
    click.echo(f"\n{verdict(found, folder)}\nwhat came is recorded in {folder}.fetched.json")
    sys.exit(1 if found.problems else 0)


@corpora.command("check")
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="Compare the sizes of fetched files, not their contents.")
@_catalogue_option
@handle_errors
def check_corpus(folder: Path, name: str | None, quick: bool, catalogue: Path | None) -> None:
    """Check whether FOLDER is a complete copy of NAME, or of any catalogue entry. Exits 1 if not.

    Copies from any source are accepted; those made by `fetch` are also compared with the download.
    """
    from drumline.dataset.corpora.catalogue import find, load_catalogue
    from drumline.dataset.corpora.check import check, recognise
    from drumline.dataset.corpora.words import verdict

    known = load_catalogue(catalogue)
    verdicts = (
        [check(find(known, name), folder, hashed=not quick)]
        if name
        else recognise(known.values(), folder, hashed=not quick)
    )
    for each in verdicts:
        click.echo(verdict(each, folder))
    if not verdicts:
        click.echo(f"{folder}: nothing of the catalogue")
    sys.exit(0 if any(not each.problems for each in verdicts) else 1)
