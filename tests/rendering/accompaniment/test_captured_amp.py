"""A capture gives what its published architecture gives, in chunks as in one pass, and skips silence for nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.rendering.accompaniment.tiny_guitar import tiny_capture

from drumline.core.errors import ConfigError
from drumline.rendering.accompaniment.cabinet import amp_facts
from drumline.rendering.accompaniment.captured_amp import open_amp

AMPS = Path("../shared/corpus/amps")


def slow(path: Path, samples: np.ndarray) -> np.ndarray:
    """The network sample by sample and tap by tap, each layer's input preceded by what silence leaves in it."""
    model = json.loads(path.read_text())
    weights = iter(model["weights"])

    def take(*shape: int) -> np.ndarray:
        return np.array([next(weights) for _ in range(int(np.prod(shape)))]).reshape(shape)

    arrays: list[Any] = []
    for array in model["config"]["layers"]:
        size = array["channels"]
        rechannel = take(size, array["input_size"])
        layers = [
            (dilation, take(size, size, 3), take(size), take(size), take(size, size), take(size))
            for dilation in array["dilations"]
        ]
        head = take(array["head_size"], size)
        arrays.append((rechannel, layers, head, take(array["head_size"]) if array["head_bias"] else 0.0))
    scale = take(1)[0]
    assert next(weights, None) is None
    padding = sum(2 * layer[0] for _, layers, _, _ in arrays for layer in layers)
    signal = np.concatenate([np.zeros(padding), samples])
    y, total = [np.array([value]) for value in signal], None
    for rechannel, layers, head, head_bias in arrays:
        y = [rechannel @ frame for frame in y]
        total = [np.zeros(len(y[0])) for _ in signal] if total is None else total
        for dilation, conv, bias, mix, out, out_bias in layers:
            after = []
            for at, frame in enumerate(y):
                past = [
                    y[at - dilation * back] if at >= dilation * back else np.zeros(len(frame)) for back in (2, 1, 0)
                ]
                z = np.tanh(sum(conv[:, :, tap] @ past[tap] for tap in range(3)) + bias + mix * signal[at])
                total[at] = total[at] + z
                after.append(frame + out @ z + out_bias)
            y = after
        total = [head @ frame + head_bias for frame in total]
    assert total is not None
    return scale * np.array(total)[padding:, 0]


def test_a_capture_is_what_its_architecture_says(tmp_path: Path) -> None:
    path = tiny_capture(tmp_path / "one.nam")
    samples = np.random.default_rng(1).normal(0, 1, 100).astype(np.float32)
    np.testing.assert_allclose(open_amp(str(path)).process(samples), slow(path, samples), atol=1e-6)


def test_chunks_and_skipped_silence_change_nothing(tmp_path: Path) -> None:
    amp = open_amp(str(tiny_capture(tmp_path / "one.nam")))
    samples = np.random.default_rng(2).normal(0, 0.5, 10_000).astype(np.float32)
    samples[3000:3500] = 0
    whole = amp.process(samples)
    parts = [amp.process(samples[max(0, start - amp.receptive_field) : start + 1000])[-1000:] for start in (4000, 8500)]
    np.testing.assert_allclose(parts[0], whole[4000:5000], atol=1e-6)
    np.testing.assert_allclose(parts[1], whole[8500:9500], atol=1e-6)
    assert (whole[3000 + amp.receptive_field : 3500] == np.float32(amp.silence)).all()
    np.testing.assert_array_equal(amp.process(np.zeros(100, dtype=np.float32)), np.float32(amp.silence))


def test_what_cannot_be_run_is_told(tmp_path: Path) -> None:
    path = tiny_capture(tmp_path / "one.nam")
    model = json.loads(path.read_text())
    for change, message in (
        ({"architecture": "LSTM"}, "LSTM capture; only WaveNet"),
        ({"sample_rate": 44_100}, "captured at 44100 Hz"),
        ({"weights": model["weights"][:-1]}, "fewer than its layers have"),
        ({"weights": [*model["weights"], 0.0]}, "1 more than its layers have"),
        ({"config": None}, r"broken\.nam"),
    ):
        (tmp_path / "broken.nam").write_text(json.dumps(model | change))
        open_amp.cache_clear()
        with pytest.raises(ConfigError, match=message):
            open_amp(str(tmp_path / "broken.nam"))


@pytest.mark.skipif(not AMPS.is_dir(), reason="needs ../shared/corpus/amps")
def test_captures_of_real_amplifiers() -> None:
    time_s = np.arange(4800) / 48_000
    pluck = (0.3 * np.sin(2 * np.pi * 110 * time_s) * np.exp(-5 * time_s)).astype(np.float32)
    for path in sorted(AMPS.glob("*.nam"))[::6]:
        amp = open_amp(str(path))
        out = amp.process(pluck) - amp.silence
        assert np.isfinite(out).all()
        assert 1e-3 < np.abs(out).max() < 3.0, path.name
        assert abs(amp.silence) < 0.01
    assert amp_facts(str(AMPS / "Phillipe P VOXAC15-JonAr1.nam")).is_clean
    assert not amp_facts(str(AMPS / "Helga B 5150 BlockLetter - NoBoost.nam")).is_clean
