"""A collection of single strokes: added by hand, out of beatmaps, from other folders; counted, and exported."""
