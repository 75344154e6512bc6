"""How kits answer strokes, on small kits and on the corpus's."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rendering.kits.small_kits import RATE_HZ, pitch_hz, write_sfz

from drumline.core.errors import ConfigError
from drumline.core.taxonomy import CLASSES
from drumline.rendering.kits.families import group_of
from drumline.rendering.kits.mixed import mixed_kit
from drumline.rendering.kits.onset import level_db
from drumline.rendering.kits.open_kit import list_kits, open_kit
from drumline.rendering.kits.sampled import SampledKit
from drumline.rendering.synth_kit import synth_kit

SOUNDFONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
PLAYED = {
    "Black_Pearl_4pc": set(CLASSES) - {"tom_mid"},
    "Black_Pearl_5pc": set(CLASSES),
    "Red_Zeppelin_5pc": set(CLASSES) - {"tom_mid"},
    "GMRockKit": set(CLASSES),
    "ColomboAcousticDrumkit": set(CLASSES) - {"hihat_pedal"},
    "MuldjordKit 20201018": set(CLASSES) - {"hihat_pedal", "snare_rim"},
}


def level_of(kit: SampledKit, drum: str, velocity: float, take: int = 0) -> float:
    stroke = kit.stroke(drum, velocity, take=take)
    return level_db(stroke.samples, stroke.onset, kit.rate_hz)


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> SampledKit:
    """A snare of three layers and two takes, of which the middle layer is too quiet and one take too loud."""
    volumes = {(0, 0): -20, (0, 1): -26, (1, 0): -40, (1, 1): -30, (2, 0): -6, (2, 1): 0}
    regions = "".join(
        f"<region> key=38 lovel={43 * layer} hivel={43 * layer + 42} seq_position={take + 1} volume={volume} "
        f"sample={layer}{take}.wav\n"
        for (layer, take), volume in volumes.items()
    )
    samples = [f"{layer}{take}.wav" for layer, take in volumes]
    return open_kit(write_sfz(tmp_path_factory.mktemp("kit"), regions, *samples), rate_hz=RATE_HZ)


@given(velocities=st.tuples(st.floats(0.03, 1.0), st.floats(0.03, 1.0)), take=st.integers(0, 1 << 16))
def test_a_harder_stroke_is_louder_whatever_the_layer_and_take(
    layered: SampledKit, velocities: tuple[float, float], take: int
) -> None:
    soft, hard = sorted(velocities)
    rise_db = level_of(layered, "snare_head", hard, take) - level_of(layered, "snare_head", soft, take + 1)
    assert rise_db >= 5.9 * np.log10(hard / soft) - 0.02
    assert rise_db < 1.0 + 200 * np.log10(hard / soft), "no step where layers meet"


def test_consecutive_strokes_are_different_takes(layered: SampledKit) -> None:
    heard = [pitch_hz(layered.stroke("snare_head", 1.0, take=take).samples) for take in range(4)]
    assert heard[0] == heard[2] != heard[1] == heard[3]


def test_names_and_openness_choose_voices(tmp_path: Path) -> None:
    keys = {49: "crash 1", 57: "crash 2", 52: "china", 55: "splash", 46: "open", 42: "closed"}
    text = "".join(f"<region> key={key} sample={key}.wav\n" for key in keys)
    kit = open_kit(write_sfz(tmp_path, text, *(f"{key}.wav" for key in keys)), rate_hz=RATE_HZ)
    asked = ("", "crash 1 bow", "crash 2 edge", "Crash Cymbal 2", "china", "chinese cymbal", "splash", "??")
    heard = [kit.voice("crash", source_name=name).name for name in asked]
    assert [name.replace(" cymbal", "") for name in heard] == [
        "crash 1", "crash 1", "crash 2", "crash 2", "chinese", "chinese", "splash", "crash 1"
    ]  # fmt: skip
    with pytest.raises(KeyError):
        kit.stroke("kick", 1.0, take=0)


def test_a_mixed_kit_asks_others(tmp_path: Path) -> None:
    snare = open_kit(write_sfz(tmp_path, "<region> key=38 sample=0.wav", "0.wav"), rate_hz=RATE_HZ)
    synth = synth_kit(3, rate_hz=RATE_HZ)
    assert mixed_kit("snare alone", {"snare": snare}).drums == {"snare_head"}
    mixed = mixed_kit("both", {"snare": snare, "kick": synth}, fill=[synth])
    assert mixed.drums == set(CLASSES)
    assert mixed.players["snare_head"] is snare
    assert mixed.players["snare_rim"] is synth
    np.testing.assert_array_equal(
        mixed.stroke("snare_head", 0.5, take=0).samples, snare.stroke("snare_head", 0.5, take=0).samples
    )
    with pytest.raises(ConfigError, match="'bell' is not one of"):
        mixed_kit("unknown", {"bell": synth})
    with pytest.raises(ConfigError, match=r"one sample rate, not \[22050, 44100\]"):
        mixed_kit("rates", {"snare": snare}, fill=[synth_kit(3, rate_hz=22_050)])


def test_kits_that_share_recordings_are_one_group() -> None:
    """Measured: `families.yaml`."""
    assert (
        len({group_of(name) for name in ("Black_Pearl_5pc", "Red_Zeppelin_4pc", "GMRockKit", "The Black Pearl 1.0")})
        == 1
    )
    assert group_of("FluidR3_GM#8 Room") == group_of("MuseScore_General#0 Standard") != ""
    assert group_of("MuldjordKit 20201018") == ""


@pytest.mark.parametrize("name", PLAYED)
def test_corpus_kits_play_what_they_declare(corpus: Path, name: str) -> None:
    folders = [folder for folder in sorted((corpus / "kits").iterdir()) if folder.is_dir()]
    word = name.split("_")[0].split("Kit")[0].split("Acoustic")[0].casefold()
    uris = [uri for folder in folders for uri in list_kits(str(folder)) if word in uri.casefold()]
    kit = open_kit(next(uri for uri in uris if name in uri or "_" not in name), rate_hz=22_050)
    assert kit.name == name
    assert kit.drums == PLAYED[name]
    assert kit.num_bytes < 100e6
    assert kit.facts.licence
    assert kit.facts.attribution
    assert kit.facts.group
    for drum, voices in kit.voices.items():
        for voice in voices:
            assert kit.voice(drum, source_name=voice.name, openness=voice.openness) is voice
        levels_db = [level_of(kit, drum, velocity) for velocity in (0.1, 0.4, 0.7, 1.0)]
        assert levels_db == sorted(levels_db)
        assert levels_db[-1] - levels_db[0] > 6.0
    assert level_of(kit, "snare_head", 1.0) == pytest.approx(-14.0, abs=0.1)


@pytest.mark.skipif(not SOUNDFONT.is_file(), reason=f"{SOUNDFONT} (Debian's timgm6mb-soundfont) is not installed")
def test_a_general_midi_soundfont_plays_every_class() -> None:
    pytest.importorskip("tinysoundfont")
    kit = open_kit(f"{SOUNDFONT}#8", rate_hz=22_050)
    assert kit.name == "TimGM6mb#8 Room"
    assert kit.drums == set(CLASSES)
    assert level_of(kit, "crash", 0.9) > level_of(kit, "crash", 0.3) + 6
