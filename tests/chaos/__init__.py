"""Faults on purpose: real clusters of this machine, of which something is killed, filled, cut, slowed or set wrong.

python -m tests.chaos                      every case of the matrix (`cases.py`), with a table for docs/studies.md
python -m tests.chaos build train/disk     those cases
pytest -m chaos tests/chaos                the same as tests
"""
