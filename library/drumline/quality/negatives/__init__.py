"""Confident false positives of a system, mined as hard negatives for training."""
