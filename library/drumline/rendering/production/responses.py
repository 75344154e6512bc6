"""A piece's whole way to the bus as one impulse response, and all pieces through theirs in one go.

Gain, pan, equalisers, bleed and room are linear and do not change with time, so a unit impulse that has gone through
them says it all. The responses are short and cheap to make; the songs are long and meet one convolution
(overlap-add: the spectra of all pieces are summed before the way back).
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from drumline.effects import filters
from drumline.effects.filters import Band
from drumline.effects.kit_layout import PLACES, SPEED_OF_SOUND, distance_m
from drumline.effects.room import MeasuredRoom, measured_response, shoebox_response
from drumline.rendering.production.production import Bleed, Piece, Production

Samples = NDArray[np.float32]
Response = NDArray[np.float64]

_FILTER_LENGTH_S: Final = 0.2  # a peak of Q 2 at 50 Hz has fallen by 136 dB
_MAX_LEAK: Final = 0.25
"""All leaks over the direct sound, in the sums of their responses' magnitudes: the most that any tone is passed on."""
_MAX_REFLECTION: Final = 0.7
"""The strongest single reflection over the direct sound."""
_MIN_TRANSFORM: Final = 1 << 15
_MAX_TRANSFORM: Final = 1 << 19


def pan_gains(pan: float, channels: int) -> NDArray[np.float64]:
    """Constant power: the squares of left and right sum to 1. One channel hears a pan as it would sound folded down."""
    angle = (pan + 1) * math.pi / 4
    left, right = math.cos(angle), math.sin(angle)
    return np.array([left, right]) if channels == 2 else np.array([(left + right) / math.sqrt(2)])


def response_of(name: str, production: Production, *, rate_hz: int) -> Response:
    """From the dry piece to the bus: float64 [channels, L]. Its direct sound is at sample 0."""
    desk = {piece.name: piece for piece in production.pieces}
    length = _filter_length(production, rate_hz)
    impulse = np.zeros(length)
    impulse[0] = 1.0
    close = _through(desk.get(name, Piece(name)), impulse, production.channels, rate_hz)
    if production.bleed is not None:
        leaks = np.zeros_like(close)
        for other in PLACES:
            if other != name:
                leak = _leak(production.bleed, distance_m(name, other), length, rate_hz)
                leaks += _through(desk.get(other, Piece(other)), leak, production.channels, rate_hz)
        # Turned up far enough, another microphone would hear the piece first, and late: nobody leaves it there.
        close = close + leaks * min(1.0, _MAX_LEAK * np.abs(close).sum() / np.abs(leaks).sum())
    if production.room is not None:
        wet = _wet(name, production, rate_hz)
        # Sound that has travelled further and met a wall is weaker than the direct one, however wet the room.
        gain = min(10 ** (production.room.wet_db / 20), _MAX_REFLECTION / np.abs(wet).max())
        send = close.sum(axis=0, keepdims=True) / math.sqrt(production.channels)  # a room answers on all sides
        with_room = signal.fftconvolve(send, gain * wet, axes=-1)
        with_room[:, :length] += close
        close = with_room
    return filters.apply(production.bands, close, rate_hz=rate_hz)


def convolve_and_sum(pieces: Mapping[str, Samples], responses: Mapping[str, Response]) -> Samples:
    """Pieces [N] through responses [channels, L], summed and cut to N: float32 [channels, N]. Silence costs nothing."""
    length = max(len(samples) for samples in pieces.values())
    channels, longest = next(iter(responses.values())).shape
    if longest == 1:
        total = np.zeros((channels, length), dtype=np.float32)
        for name, samples in pieces.items():
            total += responses[name].astype(np.float32) * samples
        return total
    size = _transform_size(length, longest)
    step = size - longest + 1
    spectra = {name: fft.rfft(response.astype(np.float32), size) for name, response in responses.items()}
    total = np.zeros((channels, length + size), dtype=np.float32)
    product = np.empty((channels, size // 2 + 1), dtype=np.complex64)
    for start in range(0, length, step):
        sounding = [name for name, samples in pieces.items() if samples[start : start + step].any()]
        if not sounding:
            continue
        block = np.zeros((len(sounding), size), dtype=np.float32)
        for row, name in zip(block, sounding, strict=True):
            part = pieces[name][start : start + step]
            row[: len(part)] = part
        summed = np.zeros_like(product)
        for spectrum, name in zip(fft.rfft(block), sounding, strict=True):  # together: several rows to an instruction
            summed += np.multiply(spectrum, spectra[name], out=product)
        total[:, start : start + size] += fft.irfft(summed, size)
    return total[:, :length]


def _filter_length(production: Production, rate_hz: int) -> int:
    plain = production.bleed is None and not production.bands and not any(p.bands for p in production.pieces)
    return 1 if plain else round(_FILTER_LENGTH_S * rate_hz)


def _through(piece: Piece, samples: Response, channels: int, rate_hz: int) -> Response:
    gains = pan_gains(piece.pan, channels) * 10 ** (piece.gain_db / 20)
    return gains[:, None] * filters.apply(piece.bands, samples, rate_hz=rate_hz)


def _leak(bleed: Bleed, metres: float, length: int, rate_hz: int) -> Response:
    leak = np.zeros(length)
    delay = max(1, round(metres / SPEED_OF_SOUND * rate_hz))
    leak[delay] = 10 ** (bleed.level_db / 20) / metres
    return filters.apply([Band("low_pass", bleed.low_pass_hz)], leak, rate_hz=rate_hz)


def _wet(name: str, production: Production, rate_hz: int) -> Response:
    room = production.room
    if isinstance(room, MeasuredRoom):
        return measured_response(room.file, channels=production.channels, rate_hz=rate_hz)
    assert room is not None
    return shoebox_response(room, piece=name, channels=production.channels, rate_hz=rate_hz)


def _transform_size(length: int, longest: int) -> int:
    """About eight responses, so that seven eighths of each transform are song; fewer where that is too large."""
    wanted = min(max(8 * longest, _MIN_TRANSFORM), max(_MAX_TRANSFORM, 2 * longest))
    return int(fft.next_fast_len(min(wanted, length + longest - 1), real=True))
