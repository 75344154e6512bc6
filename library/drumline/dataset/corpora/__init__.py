"""Public corpora, kits and SoundFonts: catalogue, download and completeness checks."""
