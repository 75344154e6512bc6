"""Both backends against the demucs package itself, on small models; and on the real weights where there are some."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.audio.encoding import tune

from drumline.audio.decode import SEPARATION_RATE_HZ, AudioConfig, decode_stereo
from drumline.audio.separation.protocol import SeparationConfig, Separator, open_separator
from drumline.audio.separation.weights import VARIABLE, resolve
from drumline.core.errors import DrumlineError
from drumline.metrics.separation import si_sdr_db

pytest.importorskip("demucs", reason="the optional separation packages are not installed")
pytest.importorskip("onnxruntime", reason="the optional separation packages are not installed")

import onnx
import torch
from demucs.apply import apply_model
from demucs.pretrained import get_model
from onnx import TensorProto, helper, numpy_helper
from tests.audio.tiny_demucs import save_bag, save_safetensors, save_th, tiny_model

from drumline.audio.separation.demucs_onnx import as_channels, from_channels, spectrum, waveform

SEGMENT = 343_980


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    """A separator sets the threads of its process; the other tests share this one."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def separator(path: Path, **changes: object) -> Separator:
    config = SeparationConfig(weights=str(path)).model_copy(update=changes)
    weights = resolve(config.backend, path=config.weights, model=config.model, download=False, environment={})
    return open_separator(config, weights)


def stereo_song(duration_s: float) -> np.ndarray:
    left, right = (tune(seed, duration_s, SEPARATION_RATE_HZ) for seed in (0, 1))
    return np.stack([left, 0.5 * left + 0.5 * right]).astype(np.float32) + np.float32(0.01)


def by_the_package(repository: Path, mix: np.ndarray) -> np.ndarray:
    """What ``demucs.api.Separator(shifts=0)`` computes."""
    tensor = torch.from_numpy(mix)
    mean, deviation = tensor.mean(0).mean(), tensor.mean(0).std() + 1e-8
    model = get_model("htdemucs", repo=repository)
    out = apply_model(model, ((tensor - mean) / deviation)[None], shifts=0, overlap=0.25)
    return (out * deviation + mean)[0].numpy()


@pytest.mark.parametrize("bag", ["one model", "a bag of two"])
def test_torch_agrees_with_the_package(tmp_path: Path, bag: str) -> None:
    save_th(tiny_model(0), tmp_path, "aaaaaaaa")
    save_th(tiny_model(1), tmp_path, "bbbbbbbb")
    if bag == "one model":
        save_bag(tmp_path, "htdemucs", ["aaaaaaaa"])
    else:
        save_bag(tmp_path, "htdemucs", ["aaaaaaaa", "bbbbbbbb"], [[1, 1, 0, 0], [2, 0, 1, 1]])
    mix = stereo_song(2.7)
    theirs, opened = by_the_package(tmp_path, mix), separator(tmp_path, backend="demucs")
    atol = 1e-5 * np.abs(mix).max()
    np.testing.assert_allclose(opened.separate(mix), theirs[:1], atol=atol)
    np.testing.assert_allclose(opened.separate(mix, ("vocals", "bass")), theirs[[3, 1]], atol=atol)


def test_file_formats_batches_and_runs_agree(tmp_path: Path) -> None:
    model, mix = tiny_model(0), stereo_song(2.7)
    th, safetensors = save_th(model, tmp_path, "aaaaaaaa"), save_safetensors(model, tmp_path, "aaaaaaaa")
    first = separator(th, backend="demucs").separate(mix)
    np.testing.assert_array_equal(separator(th, backend="demucs").separate(mix), first)
    np.testing.assert_array_equal(separator(safetensors, backend="demucs").separate(mix), first)
    np.testing.assert_allclose(separator(th, backend="demucs", batch_size=3).separate(mix), first, atol=1e-5)
    coarse = separator(th, backend="demucs", precision="bfloat16").separate(mix)
    assert 0 < np.square(coarse - first).mean() < 1e-2 * np.square(first).mean()


def htdemucs_graph(file: Path) -> None:
    """The real graph's inputs and outputs; source s is 0.5/(s+1) of the waveform plus 0.25/(s+1) of the spectrogram."""
    share = 1 / np.arange(1, 5, dtype=np.float32)
    constants = [
        numpy_helper.from_array((0.25 * share).reshape(1, 4, 1, 1, 1), "spectral_share"),
        numpy_helper.from_array((0.5 * share).reshape(1, 4, 1, 1), "temporal_share"),
        numpy_helper.from_array(np.array([1]), "axis"),
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["spectrogram", "axis"], ["one_spectrogram"]),
        helper.make_node("Mul", ["one_spectrogram", "spectral_share"], ["output"]),
        helper.make_node("Unsqueeze", ["input", "axis"], ["one_waveform"]),
        helper.make_node("Mul", ["one_waveform", "temporal_share"], ["5073"]),
    ]
    floats = TensorProto.FLOAT
    inputs = [("input", floats, [1, 2, SEGMENT]), ("spectrogram", floats, [1, 4, 2048, 336])]
    outputs = [("output", floats, [1, 4, 4, 2048, 336]), ("5073", floats, [1, 4, 2, SEGMENT])]
    values = [[helper.make_tensor_value_info(*value) for value in side] for side in (inputs, outputs)]
    graph = helper.make_graph(nodes, "htdemucs", *values, initializer=constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)


def test_onnx_takes_the_drums_and_both_branches(tmp_path: Path) -> None:
    htdemucs_graph(tmp_path / "htdemucs.onnx")
    mix = stereo_song(9.0)  # two segments
    drums, vocals = separator(tmp_path, backend="onnx").separate(mix, ("drums", "vocals"))
    mean = mix.mean()
    # Demucs' spectrogram leaves out the Nyquist bin, hence the tolerance, and frames that the first hop shares.
    np.testing.assert_allclose(drums[:, 1024:], (0.75 * (mix - mean) + mean)[:, 1024:], atol=2e-3)
    np.testing.assert_allclose(vocals[:, 1024:], (0.1875 * (mix - mean) + mean)[:, 1024:], atol=2e-3)


def test_onnx_refuses_other_graphs(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no graph")
    with pytest.raises(DrumlineError, match="onnxruntime cannot load it"):
        separator(tmp_path, backend="onnx")
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 10]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "other", [value[0]], [value[1]])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "a.onnx")
    with pytest.raises(DrumlineError, match="are not those of htdemucs"):
        separator(tmp_path, backend="onnx")


@pytest.mark.parametrize("num_samples", [SEGMENT, 100_000])
def test_the_transforms_are_demucs_own(num_samples: int) -> None:
    signal = stereo_song(8.0)[:, :num_samples]
    model = tiny_model(0)
    theirs = model._spec(torch.from_numpy(signal)[None])
    ours = spectrum(signal)
    np.testing.assert_allclose(ours, theirs[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(as_channels(ours), model._magnitude(theirs)[0].numpy(), atol=1e-5)
    np.testing.assert_array_equal(from_channels(as_channels(ours)), ours)
    theirs_back = model._ispec(theirs, num_samples)[0].numpy()
    np.testing.assert_allclose(waveform(ours, num_samples), theirs_back, atol=1e-5)


def test_importing_the_audio_package_loads_no_optional_package() -> None:
    modules = ("layout", "decode", "loudness", "fingerprint", "separation.protocol", "separation.cache")
    imports = "; ".join(f"import drumline.audio.{module}" for module in modules)
    check = f"import sys; {imports}; print({{'torch', 'demucs', 'onnxruntime'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, env=environment())
    assert (done.stdout, done.stderr) == ("set()\n", "")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.weights
def test_real_weights_take_the_drums_out(corpus: Path) -> None:
    path = os.environ.get(VARIABLE)
    if not path:
        pytest.skip(f"{VARIABLE} is not set: real weights are not part of the project")
    backend = "onnx" if path.endswith(".onnx") or list(Path(path).glob("*.onnx")) else "demucs"
    mix, drums = (
        decode_stereo((corpus / "mdb" / f"MusicDelta_Rock.{kind}.flac").read_bytes(), name=kind, config=AudioConfig())
        for kind in ("rebuilt", "drums")
    )
    cut = slice(0, 8 * SEPARATION_RATE_HZ)
    (separated,) = separator(Path(path), backend=backend, num_cpus=2).separate(mix[:, cut])
    assert si_sdr_db(drums[:, cut], separated) > si_sdr_db(drums[:, cut], mix[:, cut]) + 8
