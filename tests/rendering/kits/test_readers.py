"""Kits written by the test, read as their formats define them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.rendering.accompaniment.tiny_soundfont import tiny_soundfont
from tests.rendering.kits.small_kits import LEAD_S, RATE_HZ, pitch_hz, write_sfz, write_stroke

from drumline.core.errors import ConfigError
from drumline.rendering.kits import soundfont
from drumline.rendering.kits.open_kit import list_kits, open_kit
from drumline.rendering.kits.sampled import SampledKit

SNARE = "<region> key=38 sample=snare.wav\n"


def played_hz(kit: SampledKit, drum: str, velocity: float = 0.8, take: int = 0, source_name: str = "") -> int:
    """Which of `write_sfz`'s samples sounds, by its pitch, to 10 Hz."""
    return round(pitch_hz(kit.stroke(drum, velocity, take=take, source_name=source_name).samples), -1)


def test_sfz_inherits_includes_and_defines(tmp_path: Path) -> None:
    (tmp_path / "more.sfzh").write_text("<group> key=42 /* the\nhi-hat */\n<region> sample=$NAME one.wav")
    uri = write_sfz(
        tmp_path,
        "#define $NAME hat\n<control> default_path=a/ // folder\n<global> volume=-6 <group> key=38 hivel=63\n"
        '<region> sample=0.wav <region> lovel=64 hivel=127 sample=1.wav\n#include "more.sfzh"\n',
        "a/0.wav",
        "a/1.wav",
        "a/hat one.wav",
    )
    kit = open_kit(uri, rate_hz=RATE_HZ)
    assert kit.drums == {"snare_head", "hihat_closed"}
    assert [played_hz(kit, "snare_head", v) for v in (0.1, 0.49, 0.51, 1.0)] == [700, 700, 900, 900]
    assert played_hz(kit, "hihat_closed") == 1100


def test_sfz_takes_take_turns(tmp_path: Path) -> None:
    regions = "".join(f"<region> key=38 lorand={n / 4} hirand={(n + 1) / 4} sample={n}.wav\n" for n in range(3))
    regions += "".join(f"<region> key=36 seq_length=2 seq_position={n + 1} sample={n}.wav\n" for n in range(2))
    kit = open_kit(write_sfz(tmp_path, regions, "0.wav", "1.wav", "2.wav"), rate_hz=RATE_HZ)
    assert [played_hz(kit, "snare_head", take=n) for n in range(4)] == [700, 900, 1100, 700]
    assert [played_hz(kit, "kick", take=n) for n in range(4)] == [700, 900, 700, 900]


def test_sfz_regions_of_one_stroke_sound_together_and_others_do_not(tmp_path: Path) -> None:
    text = (
        "<group> key=38 <region> sample=0.wav <region> sample=1.wav volume=-6 "
        "<region> sample=2.wav trigger=release <region> sample=2.wav on_locc64=1 on_hicc64=127 <region> sample=*sine"
    )
    kit = open_kit(write_sfz(tmp_path, text, "0.wav", "1.wav", "2.wav"), rate_hz=RATE_HZ)
    spectrum = np.abs(np.fft.rfft(kit.stroke("snare_head", 1.0, take=0).samples, RATE_HZ))
    assert spectrum[900] / spectrum[700] == pytest.approx(0.5, abs=0.05)
    assert spectrum[1100] < 0.1 * spectrum[900]


def test_sfz_tunes_offsets_and_finds_twins(tmp_path: Path) -> None:
    text = (
        "<region> key=c2 sample=0.wav tune=1200 <region> key=38 sample=0.wav offset=100 "
        "<region> lokey=45 hikey=48 pitch_keycenter=48 sample=0.flac\n"
    )
    kit = open_kit(write_sfz(tmp_path, text, "0.wav"), rate_hz=RATE_HZ, tuning={"snare": -12.0})
    assert played_hz(kit, "kick") == 1400
    assert played_hz(kit, "snare_head") == 350
    assert played_hz(kit, "tom_high", source_name="hi-mid tom") == 700
    assert played_hz(kit, "tom_mid", source_name="low tom") == 590  # three semitones under 700 Hz
    lead = LEAD_S * RATE_HZ
    assert kit.stroke("kick", 1.0, take=0).onset == pytest.approx(lead / 2, abs=8)
    assert kit.stroke("snare_head", 1.0, take=0).onset == pytest.approx(2 * (lead - 100), abs=16)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<region> key=38 sample=none.wav", "missing"),
        ("<region> key=38 lovel=soft sample=0.wav", "lovel='soft' is not a number"),
        ("<region> key=h4 sample=0.wav", "'h4' is not a key"),
        ('#include "none.sfz"', "cannot be read"),
        ("<region> key=100 sample=0.wav", "none of its instruments"),
        ("<region> key=38 sample=kit.sfz", "cannot be decoded"),
    ],
)
def test_broken_sfz_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"kit.sfz|none.wav.*{message}"):
        open_kit(write_sfz(tmp_path, text, "0.wav"), rate_hz=RATE_HZ)


def test_what_is_no_kit_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a kit"):
        open_kit(str(tmp_path), rate_hz=RATE_HZ)
    with pytest.raises(ConfigError, match="cannot be read"):
        open_kit(str(tmp_path / "none.sfz"), rate_hz=RATE_HZ)
    uri = write_sfz(tmp_path, SNARE, "snare.wav")
    with pytest.raises(ConfigError, match="'bell' is not one of kick, snare"):
        open_kit(uri, rate_hz=RATE_HZ, tuning={"bell": 1.0})


def layer(name: str, low: float = 0.0, high: float = 1.0, gain: float = 1.0) -> str:
    return f"<layer><filename>{name}</filename><min>{low}</min><max>{high}</max><gain>{gain}</gain></layer>"


def write_drumkit(folder: Path, instruments: dict[str, str], *, head: str = "", namespace: str = "") -> str:
    for number in range(3):
        write_stroke(folder / f"{number}.wav", pitch_hz=700.0 + 200.0 * number)
    bodies = "".join(f"<instrument><name>{name}</name>{body}</instrument>" for name, body in instruments.items())
    document = (
        f"<drumkit_info{namespace}><name>Tiny</name>{head}<instrumentList>{bodies}</instrumentList></drumkit_info>"
    )
    (folder / "drumkit.xml").write_text(document)
    return str(folder)


def test_hydrogen_of_three_generations(tmp_path: Path) -> None:
    layers = layer("0.wav", 0.0, 0.5) + layer("1.wav", 0.5, 1.0)
    components = "".join(
        f"<instrumentComponent><component_id>{n}</component_id><gain>0.5</gain>{layer(f'{n}.wav')}</instrumentComponent>"
        for n in range(2)
    )
    head = "<author>Ann</author><license>CC0</license><componentList>"
    head += "<drumkitComponent><id>1</id><volume>0.5</volume></drumkitComponent></componentList>"
    uri = write_drumkit(
        tmp_path,
        {"Kick Drum": "<filename>2.wav</filename>", "Snare": layers, "Closed HH": components, "Hand Clap": layers},
        head=head,
        namespace=' xmlns="http://www.hydrogen-music.org/drumkit"',
    )
    kit = open_kit(uri, rate_hz=RATE_HZ)
    assert kit.drums == {"kick", "snare_head", "hihat_closed"}
    assert (kit.name, kit.facts.licence, kit.facts.attribution) == ("Tiny", "CC0", "Ann")
    assert played_hz(kit, "kick") == 1100
    assert [played_hz(kit, "snare_head", v) for v in (0.2, 0.49, 0.51, 1.0)] == [700, 700, 900, 900]
    spectrum = np.abs(np.fft.rfft(kit.stroke("hihat_closed", 1.0, take=0).samples, RATE_HZ))
    assert spectrum[900] / spectrum[700] == pytest.approx(0.5, abs=0.05)


def test_hydrogen_names_are_understood(tmp_path: Path) -> None:
    names = {
        "Stick": "snare_rim", "Snare Rimshot": "snare_rim", "Snare Rock": "snare_head", "BassDrum": "kick",
        "Tom Hi": "tom_high", "Tom 2": "tom_mid", "Floor Tom": "tom_floor", "Tom Low": "tom_floor",
        "Pedal HH": "hihat_pedal", "Hat Semi-Open": "hihat_open", "Sabian Hat Open": "hihat_open",
        "Hat Closed": "hihat_closed", "Bell": "ride_bell", "Ride Jazz": "ride_body", "Crash Left": "crash",
        "Zildjian Splash": "crash", "Zildjian Splash Choke": "", "Cowbell": "", "Hand Clap": "", "Dununba1 Bell": "",
    }  # fmt: skip
    kit = open_kit(write_drumkit(tmp_path, {name: layer("0.wav") for name in names}), rate_hz=RATE_HZ)
    found = [drum for drum, voices in kit.voices.items() for _ in voices]
    assert sorted(found) == sorted(drum for drum in names.values() if drum)
    assert [voice.openness for voice in kit.voices["hihat_open"]] == [1.0, 0.4], "the open one by default"


def test_a_broken_drumkit_is_told_with_its_place(tmp_path: Path) -> None:
    uri = write_drumkit(tmp_path, {"Snare": layer("0.wav").replace("<max>1.0", "<max>loud")})
    with pytest.raises(ConfigError, match=r"drumkit.xml: <max>loud</max> in layer"):
        open_kit(uri, rate_hz=RATE_HZ)
    (tmp_path / "drumkit.xml").write_text("<drumkit_info>")
    with pytest.raises(ConfigError, match="not XML"):
        open_kit(uri, rate_hz=RATE_HZ)


def test_licences_are_told(tmp_path: Path) -> None:
    uri = write_sfz(tmp_path, SNARE, "snare.wav")
    assert open_kit(uri, rate_hz=RATE_HZ).facts.licence == ""
    (tmp_path / "LICENSE.txt").write_text("Creative Commons Attribution 4.0 International")
    assert open_kit(uri, rate_hz=RATE_HZ).facts.licence == "CC BY 4.0"


def test_a_soundfont_lists_its_kits_and_plays_velocities(tmp_path: Path) -> None:
    pytest.importorskip("tinysoundfont")
    file = tmp_path / "tiny.sf2"
    file.write_bytes(tiny_soundfont((0, 8), bank=soundfont.PERCUSSION_BANK))
    assert list_kits(str(tmp_path)) == list_kits(str(file)) == [f"{file}#0", f"{file}#8"]
    with pytest.raises(ConfigError, match="has no drum kit 5; it has 0 sine, 8 sine"):
        open_kit(f"{file}#5", rate_hz=RATE_HZ)
    strike = soundfont.striker(file.read_bytes(), 8, str(file))
    (soft, rate_hz), (hard, _) = strike("69:40"), strike("69:120")
    assert pitch_hz(hard[:, 0]) == pytest.approx(441, abs=2)
    assert rate_hz == RATE_HZ
    assert np.abs(hard).max() > 2.5 * np.abs(soft).max() > 0


def test_files_that_hold_no_drum_kit_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.sf2").write_bytes(tiny_soundfont())
    (tmp_path / "b.sf2").write_bytes(b"RIFF but no more")
    with pytest.raises(ConfigError, match="no drum kit"):
        open_kit(str(tmp_path / "a.sf2"), rate_hz=RATE_HZ)
    with pytest.raises(ConfigError, match="not a SoundFont"):
        open_kit(str(tmp_path / "b.sf2"), rate_hz=RATE_HZ)


def test_folders_list_their_kits(tmp_path: Path) -> None:
    write_sfz(tmp_path, SNARE, "snare.wav")
    assert list_kits(str(tmp_path)) == [str(tmp_path / "kit.sfz")]
    assert open_kit(str(tmp_path), rate_hz=RATE_HZ).name == "kit"
    shutil.copy(tmp_path / "kit.sfz", tmp_path / "other.sfz")
    with pytest.raises(ConfigError, match=r"it has several, name one: kit.sfz, other.sfz"):
        open_kit(str(tmp_path), rate_hz=RATE_HZ)
