"""Small MIDI files for tests."""

import io

import mido


def midi_file(tracks, *, tempos=((0, 500_000),), texts=(), resolution=480, midi_format=1):
    """Bytes of a file: a tempo track, then tracks by name of notes (tick, length, pitch, velocity).

    ``texts`` are (tick, text) on the last track; tempos are (tick, microseconds in a quarter note). Tracks may also be
    (name, notes) or (name, notes, SysEx events as (tick, bytes)), of which several may share a name.
    """
    file = mido.MidiFile(type=midi_format, ticks_per_beat=resolution)
    file.tracks.append(_track([(tick, 0, mido.MetaMessage("set_tempo", tempo=tempo)) for tick, tempo in tempos]))
    tracks = list(tracks.items()) if isinstance(tracks, dict) else tracks
    for number, (name, notes, *marks) in enumerate(tracks, start=1):
        messages = [(0, -1, mido.MetaMessage("track_name", name=name))]
        for tick, data in marks[0] if marks else []:
            messages.append((tick, 0, mido.Message("sysex", data=data.replace(b"\xff", b"\x7f"))))
        for tick, length, pitch, velocity in notes:
            messages.append((tick, 1, mido.Message("note_on", note=pitch, velocity=velocity)))
            messages.append((tick + length, 0 if length else 2, mido.Message("note_off", note=pitch)))
        if number == len(tracks):
            messages += [(tick, 1, mido.MetaMessage("text", text=text)) for tick, text in texts]
        file.tracks.append(_track(messages))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue().replace(b"PS\0\0\x7f", b"PS\0\0\xff")  # mido writes no byte above 127, charts do


def _track(messages):
    track, now = mido.MidiTrack(), 0
    for tick, _, message in sorted(messages, key=lambda entry: entry[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    return track
