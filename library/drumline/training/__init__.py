"""Batches to weights: the loop, checkpoints, Ray Train."""
