"""Accompaniment of the drums: audio files, MIDI, or a band that follows the song."""
