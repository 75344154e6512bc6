"""The HTTP endpoint: a Ray Serve application around `drumline.transcription`, with its page."""
