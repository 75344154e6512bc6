"""Whole corpora of rendered songs: planned, rendered on a cluster, resumable."""
