"""Onsets near the edges of streaming windows: boundary packs, and recall there."""
