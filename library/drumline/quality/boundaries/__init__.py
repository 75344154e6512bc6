"""Onsets near the edges of streaming windows: packs of them, and what is heard there."""
