"""Output formats of a transcription, one module per format."""
