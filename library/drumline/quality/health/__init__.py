"""Composition of a dataset, required counts, and comparison with an earlier dataset."""
