"""`check alignment`: a session whose delays and clocks are known, and charts of which a dataset tells the residuals."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.interpolate import CubicSpline
from tests.quality.files import run, write_dataset

from drumline.core.errors import ConfigError, DrumlineError
from drumline.quality.alignment.charts import ChartGates, measure_charts
from drumline.quality.alignment.check import AlignmentCheckConfig
from drumline.quality.alignment.check import run as check
from drumline.quality.alignment.findings import PairFindings
from drumline.quality.gates import apply_limits

RATE_HZ = 44_100


def session_sound(strokes: int = 60, gap_s: float = 0.5) -> np.ndarray:
    """Strokes of decaying noise, a little off the beat."""
    rng = np.random.default_rng(5)
    signal = np.zeros(round((strokes + 2) * gap_s * RATE_HZ))
    for n in range(strokes):
        start = round((n + 1) * gap_s * RATE_HZ + rng.integers(-2_000, 2_000))
        signal[start : start + 4_000] += rng.standard_normal(4_000) * np.exp(-np.arange(4_000) / 500)
    return 0.15 * signal


def heard_at(sound: np.ndarray, *, delay_ms: float = 0.0, drift_samples_per_minute: float = 0.0) -> np.ndarray:
    """What a microphone with a delay and a clock of its own writes."""
    at = np.arange(len(sound))
    slow = drift_samples_per_minute / (60 * RATE_HZ)
    return CubicSpline(at, sound)(np.clip(at * (1 - slow) - delay_ms / 1000 * RATE_HZ, 0, len(sound) - 1))


def write_session(folder: Path, **mics: np.ndarray) -> str:
    """A manifest beside a folder of audio, as the example has it."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    for name, sound in mics.items():
        soundfile.write(folder / "audio" / f"{name}.wav", sound.astype(np.float32), RATE_HZ, subtype="FLOAT")
    manifest = folder / "manifests" / "session.json"
    manifest.parent.mkdir(exist_ok=True)
    tree = {"session_id": "s1", "mics": [{"name": name, "path": f"../audio/{name}.wav"} for name in mics]}
    manifest.write_text(json.dumps(tree))
    return str(manifest)


def pairs(manifest: str, **more: object) -> dict[str, PairFindings]:
    found = check(AlignmentCheckConfig(sessions=(manifest,), **more)).report.findings
    return {pair.target: pair for pair in found.sessions[0].pairs}


def verdicts(manifest: str, **more: object) -> dict[str, str]:
    report = check(AlignmentCheckConfig(sessions=(manifest,), **more)).report
    return {gate.name: gate.verdict for gate in report.gates}


def test_delays_and_drifts_are_those_that_were_made(tmp_path: Path) -> None:
    sound = session_sound()
    above, slow = -0.3 * heard_at(sound, delay_ms=2.7), heard_at(sound, drift_samples_per_minute=9)
    manifest = write_session(tmp_path, zenith=sound, above=above, slow=slow)
    found = pairs(manifest)
    assert found.keys() == {"above", "slow"}  # the first of the manifest is the anchor, not the first of the alphabet
    assert found["above"].median_delay_ms == pytest.approx(2.7, abs=0.001)
    assert found["above"].support >= 55
    assert found["slow"].drift_samples_per_minute.value == pytest.approx(9, abs=0.05)
    low, high = found["slow"].drift_samples_per_minute.low, found["slow"].drift_samples_per_minute.high
    assert low <= 9.05
    assert high >= 8.95
    turned = pairs(manifest, anchor="above")
    assert turned["zenith"].median_delay_ms == pytest.approx(-2.7, abs=0.001)


def test_a_drift_is_followed_beyond_the_reach_of_one_search(tmp_path: Path) -> None:
    sound = session_sound(120)
    far = heard_at(sound, delay_ms=200, drift_samples_per_minute=900)  # 20 ms within a minute, reach 10 ms
    found = pairs(write_session(tmp_path, a=sound, b=far))["b"]
    assert found.drift_samples_per_minute.value == pytest.approx(900, rel=0.001)
    assert found.support >= 110


@pytest.mark.parametrize(
    ("gate", "within", "beyond"),
    [
        ("median_delay_ms", {"delay_ms": -0.24}, {"delay_ms": -0.26}),
        ("drift_samples_per_minute", {"drift_samples_per_minute": -0.9}, {"drift_samples_per_minute": -1.1}),
    ],
)
def test_the_gates_close_at_their_limits(tmp_path: Path, gate: str, within: dict, beyond: dict) -> None:
    sound = session_sound()
    for how, verdict in ((within, "passed"), (beyond, "failed")):
        manifest = write_session(tmp_path, a=sound, b=heard_at(sound, **how))
        assert verdicts(manifest)[f"s1.b.{gate}"] == verdict


@pytest.mark.parametrize(("strokes", "verdict"), [(20, "passed"), (19, "failed")])
def test_twenty_strokes_are_enough(tmp_path: Path, strokes: int, verdict: str) -> None:
    sound = session_sound(strokes)
    assert verdicts(write_session(tmp_path, a=sound, b=sound))["s1.b.support"] == verdict


def test_a_microphone_that_hears_nothing_has_no_delay(tmp_path: Path) -> None:
    sound = session_sound(30)
    manifest = write_session(tmp_path, a=sound, dead=np.zeros_like(sound))
    assert verdicts(manifest) == {
        "s1.dead.median_delay_ms": "unknown",
        "s1.dead.drift_samples_per_minute": "unknown",
        "s1.dead.support": "failed",
    }


def test_sessions_that_cannot_be_used(tmp_path: Path, examples: Path) -> None:
    sound = session_sound(3)
    manifest = write_session(tmp_path, left=sound, right=sound)
    with pytest.raises(ConfigError, match="no microphone 'lefd'; did you mean left"):
        pairs(manifest, anchor="lefd")
    with pytest.raises(DrumlineError, match="1 microphones; at least two"):
        pairs(write_session(tmp_path / "one", left=sound))
    with pytest.raises(DrumlineError, match=r"microphone snare_top: .*snare_top.wav: cannot be read"):
        pairs(str(examples / "session_manifest_example.json"))
    assert run("check", "alignment", f"sessions=[{tmp_path}/nowhere]").exit_code == 2
    audio = tmp_path / "audio" / "right.wav"
    audio.write_bytes(audio.read_bytes()[: 3 * RATE_HZ])
    with pytest.raises(DrumlineError, match=r"microphone right: .*right.wav: WAV data stops or breaks"):
        pairs(manifest)


def test_the_example_manifest_runs_where_its_audio_is(examples: Path, tmp_path: Path) -> None:
    sound, folder = session_sound(25), tmp_path / "sessions" / "session_001"
    folder.mkdir(parents=True)
    for name in ("snare_top", "kick_in", "overhead_l", "overhead_r"):
        soundfile.write(folder / f"{name}.wav", sound.astype(np.float32), RATE_HZ)
    manifest = tmp_path / "manifests" / "session_manifest_example.json"
    manifest.parent.mkdir()
    manifest.write_bytes((examples / manifest.name).read_bytes())
    for session in (manifest, folder):
        settings = (f"sessions=[{session}]", "anchor=overhead_l", f"output={tmp_path}/out")
        done = run("check", "alignment", *settings, "--strict")
        assert (done.exit_code, done.output.splitlines()[0]) == (0, "alignment: passed (9 passed)")
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(("outside", "verdict"), [(1, "passed"), (2, "failed")])
def test_charts_lie_on_their_audio(tmp_path: Path, outside: int, verdict: str) -> None:
    residuals_ms = [15.0] * (20 - outside) + [15.1] * outside + [float("nan")]
    config = ChartGates()
    told = {"domain": "mix", "alignment": "aligned", "drift_ppm": -10.0, "num_hits": 100}
    songs = [{"song_id": f"{n}", "key": f"demo/{n}", "residual_ms": ms, **told} for n, ms in enumerate(residuals_ms)]
    found, _ = measure_charts(write_dataset(tmp_path, songs), config)
    assert {gate.name: gate.verdict for gate in apply_limits(config, found.values)} == {
        "within": verdict,
        "median_residual_ms": "failed",
        "forced": "passed",
    }
    assert found.values["p95_drift_samples_per_minute"].value == pytest.approx(13.23)
    assert sum(found.residuals) == 20
    assert [row.residual_ms for row in found.worst] == [15.1] * outside
