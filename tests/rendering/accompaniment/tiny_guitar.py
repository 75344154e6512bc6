"""A guitar of decaying tones and an amplifier of random weights, as files, for tests that need no downloads."""

import json
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE_HZ = 22_050
LEAD_IN_S = 0.02
KEYS = (40, 52, 64)


def tiny_guitar(folder: Path, *, octave: int = 0) -> Path:
    """An .sfz of three keys in two velocity layers and two takes, one of them missing; it sounds octaves lower."""
    lines = []
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    folder.mkdir(parents=True, exist_ok=True)
    for key in KEYS:
        hz = 440 * 2 ** ((key - 12 * octave - 69) / 12)
        for layer, (low, high, level) in enumerate(((1, 90, 0.2), (91, 127, 0.5))):
            for take, span in enumerate(("hirand=0.5", "lorand=0.5")):
                name = f"{key}_{layer}_{take}"
                lines.append(f"<region> sample=notes\\{name}.wav {span} lovel={low} hivel={high} ")
                lines[-1] += f"lokey={key - 6} hikey={key + 5} pitch_keycenter={key}"
                if (key, layer, take) == (52, 1, 1):
                    continue
                tone = level * sum(np.cos(2 * np.pi * hz * n * time_s + take) / n for n in (1, 2, 3))
                struck = np.concatenate([np.zeros(round(LEAD_IN_S * SAMPLE_RATE_HZ)), tone * np.exp(-2 * time_s)])
                (folder / "notes").mkdir(exist_ok=True)
                soundfile.write(folder / "notes" / f"{name}.flac", 0.5 * struck, SAMPLE_RATE_HZ)
    (folder / "guitar.sfz").write_text("\n".join(lines))
    return folder / "guitar.sfz"


def tiny_capture(path: Path, *, channels: tuple[int, int] = (3, 2), seed: int = 0) -> Path:
    """A .nam of two small layer arrays."""
    first, second = channels
    arrays = [
        {"input_size": 1, "channels": first, "head_size": second, "head_bias": False},
        {"input_size": first, "channels": second, "head_size": 1, "head_bias": True},
    ]
    common = {"condition_size": 1, "kernel_size": 3, "dilations": [1, 2, 8], "activation": "Tanh", "gated": False}
    count = 1
    for array in arrays:
        size = array["channels"]
        array |= common
        count += size * array["input_size"] + 3 * (3 * size**2 + size + size + size**2 + size)
        count += array["head_size"] * (size + array["head_bias"])
    weights = np.random.default_rng(seed).normal(0, 0.5, count).tolist()
    config = {"layers": arrays, "head": None, "head_scale": 0.02}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"architecture": "WaveNet", "config": config, "weights": weights}))
    return path
