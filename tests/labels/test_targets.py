"""Targets against a slow, obvious twin, and the properties that training leans on."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drumline.core.grid import HIGH, Grid
from drumline.core.hits import Hit
from drumline.core.taxonomy import BRANCHES, CLASSES, LABELS
from drumline.labels.targets import LabelConfig, Targets, targets

FRAMES = 60
INSIDE_S = (FRAMES - 1) * HIGH.frame_s


def make(
    hits: list[Hit], *, unannotated: tuple[str, ...] = (), grid: Grid = HIGH, num_frames: int = FRAMES, **config: object
) -> Targets:
    settings = LabelConfig.model_validate(config)
    return targets(hits, grid=grid, num_frames=num_frames, unannotated=unannotated, config=settings)


def at(frame: float, label: str, **rest: object) -> Hit:
    return Hit(float(HIGH.seconds(frame)), label, **rest)  # type: ignore[arg-type]


hit_lists = st.lists(
    st.builds(
        Hit,
        time_s=st.floats(0, INSIDE_S),
        label=st.sampled_from(sorted(LABELS)),
        velocity=st.none() | st.floats(0, 1),
        flags=st.sampled_from([(), (), (), ("accent",), ("roll",), ("approximate",), ("faint",), ("roll", "faint")]),
        evidence=st.sampled_from(["gem", "annotation"]),
    ),
    max_size=12,
)


def twin(hits: list[Hit], *, unannotated: tuple[str, ...], config: LabelConfig) -> dict[str, list[float]]:
    """Frame by frame, hit by hit, from the words of the module's docstring."""
    columns: dict[str, list[float]] = {}
    predicted_left_out = set(unannotated) - {"hihat_pedal"}
    reach = math.ceil(config.approximate_reach_s * HIGH.frame_rate_hz)

    def classes(hit: Hit) -> frozenset[str]:
        return LABELS[config.widen.get(hit.label, hit.label) if hit.evidence == "gem" else hit.label]

    def is_approximate(hit: Hit) -> bool:
        return bool({"roll", "approximate"} & set(hit.flags))

    def is_clear(hit: Hit) -> bool:
        return not is_approximate(hit) and "faint" not in hit.flags

    def of_nearest(frame: int, some: list[Hit]) -> list[Hit]:
        """The hits of the nearest frame that has any of these, within the dilation."""
        for distance in range(config.dilation_frames + 1):
            for candidate in (frame - distance, frame + distance):
                if found := [hit for hit in some if int(HIGH.frame(hit.time_s)) == candidate]:
                    return found
        return []

    def within(frame: int, hit: Hit, limit: int) -> bool:
        return abs(int(HIGH.frame(hit.time_s)) - frame) <= limit

    def state_of(frame: int, certain: list[Hit], doubtful: list[Hit], silent: int) -> int:
        if of_nearest(frame, certain):
            return 1
        limits = [(hit, max(reach if is_approximate(hit) else 0, config.dilation_frames)) for hit in doubtful]
        return -1 if any(within(frame, hit, limit) for hit, limit in limits) else silent

    def agreed(found: list[Hit], states: dict[str, int]) -> int:
        known = {states[next(iter(classes(hit)))] if len(classes(hit)) == 1 else 0 for hit in found}
        return known.pop() if len(known) == 1 and known != {0} else -1

    for branch, numbers in BRANCHES.items():
        states = dict(numbers)
        struck = set(states) - {"hihat_pedal"}
        certain = [hit for hit in hits if classes(hit) and classes(hit) <= struck and is_clear(hit)]
        doubtful = [
            hit for hit in hits if hit not in certain and (classes(hit) & set(states) or "approximate" in hit.flags)
        ]
        silent = -1 if predicted_left_out & struck else 0
        presence = [state_of(frame, certain, doubtful, silent) for frame in range(FRAMES)]
        columns[f"{branch}_presence"] = list(presence)
        if len(states) > 1:
            pedals = [hit for hit in hits if hit.label == "hihat_pedal" and branch == "hihat" and is_clear(hit)]
            columns[f"{branch}_variation"] = [
                agreed(of_nearest(frame, certain if presence[frame] == 1 else pedals), states)
                for frame in range(FRAMES)
            ]
        columns[f"{branch}_velocity"] = [
            max(
                (round(hit.velocity * 127) for hit in of_nearest(frame, certain) if hit.velocity is not None),
                default=255,
            )
            for frame in range(FRAMES)
        ]
    certain = [hit for hit in hits if classes(hit) and "hihat_pedal" not in classes(hit) and is_clear(hit)]
    doubtful = [hit for hit in hits if hit not in certain]
    silent = -1 if predicted_left_out else 0
    columns["onset_any"] = [state_of(frame, certain, doubtful, silent) for frame in range(FRAMES)]
    columns["onset_offset"] = [
        min((float(HIGH.position(hit.time_s)) - frame for hit in of_nearest(frame, certain)), default=math.nan)
        for frame in range(FRAMES)
    ]
    return columns


@given(hit_lists, st.integers(0, 3), st.sampled_from([(), ("hihat_pedal",), ("crash",), ("snare_rim", "ride_bell")]))
def test_equals_the_slow_twin(hits: list[Hit], dilation: int, unannotated: tuple[str, ...]) -> None:
    config = LabelConfig(dilation_frames=dilation, approximate_reach_s=0.02)
    fast = targets(hits, grid=HIGH, num_frames=FRAMES, unannotated=unannotated, config=config).columns()
    slow = twin(hits, unannotated=unannotated, config=config)
    assert list(fast) == list(slow)
    for name, column in slow.items():
        np.testing.assert_allclose(fast[name], column, atol=1e-5, err_msg=name)


@given(hit_lists.flatmap(lambda hits: st.tuples(st.just(hits), st.permutations(hits))))
def test_order_does_not_matter(both: tuple[list[Hit], list[Hit]]) -> None:
    first, second = (make(hits, dilation_frames=1).columns() for hits in both)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


@given(st.lists(st.tuples(st.integers(20, 40), st.sampled_from(CLASSES)), max_size=8), st.integers(-15, 15))
def test_shifting_by_whole_frames_shifts_the_grid(placed: list[tuple[int, str]], shift: int) -> None:
    here = make([at(frame + 0.25, label) for frame, label in placed], dilation_frames=2).columns()
    there = make([at(frame + shift + 0.25, label) for frame, label in placed], dilation_frames=2).columns()
    for name in here:
        np.testing.assert_allclose(np.roll(here[name], shift), there[name], atol=1e-5)


def test_what_a_source_cannot_tell_is_masked() -> None:
    found = make([at(5, "snare"), at(10, "cymbal"), at(15, "cymbal"), at(15, "ride_bell"), at(20, "other")])
    assert (found.presence["snare"][5], found.variation["snare"][5]) == (1, -1)
    assert (found.presence["ride"][10], found.presence["crash"][10], found.onset_any[10]) == (-1, -1, 1)
    assert (found.presence["ride"][15], found.variation["ride"][15], found.presence["crash"][15]) == (1, 2, -1)
    assert found.onset_any[20] == -1
    assert all(column[20] == 0 for column in found.presence.values())


def test_lanes_of_a_game_are_widened_and_statements_are_not() -> None:
    found = make([at(5, "crash", evidence="gem"), at(10, "crash", evidence="animation")])
    assert found.presence["crash"][[5, 10]].tolist() == [-1, 1]
    assert found.presence["ride"][[5, 10]].tolist() == [-1, 0]


def test_a_pedal_alone_is_known_but_not_asked_for() -> None:
    found = make([at(5, "hihat_pedal"), at(10, "hihat_pedal"), at(10, "hihat_open")])
    assert found.presence["hihat"][[5, 10]].tolist() == [-1, 1]
    assert found.variation["hihat"][[5, 10]].tolist() == [3, 2]
    assert found.onset_any[[5, 10]].tolist() == [-1, 1]


def test_two_kinds_of_one_branch_at_once_leave_the_kind_unknown() -> None:
    found = make([at(5, "tom_high"), at(5.2, "tom_mid")])
    assert (found.presence["tom"][5], found.variation["tom"][5]) == (1, -1)


def test_dilation_keeps_real_onsets_and_tells_offsets_from_each_frame() -> None:
    found = make([at(10.25, "hihat_open", velocity=1.0), at(11, "hihat_closed")], dilation_frames=2)
    assert found.variation["hihat"][7:15].tolist() == [-1, 2, 2, 2, 1, 1, 1, -1]
    np.testing.assert_allclose(found.offset[8:12], [2.25, 1.25, 0.25, 0.0], atol=1e-5)
    assert found.velocity["hihat"][10:12].tolist() == [127, 255]


def test_rolls_mask_their_branch_and_free_passages_all() -> None:
    found = make([at(10, "snare", flags=("roll",)), at(40, "kick", flags=("approximate",))], approximate_reach_s=0.012)
    assert found.presence["snare"][6:15].tolist() == [0, -1, -1, -1, -1, -1, -1, -1, 0]
    assert found.presence["kick"][10] == 0
    assert all(column[40] == -1 for column in found.presence.values())
    assert found.onset_any[[10, 40]].tolist() == [-1, -1]


def test_an_inaudible_hit_masks_its_branch_and_the_onset() -> None:
    hidden = at(10, "snare_head", velocity=0.1, flags=("faint",))
    found = make([hidden, at(20, "kick"), at(30, "hihat_pedal", flags=("faint",))], dilation_frames=1)
    assert found.presence["snare"][8:13].tolist() == [0, -1, -1, -1, 0]
    assert found.onset_any[8:13].tolist() == [0, -1, -1, -1, 0]
    assert found.velocity["snare"][10] == 255
    assert found.variation["hihat"][30] == -1
    assert found.presence["kick"][10] == 0
    both = make([hidden, at(10, "snare_head", velocity=1.0)])
    assert (both.presence["snare"][10], both.velocity["snare"][10]) == (1, 127)


def test_hits_outside_the_grid_are_left_out() -> None:
    found = make([at(-1, "kick"), at(FRAMES, "kick"), at(FRAMES - 0.6, "kick")])
    assert found.presence["kick"].nonzero()[0].tolist() == [FRAMES - 1]


def test_widening_must_widen() -> None:
    with pytest.raises(ValidationError, match="leaves out classes of crash"):
        LabelConfig(widen={"crash": "tom"})
