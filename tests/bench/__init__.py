"""Speed and memory of the dataset build, measured; `python -m tests.bench --help`. Nothing here passes or fails."""
