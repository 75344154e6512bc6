"""Offset and drift between a chart and its audio, and the verdict on whether they belong together."""
