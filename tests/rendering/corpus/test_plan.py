"""What will be rendered: everything is used, evenly, and a seed says all."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from drumline.charts.general_midi import write_performance
from drumline.core.errors import ConfigError
from drumline.rendering.corpus.config import CorpusConfig
from drumline.rendering.corpus.plan import SongSpec, plan, torture_songs
from drumline.rendering.patterns import perform


@pytest.fixture(scope="module")
def midi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of seven performances."""
    folder = tmp_path_factory.mktemp("midi")
    for number in range(7):
        groove = perform("rock", num_bars=8, tempos=((0, 110.0),), seed=number)
        (folder / f"take {number}.mid").write_bytes(write_performance(groove.hits, tempo=groove.tempo))
    return folder


def config_of(midi: Path, **changes: object) -> CorpusConfig:
    tree: dict[str, object] = {
        "name": "test",
        "output": "out",
        "performances": [{"uri": str(midi)}],
        "kits": [{"uri": f"synth#{n}"} for n in range(3)],
        "hours": 0.5,
        "etudes": 0.2,
        "vary": {"duration_s": (20.0, 40.0)},
    }
    return CorpusConfig.model_validate({**tree, **changes}, strict=False)


def test_performances_and_kits_are_used_evenly(midi: Path) -> None:
    songs = plan(config_of(midi))
    assert len(songs) == 55  # 1,800 s of songs of 30 s and a tail of 3
    assert sorted(song.number for song in songs) == list(range(55))
    played = Counter(source.key for song in songs for source in song.medley)
    assert len(played) == 7
    assert max(played.values()) - min(played.values()) <= 1
    kits = Counter(song.setups[0].uri for song in songs)
    assert max(kits.values()) - min(kits.values()) <= 1
    assert 0 < sum(not song.medley for song in songs) < 25


def test_synthesised_kits_are_counted_on_by_their_seeds(midi: Path) -> None:
    config = config_of(midi, kits=[{"uri": "synth#1"}, {"uri": "modal#8", "count": 3}])
    assert [kit.uri for kit in config.kits] == ["synth#1", "modal#8", "modal#9", "modal#10"]
    assert config == config_of(midi, kits=config.kits)
    with pytest.raises(ValueError, match=r"kit\.sfz: count=2 needs a seed: synth#N, modal#N or NAME\.kit\.yaml#N"):
        config_of(midi, kits=[{"uri": "kit.sfz", "count": 2}])


def test_songs_of_one_set_up_stand_together(midi: Path) -> None:
    setups = [song.setups for song in plan(config_of(midi))]
    changes = sum(a != b for a, b in pairwise(setups))
    assert changes == len(set(setups)) - 1


def test_a_seed_says_all_and_another_says_other_things(midi: Path) -> None:
    assert plan(config_of(midi)) == plan(config_of(midi))
    assert plan(config_of(midi)) != plan(config_of(midi, seed=1))


def test_a_song_is_named_by_all_that_decides_it(midi: Path) -> None:
    config, other = config_of(midi), config_of(midi, tail_s=4.0)
    song = plan(config)[0]
    assert SongSpec.from_json(song.to_json()) == song
    assert song.folder(config.recipe_fingerprint) == song.folder(config_of(midi, output="x").recipe_fingerprint)
    assert song.folder(config.recipe_fingerprint) != song.folder(other.recipe_fingerprint)


def test_a_share_of_the_songs_is_altered(midi: Path) -> None:
    songs = plan(config_of(midi, kit_use={"altered": 0.5}))
    altered = [song for song in songs if song.altered]
    assert 15 < len(altered) < 40
    assert all(SongSpec.from_json(song.to_json()) == song for song in songs)


def test_nothing_to_play_is_told(midi: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing to play in .*midi.* splits and performers"):
        plan(config_of(midi, performance_splits=("test",)))


def test_torture_sets_are_played_on_every_kit(midi: Path) -> None:
    config = config_of(midi, torture_takes=1)
    songs = plan(config)
    assert len(songs) == 3 * len(torture_songs(config))
    assert len({(song.setups, song.torture) for song in songs}) == len(songs)
