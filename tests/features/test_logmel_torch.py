"""The torch module gives log_mel's numbers: for every configuration, on real batches, and out of an ONNX graph."""

import io
import warnings

import numpy as np
import pytest
import torch

from drumline.features.logmel import LogMelConfig, log_mel
from drumline.features.logmel_torch import PARITY, LogMel, Transform

CONFIGS = {
    "high": LogMelConfig(),
    "micro": LogMelConfig(hop=64, n_fft=512),
    "two windows": LogMelConfig(extra_n_ffts=(2048, 512)),
    "flux": LogMelConfig(flux_lag=3),
    "both": LogMelConfig(hop=64, n_fft=512, extra_n_ffts=(2048,), flux_lag=2),
}


def windows(num_samples: int = 30_011) -> np.ndarray:
    """Loud noise, a click in silence, a full-scale sine, silence."""
    random = np.random.default_rng(0)
    click = np.zeros(num_samples)
    click[num_samples // 2] = 1.0
    sine = np.sin(2 * np.pi * 440 / 22_050 * np.arange(num_samples))
    rows = [random.standard_normal(num_samples), click, sine, np.zeros(num_samples)]
    return np.stack(rows).astype(np.float32)


@pytest.mark.parametrize("transform", ["fft", "convolution"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_numbers_are_those_of_log_mel(config: LogMelConfig, transform: Transform) -> None:
    samples = windows()
    features = LogMel(config, transform=transform)(torch.from_numpy(samples)).numpy()
    expected = np.stack([log_mel(row, config) for row in samples])
    assert features.shape == (4, config.grid.num_frames(samples.shape[1]), config.num_features)
    np.testing.assert_allclose(features, expected, atol=PARITY, rtol=0)
    assert not features[3].any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_gpu_gives_the_same_numbers(config: LogMelConfig) -> None:
    samples = windows()
    features = LogMel(config).cuda()(torch.from_numpy(samples).cuda()).cpu().numpy()
    np.testing.assert_allclose(features, np.stack([log_mel(row, config) for row in samples]), atol=PARITY, rtol=0)


def test_autocast_around_it_changes_nothing() -> None:
    samples, module = torch.from_numpy(windows()), LogMel(CONFIGS["flux"])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = module(samples)
    torch.testing.assert_close(features, module(samples), atol=0, rtol=0)


def test_a_checkpoint_holds_nothing_of_it() -> None:
    assert not LogMel(CONFIGS["both"]).state_dict()


def test_additions_leave_the_spectrogram_and_the_fingerprint_alone() -> None:
    samples, plain = windows()[0], CONFIGS["high"]
    more = LogMelConfig(extra_n_ffts=(512,), flux_lag=2)
    features = log_mel(samples, more).reshape(-1, more.channels, more.bands)
    np.testing.assert_array_equal(features[:, 0], log_mel(samples, plain))
    np.testing.assert_array_equal(features[:, 1], log_mel(samples, LogMelConfig(n_fft=512)))
    rise = features[2:, :2] - features[:-2, :2]
    np.testing.assert_array_equal(features[2:, 2:], np.maximum(rise, 0))
    assert set(plain.model_dump()) == {"hop", "n_fft", "bands", "low_hz", "high_hz", "gain"}
    assert LogMelConfig.model_validate(more.model_dump()) == more


def test_the_exported_graph_gives_the_same_numbers_for_any_batch_and_length() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    config = LogMelConfig(flux_lag=2)
    graph = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that needs no further package warns of its age, and tracing of every Python number it meets.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            LogMel(config, transform="convolution").eval(),
            (torch.zeros(2, 4096),),
            graph,
            input_names=["samples"],
            output_names=["features"],
            dynamic_axes={"samples": {0: "batch", 1: "time"}, "features": {0: "batch", 1: "frames"}},
            opset_version=17,
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(graph.getvalue(), providers=["CPUExecutionProvider"])
    for samples in (windows()[:1], windows(9_999), windows(1_000)):
        (features,) = session.run(None, {"samples": samples})
        expected = np.stack([log_mel(row, config) for row in samples])
        np.testing.assert_allclose(features, expected, atol=PARITY, rtol=0)
