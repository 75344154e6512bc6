"""Transcribe a library: `python jobs/transcribe_library.py configs/transcribe_library/cpu.yaml [name=value]`.

The same as `drumline transcribe-library`, in the form that `ray job submit` runs (see README.md).
"""

from drumline.cli import log_to_console, transcribe_library

if __name__ == "__main__":
    log_to_console()
    transcribe_library()
