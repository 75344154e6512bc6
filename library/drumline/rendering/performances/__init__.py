"""Performances to render: recorded ones, varied, and passages that no recording has."""
