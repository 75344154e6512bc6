"""``python -m drumline``: the `drumline` command."""

from drumline.cli import main

if __name__ == "__main__":
    main(prog_name="drumline")
