"""Selection of the file that holds the drums, one decoder, loudness, fingerprints, and the Demucs fallback."""
