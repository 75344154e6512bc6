"""Which file holds the drums, one decoder, loudness, fingerprints, and the Demucs fallback."""
