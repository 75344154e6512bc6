"""Weights are found before the job, told by one error where they are not, and never run code."""

import os
import pickle
from pathlib import Path

import pytest

from drumline.audio.separation.protocol import SeparationConfig, open_separator, separator_fingerprint
from drumline.audio.separation.weights import VARIABLE, Weights, resolve
from drumline.core.errors import DrumlineError

pytest.importorskip("demucs", reason="the optional separation packages are not installed")

import torch
from tests.audio.tiny_demucs import save_bag, save_safetensors, save_th, tiny_model


def find(path: Path | str = "", *, backend: str = "demucs", environment: dict[str, str] | None = None) -> Weights:
    return resolve(backend, path=str(path), model="htdemucs", download=False, environment=environment or {})


def load(file: Path) -> None:
    open_separator(SeparationConfig(backend="demucs"), find(file))


def test_the_order_of_places(tmp_path: Path) -> None:
    (configured := tmp_path / "a.onnx").write_bytes(b"a")
    (exported := tmp_path / "b.onnx").write_bytes(b"b")
    environment = {VARIABLE: str(exported)}
    assert find(configured, backend="onnx", environment=environment).files == (configured,)
    assert find(backend="onnx", environment=environment).files == (exported,)


@pytest.mark.parametrize("backend", ["demucs", "onnx"])
def test_missing_weights_are_one_error_that_says_what_to_do(backend: str) -> None:
    for path, cause in (("", f"neither separation.weights nor {VARIABLE} is set"), ("/nowhere", "does not exist")):
        with pytest.raises(DrumlineError, match=cause) as error:
            find(path, backend=backend)
        assert "research and personal use only" in str(error.value)
        assert "separation.backend=none" in str(error.value)


def test_a_folder_in_demucs_own_layout(tmp_path: Path) -> None:
    file = save_th(tiny_model(0), tmp_path, "955717e8")
    with pytest.raises(DrumlineError, match=r"holds no htdemucs\.yaml"):
        find(tmp_path)
    save_bag(tmp_path, "htdemucs", ["955717e8"])
    assert find(tmp_path).files == (file,)
    better = save_safetensors(tiny_model(0), tmp_path, "955717e8")
    assert find(tmp_path).files == (better,)
    save_bag(tmp_path, "htdemucs", [])
    with pytest.raises(DrumlineError, match=r"htdemucs\.yaml: lists no models"):
        find(tmp_path)
    save_bag(tmp_path, "htdemucs", ["00000000"])
    with pytest.raises(DrumlineError, match="neither 00000000"):
        find(tmp_path)


def test_a_bag_shares_each_source_among_its_models(tmp_path: Path) -> None:
    files = [save_safetensors(tiny_model(seed), tmp_path, f"model{seed}") for seed in range(3)]
    save_bag(tmp_path, "htdemucs", ["model0", "model1", "model2"], [[1, 0, 0, 0], [0, 1, 1, 1], [3, 0, 0, 0]])
    weights = find(tmp_path)
    assert weights.files == tuple(files)
    assert weights.shares == ((0.25, 0, 0, 0), (0, 1, 1, 1), (0.75, 0, 0, 0))
    save_safetensors(tiny_model(9), tmp_path, "model1")  # which gives no drums, so that stems of drums stay valid
    assert find(tmp_path).sha256 == weights.sha256


def test_the_fingerprint_is_of_what_decides_the_stem(tmp_path: Path) -> None:
    (file := tmp_path / "a.onnx").write_bytes(b"a")
    (copied := tmp_path / "b.onnx").write_bytes(b"a")
    base = SeparationConfig(backend="onnx")
    same = base.model_copy(update={"num_actors": 7, "gate_db": -3.0, "weights": "elsewhere"})
    other = base.model_copy(update={"overlap": 0.1})
    weights = find(file, backend="onnx")
    assert separator_fingerprint(base, weights) == separator_fingerprint(same, find(copied, backend="onnx"))
    assert separator_fingerprint(base, weights) != separator_fingerprint(other, weights)
    copied.write_bytes(b"b")
    assert separator_fingerprint(base, weights) != separator_fingerprint(base, find(copied, backend="onnx"))


def test_damage_is_told(tmp_path: Path) -> None:
    file = save_th(tiny_model(0), tmp_path, "955717e8")
    save_bag(tmp_path, "htdemucs", ["955717e8"])
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(DrumlineError, match="damaged: its SHA-256 starts with"):
        find(tmp_path)
    (cut := tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(DrumlineError, match="not a safetensors file"):
        load(cut)
    with pytest.raises(DrumlineError, match=r"is not a \.onnx file"):
        find(cut, backend="onnx")


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return os.putenv, ("DRUMLINE_TEST_WAS_HERE", "1")


def test_weights_cannot_run_code(tmp_path: Path) -> None:
    torch.save({"klass": Hostile(), "args": (), "kwargs": {}, "state": {}}, tmp_path / "hostile.th")
    (tmp_path / "plain.th").write_bytes(pickle.dumps(Hostile(), protocol=2))
    for name in ("hostile.th", "plain.th"):
        with pytest.raises(DrumlineError, match="not weights of a Demucs model"):
            load(tmp_path / name)
    named = save_safetensors(tiny_model(0), tmp_path, "named", klass="subprocess.Popen")
    with pytest.raises(DrumlineError, match=r"does not describe a demucs\.htdemucs\.HTDemucs"):
        load(named)
