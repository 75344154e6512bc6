"""Bootstrap confidence intervals of predictions on labelled samples, and comparison of two systems."""
