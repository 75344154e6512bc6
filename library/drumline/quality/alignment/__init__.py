"""Synchrony of a session's microphones, and alignment of a dataset's charts with their audio."""
