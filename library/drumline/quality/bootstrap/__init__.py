"""Intervals for predictions on labelled samples, and the comparison of two systems."""
