"""From what a model says to hits: calibration."""
