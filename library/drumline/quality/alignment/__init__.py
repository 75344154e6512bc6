"""Microphones of a session against each other, charts of a dataset against their audio."""
