"""What strangers send, by accident or on purpose."""

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import soundfile
from tests.export.tiny import noise


def silence(path: Path, *, hours: float) -> Path:
    """FLAC of 8 kHz: ten hours are less than a megabyte."""
    block = np.zeros(1 << 20, dtype=np.int16)
    with soundfile.SoundFile(path, "w", 8000, 1, format="FLAC", subtype="PCM_16") as file:
        for _ in range(round(hours * 3600 * 8000 / len(block)) + 1):
            file.write(block)
    return path


def without_length(data: bytes) -> bytes:
    """A FLAC file whose header does not say how long it is: only decoding tells (the 36 bits after 13 bytes of it)."""
    return data[:21] + bytes([data[21] & 0xF0, 0, 0, 0, 0]) + data[26:]


def truncated_ogg(path: Path) -> bytes:
    """Ogg Vorbis that stops in the middle of a page."""
    soundfile.write(path, noise(20.0), 22_050, format="OGG", subtype="VORBIS")
    data = path.read_bytes()
    return data[: len(data) // 3]


def many_channels(path: Path) -> bytes:
    """Nearly all of it silent."""
    soundfile.write(path, np.zeros((22_050, 64), dtype=np.float32), 22_050, format="WAV", subtype="PCM_16")
    return path.read_bytes()


def slow_upload(url: str, key: str, *, pause_s: float) -> int:
    """The status that is answered to somebody who sends a byte now and then."""
    location = urlsplit(url)
    with socket.create_connection((location.hostname or "", location.port or 80), timeout=30) as connection:
        head = (
            f"POST /v1/transcriptions HTTP/1.1\r\nHost: {location.netloc}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: audio/wav\r\nContent-Length: 100000\r\n\r\n"
        )
        connection.sendall(head.encode() + b"RIFF\x24\x00\x00\x00WAVEfmt ")
        connection.settimeout(pause_s)
        deadline_s = time.monotonic() + 30
        while time.monotonic() < deadline_s:
            try:
                if answer := connection.recv(4096):
                    return int(answer.split(b" ", 2)[1])
                return 0
            except TimeoutError:
                connection.sendall(b"\x00")
    return 0
