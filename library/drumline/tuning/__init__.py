"""Sweeps: which values of a configuration's keys make the best model, or read its activations best."""
