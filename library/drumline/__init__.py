"""drumline: from rhythm-game charts and recordings to drum-transcription data, models and charts."""

__version__ = "0.1.0"
