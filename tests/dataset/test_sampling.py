"""Weights balance what they say they balance, and an epoch is the same whoever asks for it, and when."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dataset.small_dataset import hits_of, write_dataset

from drumline.cli import main
from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.dataset.sampling import (
    ALIGNED,
    CurriculumConfig,
    SamplingConfig,
    Weights,
    admitted,
    read_weights,
    weights_of,
    windows,
)
from drumline.dataset.sampling_weights import (
    SCHEMA,
    HardWindow,
    WeightsConfig,
    raked,
    read_hard_windows,
    sampling_weights,
    write_weights,
)
from drumline.dataset.window_grid import LABEL_NAMES, recordings_of, window_grid

CONFIG = WeightsConfig(stride_s=1.0, window_s=3.0)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_dataset(tmp_path_factory.mktemp("small") / "dataset")


@pytest.fixture(scope="module")
def table(small: str) -> pa.Table:
    return sampling_weights(small, CONFIG)


def test_the_grid_knows_what_sounds_in_each_window(small: str) -> None:
    recordings = recordings_of(small, "train")
    grid = window_grid(small, recordings, stride_s=1.0, window_s=3.0)
    inside, names = [], recordings.column("song_id")
    for recording, start_s in zip(grid.recording, grid.start_s, strict=True):
        hits = hits_of(int(names[recording].removeprefix("song")))
        inside.append([hit for hit in hits if start_s <= hit["time_s"] < start_s + 3.0])
    assert list(grid.num_hits) == [len(hits) for hits in inside]
    windows_with = {name: sum(name in {hit["label"] for hit in hits} for hits in inside) for name in LABEL_NAMES}
    for hits, rarest, ioi_s in zip(inside, grid.rarest, grid.ioi_s, strict=True):
        labels = [name for name in reversed(LABEL_NAMES) if name in {hit["label"] for hit in hits}]
        assert (LABEL_NAMES[rarest] if rarest >= 0 else "") == min(labels, key=windows_with.__getitem__, default="")
        times_s = [hit["time_s"] for hit in hits]
        onsets = [time_s for before, time_s in zip([-1.0, *times_s], times_s, strict=False) if time_s - before > 0.01]
        passages = [(late - early) / 3 for early, late in zip(onsets, onsets[3:], strict=False)]
        assert ioi_s == pytest.approx(min(passages, default=np.nan), nan_ok=True)


def test_every_window_lies_in_its_recording(small: str) -> None:
    recordings = recordings_of(small, "train")
    grid = window_grid(small, recordings, stride_s=1.0, window_s=3.0)
    lengths_s = np.array(recordings.column("num_samples"))[grid.recording] / RATE_HZ
    assert np.all(grid.start_s + 3.0 <= lengths_s)
    assert recordings_of(small, "test").table.num_rows == 0
    with pytest.raises(DrumlineError, match="no recordings in split 'test'"):
        sampling_weights(small, WeightsConfig(split="test"))


@settings(deadline=None)
@given(
    seed=st.integers(0, 1000),
    strengths=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)),
)
def test_raking_gives_each_bin_its_share(seed: int, strengths: tuple[float, float]) -> None:
    random = np.random.default_rng(seed)
    bins = [random.choice(4, 3000, p=[0.05, 0.7, 0.2, 0.05]) - 1, random.choice(3, 3000, p=[0.8, 0.15, 0.05])]
    weights = raked(list(zip(bins, strengths, strict=True)), max_ratio=1e6)
    assert weights.sum() == pytest.approx(1.0)
    for values, strength in zip(bins, strengths, strict=True):
        natural = np.array([np.mean(values == value) for value in range(-1, 4)])
        wanted = np.where(natural > 0, natural ** (1 - strength), 0.0)
        wanted[1:] *= (1 - natural[0]) / wanted[1:].sum()
        wanted[0] = natural[0]  # what is unknown keeps its share
        shares = [weights[values == value].sum() for value in range(-1, 4)]
        np.testing.assert_allclose(shares, wanted, atol=1e-4)


def test_no_window_gets_too_much() -> None:
    bins = np.zeros(1000, dtype=np.int64)
    bins[0] = 1
    weights = raked([(bins, 1.0)], max_ratio=5.0)
    assert 1000 * weights.max() < 5.1
    np.testing.assert_allclose(raked([(bins, 0.0)], max_ratio=5.0), 1 / 1000)


def test_the_table_sums_to_one_in_each_domain_and_is_the_same_again(small: str, table: pa.Table) -> None:
    assert table.schema.equals(SCHEMA)
    domain, weight = np.array(table["domain"].to_pylist()), table["weight"].to_numpy()
    for name in ("mix", "stem"):
        assert weight[domain == name].sum() == pytest.approx(1.0)
    assert sampling_weights(small, CONFIG).equals(table, check_metadata=True)
    assert set(table["song_group"].to_pylist()) == {"twins", "song2", "song3", "song4", "song5"}
    assert set(table.filter(pa.compute.equal(table["song_id"], "song3"))["mix_shard"].to_pylist()) == {None}


def test_hard_windows_are_multiplied(small: str, table: pa.Table) -> None:
    hard = [
        HardWindow(song_id="song3", start_s=4.0, end_s=5.0, weight=2.0),
        HardWindow(song_id="song3", start_s=4.5, end_s=6.5, weight=8.0),
    ]
    changed = sampling_weights(small, CONFIG, hard=hard)
    where = np.array([song == "song3" for song in table["song_id"].to_pylist()])
    start_s = table["start_s"].to_numpy()
    eight = where & (start_s < 6.5) & (start_s + 3 > 4.5)
    two = where & (start_s < 5.0) & (start_s + 3 > 4.0) & ~eight
    expected = np.where(eight, 8.0, np.where(two, 2.0, 1.0))
    np.testing.assert_array_equal(changed["hard"].to_numpy(), expected)
    ratio = changed["weight"].to_numpy() / table["weight"].to_numpy()
    stem = np.array(table["domain"].to_pylist()) == "stem"
    np.testing.assert_allclose(ratio[stem] / ratio[stem].min(), expected[stem])
    np.testing.assert_allclose(ratio[~stem], 1.0)


def test_a_faulty_mined_file_is_told_by_line(tmp_path: Path) -> None:
    mined = tmp_path / "hard.jsonl"
    mined.write_text('{"song_id": "a", "start_s": 1.5, "end_s": 2, "weight": 3}\n\n{"song_id": "a", "start_s": 1.0}\n')
    with pytest.raises(DrumlineError, match=r"hard\.jsonl:3: end_s: Field required"):
        read_hard_windows(str(mined))
    mined.write_text(mined.read_text().splitlines()[0])
    assert read_hard_windows(str(mined)) == (HardWindow(song_id="a", start_s=1.5, end_s=2.0, weight=3.0),)


def test_an_epoch_is_a_pure_function_of_seed_and_epoch(table: pa.Table) -> None:
    weights, config = weights_of(table), SamplingConfig(batch_size=8, batches=20, num_samples=3 * RATE_HZ)

    def drawn(seed: int, epoch: int) -> list[tuple[int, ...]]:
        specs = windows(weights, config=config, seed=seed, epoch=epoch)
        return list(zip(specs.window, specs.start, specs.seed, strict=True))

    whole = drawn(1, 2)
    assert whole == drawn(1, 2)
    assert whole != drawn(2, 2)
    assert whole != drawn(1, 3)
    specs = windows(weights, config=config, seed=1, epoch=2)
    assert list(specs[5 * 8 :].seed) == [seed for _, _, seed in whole[40:]]
    parts = np.stack([specs[rank::4].seed for rank in range(4)], axis=1).reshape(-1)
    np.testing.assert_array_equal(parts, specs.seed)
    assert len(set(specs.seed)) == len(specs) == 160


def test_windows_lie_in_their_recordings_on_frames_and_cover_every_part(table: pa.Table) -> None:
    weights, config = weights_of(table), SamplingConfig(batch_size=50, batches=100, num_samples=3 * RATE_HZ)
    specs = windows(weights, config=config, seed=0, epoch=0)
    assert not np.any(specs.start % ALIGNED)
    assert np.all(specs.start >= 0)
    assert np.all(specs.start + 3 * RATE_HZ <= weights.num_samples[specs.window])
    one = specs.start[(specs.shard == specs.shard[0]) & (specs.row_group == specs.row_group[0])] / RATE_HZ
    assert np.diff(np.sort(one)).max() < 1.0
    longer = SamplingConfig(batch_size=50, batches=1, num_samples=10**7)
    assert not windows(weights, config=longer, seed=0, epoch=0).start.any()


@pytest.mark.parametrize("batch_size", [7, 32])
def test_domains_share_every_batch(table: pa.Table, batch_size: int) -> None:
    weights = weights_of(table)
    config = SamplingConfig(batch_size=batch_size, batches=60, num_samples=RATE_HZ, domains={"mix": 3, "stem": 1})
    specs = windows(weights, config=config, seed=3, epoch=0)
    mix = np.array(weights.domains)[weights.domain[specs.window]] == "mix"
    each = mix.reshape(60, batch_size).sum(axis=1)
    assert np.abs(each - 0.75 * batch_size).max() <= 1
    assert abs(mix.mean() - 0.75) * len(specs) <= 1
    by_worker = [mix[rank::2].mean() for rank in range(2)]  # no worker sees one domain alone
    assert np.ptp(by_worker) < 0.15
    with pytest.raises(DrumlineError, match="no windows of domain 'separated', only of mix, stem"):
        windows(weights, config=SamplingConfig(domains={"separated": 1.0}), seed=0, epoch=0)


def test_draws_follow_the_weights_and_balance_what_is_rare(table: pa.Table) -> None:
    weights = weights_of(table)
    config = SamplingConfig(batch_size=100, batches=20, num_samples=RATE_HZ, domains={"stem": 1.0})
    specs = windows(weights, config=config, seed=0, epoch=0)
    stem = np.array(weights.domains)[weights.domain] == "stem"
    counts = np.bincount(specs.window, minlength=len(weights.weight))
    assert np.abs(counts - 2000 * np.where(stem, weights.weight, 0.0)).max() < 1.0


@pytest.mark.parametrize(("column", "strength"), [("rarest", "label_strength"), ("song_group", "group_strength")])
def test_what_is_rare_is_drawn_as_often(small: str, column: str, strength: str) -> None:
    free = dict.fromkeys(("group_strength", "label_strength", "tempo_strength", "ioi_strength"), 0.0)
    table = sampling_weights(small, CONFIG.model_copy(update={**free, strength: 1.0, "max_ratio": 1000.0}))
    config = SamplingConfig(batch_size=100, batches=20, num_samples=RATE_HZ, domains={"stem": 1.0})
    specs = windows(weights_of(table), config=config, seed=0, epoch=0)
    kinds, counts = np.unique(np.array(table[column].to_pylist())[specs.window], return_counts=True)
    assert len(kinds) > 2
    # Systematic draws miss their expectation by less than one a window, so by far less than chance would.
    np.testing.assert_allclose(counts, 2000 / len(kinds), atol=12)


def test_draws_of_a_group_follow_the_weights_of_its_sessions(small: str, tmp_path: Path) -> None:
    free = dict.fromkeys(("label_strength", "tempo_strength", "ioi_strength"), 0.0)
    plain = sampling_weights(small, CONFIG.model_copy(update={**free, "group_strength": 0.0}))
    stems = [group for group, domain in zip(plain["song_group"].to_pylist(), plain["domain"].to_pylist(), strict=True)
             if domain == "stem"]  # fmt: skip
    groups, natural = np.unique(stems, return_counts=True)
    factors = np.linspace(0.05, 0.5, len(groups))
    file = tmp_path / "weights.json"
    file.write_text(json.dumps({"weights": {g: {"weight": f} for g, f in zip(groups, factors, strict=True)}}))
    config = CONFIG.model_copy(update={**free, "group_weights": str(file), "group_strength": 1.0})
    table = sampling_weights(small, config)
    drawing = SamplingConfig(batch_size=100, batches=20, num_samples=RATE_HZ, domains={"stem": 1.0})
    specs = windows(weights_of(table), config=drawing, seed=0, epoch=0)
    found, counts = np.unique(np.array(table["song_group"].to_pylist())[specs.window], return_counts=True)
    np.testing.assert_array_equal(found, groups)
    np.testing.assert_allclose(counts, 2000 * natural * factors / (natural * factors).sum(), atol=12)
    file.write_text("[]")
    with pytest.raises(DrumlineError, match="not a file of `drumline derive weights`"):
        sampling_weights(small, config)


@settings(deadline=None)
@given(
    start=st.floats(0, 1),
    softness=st.floats(0.01, 1),
    floor=st.floats(0.001, 1),
    epochs=st.floats(0.1, 50),
)
def test_the_curriculum_only_opens(start: float, softness: float, floor: float, epochs: float) -> None:
    config = CurriculumConfig(epochs=epochs, start=start, softness=softness, floor=floor)
    difficulty = np.linspace(0, 1, 50)
    factors = np.stack([admitted(difficulty, epoch, config) for epoch in np.linspace(0, 1.2 * epochs, 20)])
    assert np.all(np.diff(factors, axis=0) >= 0)  # with epochs
    assert np.all(np.diff(factors, axis=1) <= 0)  # with difficulty
    assert np.all((factors >= floor) & (factors <= 1))
    np.testing.assert_array_equal(factors[-1], 1.0)


def test_the_curriculum_begins_with_what_is_easy() -> None:
    number = 1000
    weights = Weights(
        shards=("s",),
        domains=("mix",),
        shard=np.zeros(number, np.int64),
        row_group=np.zeros(number, np.int64),
        mix_shard=np.full(number, -1),
        mix_row_group=np.full(number, -1),
        domain=np.zeros(number, np.int64),
        num_samples=np.full(number, 10**8),
        start_s=np.arange(number) * 1.0,
        stride_s=1.0,
        difficulty=np.linspace(0, 1, number),
        weight=np.full(number, 1 / number),
    )
    config = SamplingConfig(batches=100, curriculum=CurriculumConfig(epochs=5))
    means = [
        weights.difficulty[windows(weights, config=config, seed=0, epoch=epoch).window].mean() for epoch in range(7)
    ]
    assert np.all(np.diff(means[:6]) > 0.01)
    assert means[5] == pytest.approx(0.5, abs=0.01)
    assert means[6] == pytest.approx(0.5, abs=0.01)


def test_the_command_writes_weights_and_a_picture(small: str, tmp_path: Path) -> None:
    hard, config = tmp_path / "hard.jsonl", tmp_path / "weights.yaml"
    hard.write_text('{"song_id": "song0", "start_s": 0.0, "end_s": 1.0, "weight": 4.0}\n')
    config.write_text("stride_s: 1.0\nwindow_s: 3.0\n")
    paths = {name: str(tmp_path / name) for name in ("weights.parquet", "weights.svg")}
    options = ["--output", paths["weights.parquet"], "--plot", paths["weights.svg"], "--hard", str(hard)]
    result = CliRunner().invoke(main, ["sampling-weights", small, *options, "--config", str(config)])
    assert result.exit_code == 0, result.output
    assert "windows of 6 songs" in result.output
    assert pq.read_table(paths["weights.parquet"])["hard"].to_numpy().max() == 4.0
    weights = read_weights(paths["weights.parquet"])
    assert weights.stride_s == 1.0
    assert Path(paths["weights.svg"]).read_text().startswith("<svg")
    with pytest.raises(DrumlineError, match="not sampling weights"):
        read_weights(f"{small}/songs.parquet")
    again = CliRunner().invoke(main, ["sampling-weights", small, *options])
    assert again.exit_code == 2
    assert "--overwrite" in again.output
    assert pq.read_table(paths["weights.parquet"])["hard"].to_numpy().max() == 4.0
    assert CliRunner().invoke(main, ["sampling-weights", small, *options, "--overwrite"]).exit_code == 0


def test_equal_tables_give_equal_files(table: pa.Table, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_weights(table, str(tmp_path / name))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
