"""Whole libraries of songs, on Ray: what to transcribe, the work on one song, and the run."""
