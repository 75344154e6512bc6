"""Sampled kits: SFZ, Hydrogen and SoundFonts as things to strike."""
