"""Training examples changed at random, with their labels: one transform a file."""
