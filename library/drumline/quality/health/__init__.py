"""What a dataset consists of, whether that is enough, and what changed since the last."""
