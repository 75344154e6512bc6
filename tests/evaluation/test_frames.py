"""Frame activations: what is masked, what adds up, and the verdict that stands on them."""

import io
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.conftest import BEAT, config_for, told, write_predictions, write_songs

from drumline.core.errors import ChartError
from drumline.core.grid import HIGH
from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import BRANCHES
from drumline.decoding.activations import Activations
from drumline.evaluation.evaluate import evaluate
from drumline.evaluation.frames import MASKED, FrameScores, frame_targets, read_frames
from drumline.evaluation.references import Truth

RATE_HZ = 100.0


def npz(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def truth(*hits: tuple[float, str], unannotated: tuple[str, ...] = ()) -> Truth:
    events = Events.of([time for time, _ in hits], [label for _, label in hits])
    return Truth(events, None, 0.0, 1.0, "", unannotated)


def column(branch: str, targets: np.ndarray) -> list[int]:
    return targets[:, list(BRANCHES).index(branch)].tolist()


def test_a_stroke_is_one_frame_in_a_mask_of_its_neighbours() -> None:
    wanted = frame_targets(truth((0.03, "kick"), (0.05, "cymbal")), num_frames=8, frame_rate_hz=RATE_HZ, mask_s=0.01)
    assert column("kick", wanted) == [0, 0, MASKED, 1, MASKED, 0, 0, 0]
    assert column("ride", wanted) == column("crash", wanted) == [0, 0, 0, 0, MASKED, MASKED, MASKED, 0]
    assert column("tom", wanted) == [0] * 8


def test_what_a_source_leaves_out_is_masked_whole() -> None:
    wanted = frame_targets(
        truth((0.0, "kick"), unannotated=("crash",)), num_frames=3, frame_rate_hz=RATE_HZ, mask_s=0.0
    )
    assert column("crash", wanted) == [MASKED] * 3


def test_states_of_a_branch_add_up() -> None:
    frames = FrameScores(np.array([[0.3, 0.4, 0.9]], dtype=np.float32), ("snare_head", "snare_rim", "cymbal"), RATE_HZ)
    values, has = frames.by_branch()
    assert values[0, list(BRANCHES).index("snare")] == pytest.approx(0.7)
    assert has.tolist() == [branch == "snare" for branch in BRANCHES]


def test_both_kinds_of_file_are_read() -> None:
    values = np.random.default_rng(0).uniform(size=(5, 2)).astype(np.float16)
    ours = Activations(HIGH, ("kick", "crash"), values.astype("f4"), np.zeros(5, "f4"), np.zeros(5, "f4"), values * 1.0)
    theirs = npz(activations=values, classes=["KD", "crash"], frame_rate_hz=HIGH.frame_rate_hz)
    for data in (ours.to_bytes(), theirs):
        found = read_frames(data, "a.npz")
        assert (found.labels, found.frame_rate_hz) == (("kick", "crash"), HIGH.frame_rate_hz)
        np.testing.assert_array_equal(found.values, values.astype(np.float32))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (npz(activations=np.full((2, 1), 3.0), classes=["kick"], frame_rate_hz=100.0), "are these logits"),
        (npz(activations=np.zeros((2, 2)), classes=["kick"], frame_rate_hz=100.0), r"shape \(2, 2\) for 1 classes"),
        (npz(activations=np.zeros((2, 1)), classes=["kik"], frame_rate_hz=100.0), "'kik' is no drum"),
        (npz(activations=np.zeros((2, 1)), classes=["kick"]), "no .npz of activations"),
        (b"PK", "no .npz of activations"),
    ],
)
def test_a_fault_is_told(data: bytes, message: str) -> None:
    with pytest.raises(ChartError, match=message):
        read_frames(data, "a.npz")


def test_a_network_that_knows_but_is_decoded_badly_has_a_threshold_problem(tmp_path: Path) -> None:
    """Kick: clear activations and no hits. Snare: activations that know nothing."""
    rng = np.random.default_rng(1)
    songs = write_songs(tmp_path / "songs", {"One": BEAT})
    frames = rng.uniform(0, 0.2, (1300, 2))
    for hit in BEAT:
        if hit.label == "kick":
            frames[round(hit.time_s * RATE_HZ), 0] = 0.4
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "One.npz").write_bytes(
        npz(activations=frames, classes=["kick", "snare"], frame_rate_hz=RATE_HZ)
    )
    hits = told([hit for hit in BEAT if not hit.label.startswith(("kick", "snare"))])
    predictions = write_predictions(tmp_path / "system", {"One": hits})
    systems = [{"name": "a", "predictions": str(predictions), "activations": str(tmp_path / "frames")}]
    config = config_for(songs, systems, tmp_path / "out", verdict={"min_num_reference": 10})
    branches = evaluate(config).report.truths[0].systems[0].branches
    assert {name: branch.finding for name, branch in branches.items()} == {
        "kick": "threshold problem",
        "snare": "model problem",
    }
    assert branches["kick"].roc_auc == 1.0
    assert "threshold problem" in (tmp_path / "out" / "report.html").read_text()
