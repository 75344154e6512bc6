"""Playing techniques inferred from hits, tempo and metre by rules."""
