"""Rooms decay as drawn, and their reflections come from where a mirror would put the kit."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy import signal

from drumline.effects.kit_layout import PLACES, SPEED_OF_SOUND
from drumline.effects.room import MeasuredRoom, Shoebox, direct_path, measured_response, shoebox_response

RATE_HZ = 44_100
BANDS_HZ = ((60, 150), (600, 1500), (6000, 12_000))


def room(rt60_s: tuple[float, float, float], size_m: tuple[float, float, float] = (5.0, 6.0, 2.8)) -> Shoebox:
    return Shoebox(size_m, (2.0, 2.0, 0.0), (3.1, 4.5, 1.5), 0.5, rt60_s, 0.0, seed=7)


def measured_rt60_s(response: np.ndarray, band_hz: tuple[float, float]) -> float:
    """Three times the fall from -5 to -25 dB of the backward-integrated energy (ISO 3382, T20)."""
    band = signal.sosfiltfilt(signal.butter(4, band_hz, "bandpass", output="sos", fs=RATE_HZ), response)
    decay_db = 10 * np.log10(np.cumsum(band[::-1] ** 2)[::-1] / np.sum(band**2) + 1e-12)
    inside = (decay_db < -5) & (decay_db > -25)
    slope = np.polyfit(np.flatnonzero(inside) / RATE_HZ, decay_db[inside], 1)[0]
    return -60 / float(slope)


@pytest.mark.parametrize("rt60_s", [(0.3, 0.25, 0.15), (0.8, 0.7, 0.4), (2.4, 2.0, 1.1)])
def test_energy_decays_as_drawn(rt60_s: tuple[float, float, float]) -> None:
    response = shoebox_response(room(rt60_s), piece="snare", channels=1, rate_hz=RATE_HZ)[0]
    for expected_s, band_hz in zip(rt60_s, BANDS_HZ, strict=True):
        assert measured_rt60_s(response, band_hz) == pytest.approx(expected_s, rel=0.2)


def test_a_response_has_energy_one_and_no_direct_sound() -> None:
    response = shoebox_response(room((0.8, 0.7, 0.4)), piece="kick", channels=2, rate_hz=RATE_HZ)
    assert np.mean(np.sum(response**2, axis=1)) == pytest.approx(1.0)
    assert not response[:, 0].any()


def test_a_gate_cuts_the_answer_off() -> None:
    gated = replace(room((2.4, 2.0, 1.1)), gate_s=0.2)
    response = shoebox_response(gated, piece="snare", channels=1, rate_hz=RATE_HZ)[0]
    assert not response[round(0.2 * RATE_HZ) :].any()
    assert response[round(0.18 * RATE_HZ) : round(0.19 * RATE_HZ)].any()
    assert np.sum(response**2) == pytest.approx(1.0)


def test_channels_are_decorrelated() -> None:
    left, right = shoebox_response(room((0.8, 0.7, 0.4)), piece="snare", channels=2, rate_hz=RATE_HZ)
    assert abs(np.corrcoef(left[3000:], right[3000:])[0, 1]) < 0.1


def test_the_first_reflection_is_the_floors() -> None:
    hall = room((2.0, 2.0, 2.0), (30.0, 30.0, 12.0))
    response = shoebox_response(hall, piece="snare", channels=1, rate_hz=RATE_HZ)[0]
    source = np.array(hall.kit_m) + PLACES["snare"]
    direct_m = math.dist(source, hall.microphone_m)
    mirrored_m = math.dist(source * (1, 1, -1), hall.microphone_m)
    assert int(np.argmax(response != 0)) == round((mirrored_m - direct_m) / SPEED_OF_SOUND * RATE_HZ)


def test_a_measured_room_keeps_what_follows_the_direct_sound(tmp_path: Path) -> None:
    taps = np.zeros((4000, 2))
    taps[500], taps[600], taps[700] = (0.8, 0.7), (0.3, 0.1), (0.1, 0.4)
    soundfile.write(tmp_path / "room.flac", taps, RATE_HZ, subtype="PCM_24")
    response = measured_response(str(tmp_path / "room.flac"), channels=2, rate_hz=RATE_HZ)
    for channel, first, second in ((0, 0.3, 0.1), (1, 0.1, 0.4)):
        assert set(np.flatnonzero(response[channel])) == {100, 200}
        assert response[channel, 100] / response[channel, 200] == pytest.approx(first / second, rel=1e-3)


def test_the_direct_sound_is_the_first_high_peak() -> None:
    response = np.zeros((1, 100))
    response[0, [10, 20, 21, 50]] = 0.1, 0.6, 0.9, 1.0  # noise, the rise and top of the direct sound, a louder echo
    assert direct_path(response) == 21
    with pytest.raises(ValueError, match="silent"):
        direct_path(np.zeros((2, 100)))


def test_rooms_are_told_apart_in_a_cache(tmp_path: Path) -> None:
    one, other = room((0.8, 0.7, 0.4)), room((0.8, 0.6, 0.4))
    first = shoebox_response(one, piece="snare", channels=1, rate_hz=RATE_HZ)
    assert not np.array_equal(first, shoebox_response(other, piece="snare", channels=1, rate_hz=RATE_HZ))
    np.testing.assert_array_equal(first, shoebox_response(one, piece="snare", channels=1, rate_hz=RATE_HZ))
    with pytest.raises(FileNotFoundError):
        measured_response(MeasuredRoom(str(tmp_path / "none.wav"), 0.0).file, channels=1, rate_hz=RATE_HZ)
