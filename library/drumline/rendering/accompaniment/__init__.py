"""What plays with the drums: audio of one's own, MIDI, or a band that follows the song."""
