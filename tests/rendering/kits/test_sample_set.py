"""Folders of one-shots as kits: which files play, in which layers, and what a seed draws."""

from pathlib import Path

import pytest
from tests.rendering.kits.small_kits import RATE_HZ, pitch_hz, write_stroke

from drumline.core.errors import ConfigError
from drumline.rendering.kits.open_kit import list_kits, open_kit

KIT = """
name: Pack
folder: samples
licence: CC0
pieces:
  - {drum: kick, files: ^kick}
  - {drum: snare_head, files: '^(?P<variant>snare\\d)/'}
  - {drum: hihat_closed, files: ^hat, layers: [_p_, _f_], openness: 0.0}
"""


@pytest.fixture
def pack(tmp_path: Path) -> str:
    for number, peak in enumerate((0.4, 0.1, 0.8, 0.2)):
        write_stroke(tmp_path / "samples" / f"kick_{number}.wav", peak=peak, pitch_hz=100.0 * (1 + number))
    for number in range(3):
        write_stroke(tmp_path / "samples" / f"snare{number}" / "hit.wav", pitch_hz=1000.0 + 500 * number)
    for layer, pitch in (("f", 4000.0), ("p", 3000.0)):
        write_stroke(tmp_path / "samples" / f"hat_{layer}_1.wav", pitch_hz=pitch)
    (tmp_path / "pack.kit.yaml").write_text(KIT)
    return str(tmp_path / "pack.kit.yaml")


def played_hz(uri: str, drum: str, velocity: float) -> int:
    kit = open_kit(uri, rate_hz=RATE_HZ)
    return round(pitch_hz(kit.stroke(drum, velocity, take=0).samples), -2)


def test_layers_follow_the_measured_level(pack: str) -> None:
    assert [played_hz(pack, "kick", velocity) for velocity in (0.1, 0.4, 0.6, 0.9)] == [200, 400, 100, 300]
    kit = open_kit(pack, rate_hz=RATE_HZ)
    soft, hard = (kit.voices["kick"][0].level_db(velocity) for velocity in (0.125, 0.875))
    assert hard - soft == pytest.approx(18.06, abs=0.5)  # 0.8 against 0.1


def test_layers_may_follow_names(pack: str) -> None:
    assert [played_hz(pack, "hihat_closed", velocity) for velocity in (0.2, 0.8)] == [3000, 4000]


def test_a_seed_draws_a_variant(pack: str) -> None:
    assert played_hz(pack, "snare_head", 0.8) == 1000
    drawn = {played_hz(f"{pack}#{seed}", "snare_head", 0.8) for seed in range(12)}
    assert drawn == {1000, 1500, 2000}
    assert played_hz(f"{pack}#3", "snare_head", 0.8) == played_hz(f"{pack}#3", "snare_head", 0.8)


def test_kits_of_one_pack_share_a_group(pack: str) -> None:
    facts = [open_kit(f"{pack}#{seed}", rate_hz=RATE_HZ).facts for seed in (1, 2)]
    assert {each.group for each in facts} == {"Pack"}
    assert [each.name for each in facts] == ["Pack 1", "Pack 2"]
    assert list_kits(str(Path(pack).parent)) == [pack]


def test_a_piece_without_samples_is_an_error(pack: str) -> None:
    Path(pack).write_text(KIT.replace("^kick", "^bassdrum"))
    with pytest.raises(ConfigError, match=r"pack\.kit\.yaml: kick: no sample matches '\^bassdrum'"):
        open_kit(pack, rate_hz=RATE_HZ)
