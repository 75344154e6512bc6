"""The whole band: sources of a mix, the instruments in them, and their notes."""
