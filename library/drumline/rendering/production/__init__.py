"""Dry pieces become a drum bus, and with a backing a mix; no hit is moved."""
