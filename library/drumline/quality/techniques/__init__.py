"""Playing techniques, inferred from what is told of strokes: one family of rules a file."""
