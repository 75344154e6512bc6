"""What a transcription can be written as, one file a format."""
