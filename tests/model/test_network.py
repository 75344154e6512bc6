"""The network: shapes, what the answers mean, what a frame knows of others, and that it learns."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from tests.model.batches import FRAMES, random_columns
from torch import Tensor, nn

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.model.branches import PREDICTED
from drumline.model.config import PRESETS, ModelConfig
from drumline.model.context import LocalAttention
from drumline.model.encoder import window_normalised
from drumline.model.losses import LossConfig, losses
from drumline.model.network import HierarchicalDrumCRNN, activations
from drumline.model.output import Output

TINY = {"preset": "small", "channels": (4, 6), "pooling": (8, 4), "context_width": 8, "branch_width": 6}
VARIANTS = {
    "lstm": {},
    "gru": {"context": "gru"},
    "conformer": {"context": "conformer", "attention_reach_frames": 16},
    "none": {"context": "none"},
    "separable": {"convolution": "separable", "convs_per_block": 2},
    "squeeze": {"squeeze_excitation": True},
    "softmax": {"cymbal": "softmax"},
    "two spectra": {"spectra": 2},
    "flat": {"heads": "flat"},
    "window norm": {"window_norm": 0.3},
}


def make(seed: int = 0, **settings: object) -> HierarchicalDrumCRNN:
    torch.manual_seed(seed)
    return HierarchicalDrumCRNN(ModelConfig.model_validate({**TINY, **settings}))


def spectra(songs: int = 2, frames: int = FRAMES, bands: int = 128) -> Tensor:
    return 3 * torch.rand(songs, frames, bands, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_answers_every_class_and_learns(name: str) -> None:
    network, columns = make(**VARIANTS[name]), random_columns(0, songs=2)
    output = network(spectra(bands=128 * network.config.spectra))
    answer = output.activations()
    assert answer.classes_BTC.shape == answer.velocity_BTC.shape == (2, FRAMES, len(PREDICTED))
    assert answer.onset_BT.shape == answer.offset_BT.shape == (2, FRAMES)
    assert ((answer.classes_BTC > 0) & (answer.classes_BTC < 1)).all()
    losses(output, columns, LossConfig()).total.backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in network.parameters())


def test_window_normalisation_moves_audible_frames_to_the_level_of_the_batch_norm() -> None:
    norm = nn.BatchNorm1d(5).eval()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -0.8, 0.6, 1.2, 0.9]))
        norm.bias.uniform_(-1.0, 1.0)
    normed = 0.7 + 0.8 * torch.randn(2, 4000, 5, generator=torch.Generator().manual_seed(1))
    silent = torch.zeros(2, 4000, 1, dtype=torch.bool)
    silent[:, 3000:] = True
    whole = window_normalised(normed, silent, norm, torch.ones(2, 1, 1))[:, :3000]
    assert torch.allclose(whole.mean(1), norm.bias.expand(2, 5), atol=1e-5)
    assert torch.allclose(whole.std(1), norm.weight.abs().expand(2, 5), rtol=1e-3)
    half = window_normalised(normed, silent, norm, torch.full((2, 1, 1), 0.5))[:, :3000]
    assert torch.allclose(half.mean(1), (normed[:, :3000].mean(1) + norm.bias) / 2, atol=1e-5)
    for unchanged in (torch.zeros(2, 1, 1), torch.ones(2, 1, 1)):
        silent |= bool(unchanged.any())
        assert torch.allclose(window_normalised(normed, silent, norm, unchanged), normed, atol=1e-6)


def test_presets_fill_in_what_is_left_out() -> None:
    config = parse_config(ModelConfig, {"preset": "small", "channels": [8, 8, 8, 8], "dropout": 0}, "here")
    assert (config.channels, config.pooling, config.dropout) == ((8, 8, 8, 8), PRESETS["small"]["pooling"], 0.0)
    assert parse_config(ModelConfig, config.model_dump(mode="json"), "here") == config
    with pytest.raises(ConfigError, match="none is left"):
        parse_config(ModelConfig, {"preset": "small", "bands": 16}, "here")
    with pytest.raises(ConfigError, match="pooling has 4 values for 2 blocks"):
        parse_config(ModelConfig, {"channels": [8, 8]}, "here")


@pytest.mark.parametrize("preset", ["full", "small"])
def test_the_baseline_is_of_the_same_size(preset: str) -> None:
    with torch.device("meta"):
        ours, flat = (HierarchicalDrumCRNN(ModelConfig(preset=name)) for name in (preset, f"{preset}_flat"))
    sizes = [sum(each.numel() for each in network.parameters()) for network in (ours, flat)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.01)


def test_a_class_is_its_instrument_times_its_kind() -> None:
    output = make().eval()(spectra())
    answer = output.activations()

    def of(*names: str) -> Tensor:
        return sum(answer.classes_BTC[..., PREDICTED.index(name)] for name in names)

    struck = output.presence_BTI.sigmoid()
    torch.testing.assert_close(of("snare_head", "snare_rim"), struck[..., 1])
    torch.testing.assert_close(of("tom_high", "tom_mid", "tom_floor"), struck[..., 2])
    torch.testing.assert_close(of("ride_body", "ride_bell"), struck[..., 4])
    torch.testing.assert_close(of("crash"), struck[..., 5])
    floor = struck[..., 2] * output.variation["tom"].softmax(2)[..., 0]
    torch.testing.assert_close(of("tom_floor"), floor)


def test_one_softmax_forbids_what_independent_cymbals_allow() -> None:
    network = make(cymbal="softmax")
    output = network.eval()(spectra())
    states = output.cymbal_BTS.softmax(2)
    torch.testing.assert_close(output.presence_BTI[..., 3:5].sigmoid(), states[..., 1:])
    both = output.presence_BTI.sigmoid()[..., 3:5].sum(2)
    assert (both < 1).all()
    nn.init.constant_(network.heads.branches["cymbal"].out.bias[1:3], 20)
    assert (network(spectra()).presence_BTI.sigmoid()[..., 3:5].amin(2) <= 0.5).all()
    free = make()
    nn.init.constant_(free.heads.branches["cymbal"].out.bias[:2], 20)
    assert (free.eval()(spectra()).presence_BTI.sigmoid()[..., 3:5] > 0.9).all()


@pytest.mark.parametrize("name", ["none", "separable", "squeeze", "conformer"])
def test_a_frame_depends_on_what_is_near_and_not_on_when(name: str) -> None:
    """Sliding the excerpt slides the answer, outside the reach of its ends."""
    network = make(**{"context": "none", **VARIANTS[name]}).eval()
    reach = network.config.encoder_reach_frames
    if name == "conformer":
        reach += network.config.context_layers * (network.config.attention_reach_frames + 7)
    audio = spectra(1, 2 * reach + 30)
    whole = network(audio).presence_BTI
    late = network(audio[:, 11:]).presence_BTI
    torch.testing.assert_close(whole[:, 11 + reach : -reach], late[:, reach:-reach], atol=1e-5, rtol=1e-4)
    changed = audio.clone()
    changed[:, 0] += 1
    moved = (network(changed).presence_BTI - whole).abs().amax(dim=(0, 2)) > 1e-6
    assert moved.nonzero().max() <= reach


def test_local_attention_is_masked_attention() -> None:
    torch.manual_seed(0)
    layer = LocalAttention(8, ModelConfig(attention_heads=2, attention_reach_frames=5))
    nn.init.normal_(layer.bias)
    x = torch.randn(3, 23, 8)
    query, key, value = layer.project(x).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
    distance = torch.arange(23) - torch.arange(23)[:, None]
    mask = torch.where(distance.abs() <= 5, layer.bias[:, (distance + 5).clamp(0, 10)], -torch.inf)
    plain = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(layer(x), layer.out(plain.transpose(1, 2).flatten(2)))


@pytest.mark.parametrize("chunk", [1, 30, 64, 500])
def test_chunks_give_what_the_whole_gives(chunk: int) -> None:
    network = make(context="none").eval()
    audio = spectra(2, 130)
    reach = network.config.encoder_reach_frames
    parts = activations(network, audio, chunk_frames=chunk, margin_frames=reach)
    for part, whole in zip(parts, network(audio).activations(), strict=True):
        torch.testing.assert_close(part, whole, atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="evaluation mode"):
        activations(network.train(), audio, chunk_frames=chunk, margin_frames=reach)


def test_checkpointing_changes_neither_gradients_nor_statistics() -> None:
    columns, results = random_columns(0, songs=2), []
    for checkpointing in (False, True):
        network = make(checkpointing=checkpointing, dropout=0.0)
        losses(network(spectra()), columns, LossConfig()).total.backward()
        results.append([each.grad for each in network.parameters()] + list(network.buffers()))
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_one_batch_is_soon_known_by_heart() -> None:
    """And twice the same way, to the bit."""
    columns, audio = random_columns(4, songs=2), spectra()

    def train() -> tuple[float, list[float], dict[str, Tensor]]:
        network = make(channels=(8, 16), dropout=0.0, context_width=32, branch_width=32)
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
        curve = []
        for _ in range(60):
            optimiser.zero_grad()
            total = losses(network(audio), columns, LossConfig(neighbours=())).total
            total.backward()
            optimiser.step()
            curve.append(total.item())
        return curve[0], curve, network.state_dict()

    first, curve, weights = train()
    assert curve[-1] < first / 10
    _, again, same = train()
    assert curve == again
    assert all(torch.equal(weights[name], same[name]) for name in weights)


def test_the_compiler_takes_it_whole() -> None:
    network = make(context="none", dropout=0.0)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    output = compiled(spectra())
    assert isinstance(output, Output)
    torch.testing.assert_close(output.onset_BT, network(spectra()).onset_BT)


class Answer(nn.Module):
    """What is exported: probabilities, not logits."""

    def __init__(self, network: HierarchicalDrumCRNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, spectra_BTF: Tensor) -> tuple[Tensor, ...]:
        return self.network(spectra_BTF).activations()


@pytest.mark.filterwarnings(
    "ignore:You are using the legacy:DeprecationWarning",
    "ignore:The feature will be removed:DeprecationWarning",
    "ignore::torch.jit.TracerWarning",
    "ignore:Exporting a model to ONNX with a batch_size other than 1:UserWarning",
)
def test_onnx_gives_the_same_numbers_for_any_batch_and_length(tmp_path: Path) -> None:
    """By the older exporter: the newer one needs onnxscript and 13 s for the same graph."""
    network = HierarchicalDrumCRNN(ModelConfig(preset="small", window_norm=0.3)).eval()
    names = ["spectra", "classes", "velocity", "onset", "offset"]
    torch.onnx.export(
        Answer(network).eval(),
        (spectra(1),),
        tmp_path / "small.onnx",
        dynamo=False,
        input_names=names[:1],
        output_names=names[1:],
        dynamic_axes={name: {0: "batch", 1: "frames"} for name in names},
    )
    session = onnxruntime.InferenceSession(tmp_path / "small.onnx", providers=["CPUExecutionProvider"])
    audio = spectra(3, 333)
    for ours, theirs in zip(network(audio).activations(), session.run(None, {"spectra": audio.numpy()}), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, atol=1e-5)
