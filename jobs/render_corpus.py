"""Render songs with exact labels: `python jobs/render_corpus.py configs/render_corpus/demo.yaml [name=value ...]`.

The same as `drumline render-corpus`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import log_to_console, render_corpus

if __name__ == "__main__":
    log_to_console()
    render_corpus()
