"""A SoundFont of some 2 kB: one looped sine for every key, under the programs asked for.

SoundFont 2.04: http://www.synthfont.com/sfspec24.pdf
"""

import struct
from collections.abc import Sequence

import numpy as np

RATE_HZ = 22_050
PERIOD = 50  # samples: 441 Hz
PERIODS = 20
_INSTRUMENT, _SAMPLE_MODES, _SAMPLE_ID = 41, 54, 53


def tiny_soundfont(programs: Sequence[int] = (0,), bank: int = 0, drums: bool = False) -> bytes:
    """``drums`` adds a kit of sines."""
    sine = np.sin(2 * np.pi * np.arange(PERIODS * PERIOD) / PERIOD)
    samples = np.concatenate([0.5 * sine, np.zeros(46)])  # the specification wants 46 zeros behind each sample
    places = [(program, bank) for program in programs] + [(0, 128)] * drums
    presets = [struct.pack("<20sHHHIII", b"sine", *location, index, 0, 0, 0) for index, location in enumerate(places)]
    num = len(presets)
    pdta = {
        "phdr": b"".join(presets) + struct.pack("<20sHHHIII", b"EOP", 0, 0, num, 0, 0, 0),
        "pbag": b"".join(struct.pack("<HH", index, 0) for index in range(num + 1)),
        "pmod": bytes(10),
        "pgen": struct.pack("<HH", _INSTRUMENT, 0) * num + bytes(4),
        "inst": struct.pack("<20sH", b"sine", 0) + struct.pack("<20sH", b"EOI", 1),
        "ibag": struct.pack("<HHHH", 0, 0, 2, 0),
        "imod": bytes(10),
        "igen": struct.pack("<HHHH", _SAMPLE_MODES, 1, _SAMPLE_ID, 0) + bytes(4),
        "shdr": struct.pack("<20sIIIIIBbHH", b"sine", 0, len(sine), PERIOD, len(sine) - PERIOD, RATE_HZ, 69, 0, 0, 1)
        + struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    info = _chunk("ifil", struct.pack("<HH", 2, 4)) + _chunk("isng", b"EMU8000\0") + _chunk("INAM", b"tiny\0\0")
    body = b"sfbk" + _list("INFO", info) + _list("sdta", _chunk("smpl", (samples * 32767).astype("<i2").tobytes()))
    return _chunk("RIFF", body + _list("pdta", b"".join(_chunk(name, data) for name, data in pdta.items())))


def _chunk(name: str, data: bytes) -> bytes:
    return name.encode() + struct.pack("<I", len(data)) + data


def _list(name: str, data: bytes) -> bytes:
    return _chunk("LIST", name.encode() + data)
