"""Hits to audio with exact labels."""
